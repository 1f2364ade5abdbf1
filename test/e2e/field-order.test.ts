/** An answer has the order of the operation (GraphQL, section 7.1), whoever was first. */
import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, expect, it } from 'vitest';
import { createFreshet } from '../../src/gateway/yoga.ts';
import { startSubgraph } from '../support/subgraph.ts';
import { startTestNode } from './fleet.ts';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
});

const QUERY = '{ late { a b } early list { late early } }';
const ANSWER = '{"data":{"late":{"a":1,"b":2},"early":3,"list":[{"late":4,"early":5}]}}';

it('of a gateway, so that all nodes give it one entity tag', async () => {
  const later = () => new Promise((resolve) => {
    setImmediate(resolve);
  });
  const start = (isLate: boolean) => startSubgraph({
    name: isLate ? 'late' : 'early',
    sdl: isLate
      ? 'type Query { late: Late } type Late { a: Int b: Int }'
      : 'type Query { early: Int list: [Both!]! } type Both { late: Int early: Int }',
    resolvers: {
      Query: {
        late: async () => later().then(() => ({ b: 2, a: 1 })),
        early: () => 3,
        list: () => [{ early: 5, late: 4 }],
      },
    },
  });
  const [late, early] = await Promise.all([start(true), start(false)]);
  stops.push(() => late.stop(), () => early.stop());
  const tags = new Set<string | null>();
  for (const isHeld of [false, true]) {
    const node = await startTestNode({ subgraphs: { late: late.url, early: early.url } });
    stops.push(() => node.stop());
    const gate = isHeld ? late.hold() : undefined;
    const asked = node.ask(QUERY);
    // The other one is answered meanwhile, or soon after.
    await gate?.arrived;
    gate?.release();
    const answer = await asked;
    expect(answer.text).toBe(ANSWER);
    tags.add(answer.headers.get('etag'));
  }
  expect(tags.size).toBe(1);
});

it('of a server with the cache in it', async () => {
  const freshet = createFreshet();
  stops.push(() => freshet.close());
  const later = <T>(value: T) => new Promise<T>((resolve) => {
    setImmediate(() => resolve(value));
  });
  const schema = createSchema({
    typeDefs: `type Query { late: Late early: Int list: [Both!]! }
      type Late { a: Int b: Int } type Both { late: Int early: Int }`,
    resolvers: {
      Query: {
        late: () => later({}), early: () => 3, list: () => [{}],
      },
      Late: { a: () => later(1), b: () => 2 },
      Both: { late: () => later(4), early: () => 5 },
    },
  });
  const yoga = createYoga({ schema, plugins: [freshet.plugin] });
  const body = JSON.stringify({ query: QUERY });
  const headers = { 'content-type': 'application/json' };
  for (const cache of ['miss', 'hit']) {
    const answer = await yoga.fetch('http://yoga/graphql', { method: 'POST', headers, body });
    expect(answer.headers.get('cache-status')).toContain(cache);
    expect(await answer.text()).toBe(ANSWER);
  }
});
