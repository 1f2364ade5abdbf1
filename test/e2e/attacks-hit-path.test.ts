/** Attacks on the answers from stored bytes, by what one client sends. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FRESHET_SDL } from '../../src/policy/freshet-definitions.ts';
import { send, type RawRequest } from '../support/raw-request.ts';
import { startSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
  node = await startTestNode({ subgraphs: world.subgraphs, cors: { origins: ['*'] } });
});

afterAll(async () => {
  await node.stop();
  await world.stop();
});

const hits = (): number => node.gateway.status().hitPath.hits;

function posted(query: string, headers: Record<string, string> = {}): RawRequest {
  return {
    headers: { 'content-type': 'application/json', origin: 'https://a.example', ...headers },
    body: JSON.stringify({ query }),
  };
}

describe('what only a preflight carries', () => {
  it('is not said to others who send the same request without it', async () => {
    const query = '{ user(id: "1") { name } }';
    const asked = {
      'access-control-request-headers': `x-${'a'.repeat(1_000)}`,
      'access-control-request-method': 'DELETE',
    };
    for (let n = 0; n < 3; n += 1) await send(node.url, posted(query, asked));
    for (let n = 0; n < 3; n += 1) {
      const { headers } = await send(node.url, posted(query));
      expect(headers).not.toHaveProperty('access-control-allow-headers');
      expect(headers).not.toHaveProperty('access-control-allow-methods');
    }
    expect(hits()).toBeGreaterThan(0);
  });
});

const MIB = 1024 * 1024;

/** What is held outside the heap when all that can go is gone. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().arrayBuffers;
}

describe('answers that are to be refreshed after a purge', () => {
  it('are not held by the requests that are recognised', async () => {
    const text = 'x'.repeat(100_000);
    const origin = await startSubgraph({
      name: 'origin',
      sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3")
        ${FRESHET_SDL}
        type Query {
          hot(id: ID!): Text @cacheControl(maxAge: 60) @cacheStrategy(refresh: 2)
        }
        type Text { text: String }`,
      resolvers: { Query: { hot: () => ({ text }) } },
    });
    const cache = { l1: { bytesMax: 4 * MIB, entriesMax: 10 } };
    const small = await startTestNode({ subgraphs: { origin: origin.url }, cache });
    const query = 'query ($id: ID!) { hot(id: $id) { text } }';
    const ask = (id: number) => small.ask(query, { variables: { id: `${id}` } });
    for (let id = 0; id < 20; id += 1) await ask(id);
    const before = bytesHeld();
    for (let id = 20; id < 220; id += 1) await ask(id);
    expect(small.gateway.status().hitPath.requests).toBe(220);
    // What is garbage is given back by a thread of its own, a little later.
    const isLetGo = (): boolean => bytesHeld() - before < 10 * MIB;
    await until(isLetGo, { what: 'the answers are let go' });
    await small.stop();
    await origin.stop();
  });
});
