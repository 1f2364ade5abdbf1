/** Attacks on the answers from stored bytes: what one client sends must not reach another. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { send, type RawRequest } from '../support/raw-request.ts';
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
