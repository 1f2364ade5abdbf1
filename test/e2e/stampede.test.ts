/**
 * Many who ask for the same cost an origin one call; what must not be shared is shared neither
 * later, by the cache, nor at the same time, by who waits for it.
 */
import { getIntrospectionQuery, GraphQLError } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type Answer, type TestNode } from './fleet.ts';
import { startPair } from './pair.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@shareable"])`;

const CATALOG = `${LINK}
  directive @cachePurge(tags: [String!]!) on FIELD_DEFINITION
  type Query {
    items: [Item!]!
    item(id: ID!, language: String = "en"): Item
    required: String!
  }
  type Mutation {
    rename(id: ID!, name: String!): Item
    look(id: ID!): Item @cachePurge(tags: ["nobody:0"])
  }
  type Subscription { ticks: Int! }
  type Item @key(fields: "id") { id: ID! name: String note: String }
`;

const STOCK = `${LINK}
  type Query { warehouse: String }
  type Item @key(fields: "id") { id: ID! stock: Int reserved: Int sold: Int ordered: Int }
`;

const COUNT = 50;

/** What the services have, and which of it they fail to give. */
const names = new Map<string, string>();
const stocks = new Map<string, number>();
const failing = new Set<string>();

function orFail<T>(what: string, value: T): T {
  if (failing.has(what)) throw new GraphQLError(`no ${what}`, { extensions: { code: 'BROKEN' } });
  return value;
}

const log = new MemoryLog({ clock: systemClock });
let catalog: TestSubgraph;
let stock: TestSubgraph;
let subgraphs: Record<string, string>;
let publisher: Publisher;
let node: TestNode;

beforeAll(async () => {
  const item = (id: string) => ({ id, name: names.get(id) });
  catalog = await startSubgraph({
    name: 'catalog',
    sdl: CATALOG,
    resolvers: {
      Query: {
        items: () => orFail('items', [...names.keys()].map(item)),
        item: (_, { id }) => orFail('item', item(id)),
        required: () => orFail('required', 'there'),
      },
      Mutation: {
        rename: (_, { id, name }) => {
          names.set(id, name);
          return item(id);
        },
        look: (_, { id }) => item(id),
      },
      Subscription: {
        ticks: {
          async *subscribe() {
            yield { ticks: 1 };
          },
        },
      },
      Item: { note: ({ id }) => orFail(`note ${id}`, `note of ${id}`) },
    },
    entities: { Item: ({ id }) => item(id) },
  });
  stock = await startSubgraph({
    name: 'stock',
    sdl: STOCK,
    resolvers: {
      Item: {
        stock: ({ id }) => orFail(`stock ${id}`, stocks.get(id)),
        reserved: () => 100,
        sold: () => 200,
        ordered: () => 300,
      },
    },
    entities: { Item: ({ id }) => orFail(`entity ${id}`, { id }) },
  });
  subgraphs = { catalog: catalog.url, stock: stock.url };
  node = await startTestNode({ subgraphs, invalidationLog: log });
  publisher = createPublisher({ log, source: 'test-service' });
});

afterAll(async () => {
  await publisher.close();
  await node.stop();
  await Promise.all([catalog.stop(), stock.stop()]);
});

beforeEach(async () => {
  failing.clear();
  catalog.answerHeaders = {};
  stock.answerHeaders = {};
  for (let id = 0; id < COUNT; id += 1) {
    names.set(`${id}`, `name of ${id}`);
    stocks.set(`${id}`, id);
  }
  await forget('*');
  catalog.forget();
  stock.forget();
});

async function forget(pattern: string): Promise<void> {
  const before = node.gateway.status().invalidation.received;
  await publisher.invalidatePattern(pattern);
  const applied = (): boolean => node.gateway.status().invalidation.received > before;
  await until(applied, { what: 'the node has applied the purge' });
}

function many<T>(ask: (index: number) => Promise<T>): Promise<T>[] {
  return Array.from({ length: COUNT }, (_, index) => ask(index));
}

async function allWait(count = COUNT - 1): Promise<void> {
  const waits = (): boolean => node.gateway.status().loads.waiting === count;
  await until(waits, { what: `${count} wait for another one's load` });
}

const statusOf = ({ headers }: Answer): string => headers.get('cache-status') ?? '';

describe('fifty requests at once on a cold cache', () => {
  const QUERY = '{ item(id: "7") { name stock } }';
  const EXPECTED = { item: { name: 'name of 7', stock: 7 } };

  test('are one call to each subgraph where they are equal', async () => {
    const gate = catalog.hold({ at: 'request' });
    const answers = many(() => node.ask(QUERY));
    await gate.arrived;
    await allWait();
    gate.release();
    const statuses = (await Promise.all(answers)).map((answer) => {
      expect(answer.data).toEqual(EXPECTED);
      return statusOf(answer);
    });
    expect(statuses.filter((status) => status.includes('stored'))).toHaveLength(1);
    expect(statuses.filter((status) => status.includes('collapsed'))).toHaveLength(COUNT - 1);
    expect(catalog.calls).toHaveLength(1);
    expect(stock.calls).toHaveLength(1);
    expect((await node.ask(QUERY)).cache).toBe('hit');
  });

  test('ask once for an entity that they have in common', async () => {
    const gate = stock.hold({ at: 'request' });
    const answers = many((index) => node.ask(`{ item${index}: item(id: "7") { stock } }`));
    await gate.arrived;
    await allWait();
    gate.release();
    for (const [index, { data }] of (await Promise.all(answers)).entries()) {
      expect(data).toEqual({ [`item${index}`]: { stock: 7 } });
    }
    expect(stock.representations).toEqual([{ __typename: 'Item', id: '7' }]);
  });

  test('are one call for each of two nodes, and none where Redis has the answer', async () => {
    const pair = await startPair({ subgraphs });
    try {
      const gates = [catalog.hold({ at: 'request' }), catalog.hold({ at: 'request' })];
      const answers = pair.nodes.flatMap((each) => many(() => each.ask(QUERY)));
      await Promise.all(gates.map((gate) => gate.arrived));
      for (const gate of gates) gate.release();
      for (const { data } of await Promise.all(answers)) expect(data).toEqual(EXPECTED);
      expect(catalog.calls).toHaveLength(2);

      await pair.nodes[0].ask('{ item(id: "8") { name stock } }');
      await until(
        async () => (await pair.nodes[1].ask('{ item(id: "8") { name stock } }')).cache === 'hit',
        { what: 'the second node finds it in Redis' },
      );
      catalog.forget();
      for (const { cache } of await Promise.all(many(() =>
        pair.nodes[1].ask('{ item(id: "8") { name stock } }')))) expect(cache).toBe('hit');
      expect(catalog.calls).toEqual([]);
    } finally {
      await pair.stop();
    }
  });
});

describe('spellings of one query', () => {
  const QUERY = 'query Ask($id: ID!, $language: String = "en") '
    + '{ item(id: $id, language: $language) { name } }';
  const variables = { id: '1', language: 'en' };

  test.each<[string, string, Parameters<TestNode['ask']>[1]]>([
    ['white space, commas and comments', `
      # who asks?
      query Ask ( $id : ID!,,, $language : String = "en" ) {
        item ( id : $id,, language : $language, ) { # the name
          name,
        }
      }`, { variables }],
    ['GET', QUERY, { variables, method: 'GET' }],
    ['another order of variables', QUERY, { variables: { language: 'en', id: '1' } }],
    ['a default that is left out', QUERY, { variables: { id: '1' } }],
    ['a variable that is not declared', QUERY, { variables: { ...variables, other: 1 } }],
    ['the name of the operation given as well', QUERY, { variables, operationName: 'Ask' }],
  ])('that differ by %s are one entry', async (_, query, options) => {
    const filled = await node.ask(QUERY, { variables });
    expect(await node.ask(query, options)).toMatchObject({ cache: 'hit', text: filled.text });
    expect(catalog.calls).toHaveLength(1);
  });

  test('that mean something else are entries of their own', async () => {
    const document = `
      query A($id: ID!) { item(id: $id) { name } }
      query B($id: ID!) { item(id: $id) { alias: name } }`;
    const asking = { variables: { id: '1' } };
    const [a, b] = [
      await node.ask(document, { ...asking, operationName: 'A' }),
      await node.ask(document, { ...asking, operationName: 'B' }),
    ];
    expect(a.data).toEqual({ item: { name: 'name of 1' } });
    expect(b.data).toEqual({ item: { alias: 'name of 1' } });
    const other = await node.ask(document, { variables: { id: '2' }, operationName: 'A' });
    expect(other).toMatchObject({ cache: 'miss', data: { item: { name: 'name of 2' } } });
    expect((await node.ask(document, { ...asking, operationName: 'A' })).cache).toBe('hit');
  });
});

describe('of fifty entities', () => {
  const STOCKS = '{ items { stock } }';

  test('only the three that are not cached are asked for', async () => {
    const missing = ['3', '17', '49'];
    for (const id of names.keys()) {
      if (!missing.includes(id)) await node.ask(`{ item(id: "${id}") { stock } }`);
    }
    stock.forget();
    const { data } = await node.ask(STOCKS);
    expect(data.items).toEqual([...stocks.values()].map((one) => ({ stock: one })));
    expect(stock.calls).toHaveLength(1);
    expect(stock.representations.map(({ id }) => id as string)).toEqual(missing);
  });

  test('only the three that were purged are asked for again', async () => {
    await node.ask(STOCKS);
    for (const id of ['3', '17', '49']) {
      stocks.set(id, 1_000);
      await forget(`item:${id}`);
    }
    stock.forget();
    const { data } = await node.ask(STOCKS);
    expect(data.items).toEqual([...stocks.values()].map((one) => ({ stock: one })));
    expect(stock.representations.map(({ id }) => id as string)).toEqual(['3', '17', '49']);
  });

  test('those that fail are told of at their place, and alone asked for again', async () => {
    for (const id of ['0', '1', '2', '4']) await node.ask(`{ item(id: "${id}") { stock } }`);
    failing.add('stock 5');
    failing.add('entity 48');
    for (const _ of [1, 2]) {
      stock.forget();
      const { data, errors, cache } = await node.ask(STOCKS);
      expect(cache).toBe('miss');
      expect(data.items[3]).toEqual({ stock: 3 });
      expect(data.items[5]).toEqual({ stock: null });
      expect(data.items[48]).toEqual({ stock: null });
      expect(errors.map(({ message, path }: { message: string; path: unknown }) =>
        [message, path])).toEqual(expect.arrayContaining([
        ['no stock 5', ['items', 5, 'stock']],
        ['no entity 48', ['items', 48, 'stock']],
      ]));
      expect(errors).toHaveLength(2);
    }
    expect(stock.representations.map(({ id }) => id as string)).toEqual(['5', '48']);
    failing.clear();
    stock.forget();
    const healed = await node.ask(STOCKS);
    expect(healed.errors).toBeUndefined();
    expect(healed.data.items[5]).toEqual({ stock: 5 });
    expect(stock.representations.map(({ id }) => id as string)).toEqual(['5', '48']);
    expect((await node.ask(STOCKS)).cache).toBe('hit');
  });
});

describe('a load that fails', () => {
  const QUERY = '{ item(id: "1") { name } }';

  test('is repeated once for all who waited for it, and serves them then', async () => {
    failing.add('item');
    const gate = catalog.hold();
    const answers = many(() => node.ask(QUERY));
    await gate.arrived;
    await allWait();
    failing.clear();
    gate.release();
    const all = await Promise.all(answers);
    const failed = all.filter(({ errors }) => errors !== undefined);
    expect(failed.map(({ errors }) => errors[0].message as string)).toEqual(['no item']);
    const served = all.filter(({ errors }) => errors === undefined);
    expect(served).toHaveLength(COUNT - 1);
    for (const { data } of served) expect(data).toEqual({ item: { name: 'name of 1' } });
    expect(catalog.calls).toHaveLength(2);
  });

  test('again and again is not repeated for each who waits, and all are told why', async () => {
    failing.add('item');
    const gate = catalog.hold();
    const answers = many(() => node.ask(QUERY));
    await gate.arrived;
    await allWait();
    gate.release();
    for (const { data, errors } of await Promise.all(answers)) {
      expect(data).toEqual({ item: null });
      expect(errors).toEqual([expect.objectContaining({
        message: 'no item', path: ['item'], extensions: { code: 'BROKEN' },
      })]);
    }
    expect(catalog.calls).toHaveLength(2);
    failing.clear();
    expect((await node.ask(QUERY)).data).toEqual({ item: { name: 'name of 1' } });
  });

  test('in part gives each who waited a copy of its own, to add other parts to', async () => {
    failing.add('note 1');
    const gate = catalog.hold();
    const fields = ['stock', 'reserved', 'sold', 'ordered'];
    const answers = fields.map((field) => node.ask(`{ item(id: "1") { note value: ${field} } }`));
    await gate.arrived;
    await allWait(fields.length - 1);
    gate.release();
    const all = await Promise.all(answers);
    expect(all.map(({ data }) => data.item)).toEqual(
      [1, 100, 200, 300].map((value) => ({ note: null, value })),
    );
    for (const { errors } of all) {
      expect(errors).toEqual([expect.objectContaining({ path: ['item', 'note'] })]);
    }
    expect(catalog.calls).toHaveLength(2);
  });

  test.each([
    ['hangs up', { hangUp: true }],
    ['answers 500', { status: 500, body: 'oops' }],
    ['answers no JSON', { body: '<html>' }],
    ['answers something else', { body: '{"hello":1}' }],
  ])('as the subgraph %s fails at most its own caller', async (_, misbehaviour) => {
    // A query is sent a second time where the connection broke.
    catalog.misbehave(misbehaviour, ...('hangUp' in misbehaviour ? [misbehaviour] : []));
    const all = await Promise.all(many(() => node.ask(QUERY)));
    const failed = all.filter(({ errors }) => errors !== undefined);
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const { errors } of failed) {
      expect(errors[0].extensions.code).toMatch(/^SUBGRAPH_/);
      expect(errors[0].path).toEqual(['item']);
    }
    expect(catalog.calls.length).toBeLessThanOrEqual(3);
    expect(await node.ask(QUERY)).toMatchObject({
      cache: 'hit', data: { item: { name: 'name of 1' } },
    });
  });

  test('by a timeout is over then, for its caller and for those who waited', async () => {
    const hasty = await startTestNode({ subgraphs, subgraphTimeoutMs: 200 });
    const gate = catalog.hold({ at: 'request' });
    try {
      const all = await Promise.all(many(() => hasty.ask(QUERY)));
      const failed = all.filter(({ errors }) => errors !== undefined);
      expect(failed.map(({ errors }) => errors[0].extensions.code as string))
        .toEqual(['SUBGRAPH_TIMEOUT']);
      expect((await hasty.ask(QUERY)).data).toEqual({ item: { name: 'name of 1' } });
    } finally {
      gate.release();
      await hasty.stop();
    }
  });
});

describe('what is never cached', () => {
  test.each([
    ['a whole answer', '{ required }', 'required', ['required']],
    ['a field of the root', '{ item(id: "1") { name } }', 'item', ['item']],
    ['a list', '{ items { name } }', 'items', null],
    ['a field, beside data', '{ item(id: "1") { name note } }', 'note 1', ['item', 'note']],
    ['an element of a list', '{ items { id note } }', 'note 4', ['items', 4, 'note']],
    ['a field of an entity', '{ item(id: "1") { name stock } }', 'stock 1', ['item', 'stock']],
    ['an entity', '{ item(id: "1") { name stock } }', 'entity 1', ['item', 'stock']],
  ])('is an error in %s', async (_, query, what, path) => {
    failing.add(what);
    for (const _turn of [1, 2]) {
      const answer = await node.ask(query);
      expect(answer.cache).not.toBe('hit');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.errors).toHaveLength(1);
      expect(answer.errors[0]).toMatchObject({
        message: `no ${what}`, extensions: { code: 'BROKEN' }, ...(path && { path }),
      });
    }
    failing.clear();
    const healed = await node.ask(query);
    expect(healed.errors).toBeUndefined();
    expect((await node.ask(query)).cache).toBe('hit');
  });

  test('is an answer that cannot be given, nor is a request that is not valid', async () => {
    for (const query of ['{ nothing }', '{ item { name } }', '{']) {
      for (const _ of [1, 2]) {
        const answer = await node.ask(query);
        expect(answer.errors.length).toBeGreaterThan(0);
        expect(answer.cache).not.toBe('hit');
      }
    }
  });

  test.each([
    getIntrospectionQuery(),
    '{ __type(name: "Item") { name } }',
    '{ item(id: "1") { name } t: __type(name: "Item") { name } }',
  ])('is introspection', async (query) => {
    for (const _ of [1, 2]) {
      const answer = await node.ask(query);
      expect(answer.errors).toBeUndefined();
      expect(answer.cache).toBe('bypass');
    }
  });

  test('is a mutation, and each of fifty at once is a call', async () => {
    const query = 'mutation { look(id: "1") { name } }';
    const answers = await Promise.all(many(() => node.ask(query)));
    for (const { data, cache } of answers) {
      expect(data).toEqual({ look: { name: 'name of 1' } });
      expect(cache).toBe('method');
    }
    expect(catalog.calls).toHaveLength(COUNT);
  });

  test('is a subscription: each has a stream of its own', async () => {
    for (const _ of [1, 2]) {
      const response = await fetch(node.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: 'subscription { ticks }' }),
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      expect(response.headers.get('cache-control') ?? '').not.toContain('max-age');
      expect(await response.text()).toContain('{"data":{"ticks":1}}');
    }
    expect(catalog.calls).toHaveLength(2);
  });

  test.each([
    ['of a root field', () => catalog, '{ item(id: "1") { name } }'],
    ['of an entity', () => stock, '{ item(id: "1") { stock } }'],
  ])('is an answer %s that sets a cookie, nor is it shared', async (_, subgraph, query) => {
    subgraph().answerHeaders = { 'set-cookie': ['session=1'] };
    const gate = subgraph().hold();
    const answers = many(() => node.ask(query));
    await gate.arrived;
    await allWait();
    gate.release();
    for (const answer of await Promise.all(answers)) {
      expect(answer.errors).toBeUndefined();
      expect(statusOf(answer)).toMatch(/fwd=miss; detail=cookie/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    expect(subgraph().calls).toHaveLength(COUNT);
    subgraph().answerHeaders = {};
    expect((await node.ask(query)).cache).toBe('miss');
    expect((await node.ask(query)).cache).toBe('hit');
  });
});

describe("a mutation's own answer", () => {
  test('is read from the origins, though the cache holds what it asks for', async () => {
    const query = '{ item(id: "1") { name stock } }';
    await node.ask(query);
    // Changed behind the cache's back, and `look` purges nothing.
    names.set('1', 'changed');
    stocks.set('1', 111);
    expect((await node.ask(query)).data).toEqual({ item: { name: 'name of 1', stock: 1 } });
    const { data, headers } = await node.ask('mutation { look(id: "1") { name stock } }');
    expect(data).toEqual({ look: { name: 'changed', stock: 111 } });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('does not wait for a read that is under way', async () => {
    const gate = stock.hold();
    const reading = node.ask('{ item(id: "1") { stock } }');
    await gate.arrived;
    stocks.set('1', 111);
    const { data } = await node.ask('mutation { look(id: "1") { stock } }');
    expect(data).toEqual({ look: { stock: 111 } });
    gate.release();
    expect((await reading).data).toEqual({ item: { stock: 1 } });
  });

  test('leaves what was read after it, and nothing that was read before', async () => {
    const query = '{ item(id: "1") { name stock } }';
    await node.ask(query);
    const rename = 'mutation { rename(id: "1", name: "new") { name stock } }';
    expect((await node.ask(rename)).data).toEqual({ rename: { name: 'new', stock: 1 } });
    const answer = await node.ask(query);
    expect(answer).toMatchObject({ cache: 'miss', data: { item: { name: 'new', stock: 1 } } });
  });
});
