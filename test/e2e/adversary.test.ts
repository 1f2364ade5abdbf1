/** Ways round the promises that somebody tried who wanted to break them. */
import { GraphQLError } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
  node = await startTestNode({ subgraphs: world.subgraphs });
});

afterAll(async () => {
  await node.stop();
  await world.stop();
});

describe('a mutation of several fields', () => {
  test('shows in its last field what the second wrote, though the first had read it', async () => {
    world.people.set('series', person('series'));
    const create = (id: string): string =>
      `createPost(id: "${id}", title: "", authorId: "series") { author { name } }`;
    const { data } = await node.ask(`mutation {
      before: ${create('s1')}
      rename(id: "series", name: "new") { name }
      after: ${create('s2')}
    }`);
    expect(data.before.author.name).toBe('name of series');
    expect(data.after.author.name).toBe('new');
  });
});

test('what an origin told of one caller in an error is told to nobody else', async () => {
  const notices = await startSubgraph({
    name: 'notices',
    sdl: `directive @cacheControl(scope: CacheControlScope) on FIELD_DEFINITION
      enum CacheControlScope { PUBLIC PRIVATE }
      type Query { notice: String @cacheControl(scope: PUBLIC) }`,
    resolvers: {
      Query: {
        notice: (_, __, { request }) => {
          const asks = request.headers.get('authorization');
          if (asks !== 'carol') throw new GraphQLError(`nothing for ${asks}`);
          return 'closed on Monday';
        },
      },
    },
  });
  const own = await startTestNode({ subgraphs: { notices: notices.url } });
  const gate = notices.hold();
  const waiting = (count: number): Promise<unknown> =>
    until(() => own.gateway.status().loads.waiting === count, { what: `${count} wait` });
  const ask = (authorization: string) => own.ask('{ notice }', { headers: { authorization } });
  try {
    const alice = ask('alice');
    await gate.arrived;
    const bob = ask('bob');
    await waiting(1);
    const carol = ask('carol');
    await waiting(2);
    gate.release();
    expect((await alice).errors[0].message).toBe('nothing for alice');
    expect((await bob).errors[0].message).toBe('nothing for bob');
    expect((await carol).data).toEqual({ notice: 'closed on Monday' });
  } finally {
    await own.stop();
    await notices.stop();
  }
});
