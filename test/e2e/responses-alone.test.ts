/** Whole responses are kept and nothing else: `cache.entities` is false. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';

const LINK = `extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]
)`;

const names = new Map<string, string>();
const stocks = new Map<string, number>();
const subgraphs: TestSubgraph[] = [];
let node: TestNode;
let publisher: Publisher;

beforeAll(async () => {
  const catalog = await startSubgraph({
    name: 'catalog',
    sdl: `${LINK}
      type Query { item(id: ID!): Item }
      type Mutation { rename(id: ID!, name: String!): Item }
      type Item @key(fields: "id") { id: ID! name: String }`,
    resolvers: {
      Query: { item: (_, { id }) => ({ id, name: names.get(id) }) },
      Mutation: {
        rename: (_, { id, name }) => {
          names.set(id, name);
          return { id, name };
        },
      },
    },
    entities: { Item: ({ id }) => ({ id, name: names.get(id) }) },
  });
  const stock = await startSubgraph({
    name: 'stock',
    sdl: `${LINK}
      type Query { warehouse: String }
      type Item @key(fields: "id") { id: ID! stock: Int }`,
    resolvers: { Query: { warehouse: () => 'north' } },
    entities: { Item: ({ id }) => (stocks.has(id) ? { id, stock: stocks.get(id) } : null) },
  });
  subgraphs.push(catalog, stock);
  const log = new MemoryLog();
  publisher = createPublisher({ log, source: 'test-service' });
  node = await startTestNode({
    subgraphs: { catalog: catalog.url, stock: stock.url },
    invalidationLog: log,
    cache: {
      entities: false,
      rules: { Item: { writeThrough: true }, 'Mutation.rename': { writeThrough: true } },
    },
  });
});

afterAll(async () => {
  await publisher.close();
  await node.stop();
  for (const subgraph of subgraphs) await subgraph.stop();
});

const QUERY = '{ item(id: "1") { name stock } }';

/** Resolves when the node has applied it. */
async function purge(invalidate: () => Promise<unknown>): Promise<void> {
  const received = (): number => node.gateway.status().invalidation.received;
  const before = received();
  await invalidate();
  await until(() => received() > before, { what: 'the node has applied the purge' });
}

const purgeItem = (): Promise<void> => purge(() => publisher.invalidateCustom('item', '1'));

beforeEach(async () => {
  names.set('1', 'old');
  stocks.set('1', 1);
  await purge(() => publisher.invalidatePattern('*'));
});

describe('whole responses alone', () => {
  test('are kept, with nothing of their parts', async () => {
    expect((await node.ask(QUERY)).cache).toBe('miss');
    expect((await node.ask(QUERY)).cache).toBe('hit');
    expect(node.gateway.status().l1.entries).toBe(1);
    const [catalog] = subgraphs;
    const before = catalog?.calls.length;
    expect((await node.ask('{ item(id: "1") { name } }')).cache).toBe('miss');
    expect(catalog?.calls.length).toBe((before ?? 0) + 1);
  });

  test('end with any entity that they show, in whichever service', async () => {
    await node.ask(QUERY);
    stocks.set('1', 2);
    await purgeItem();
    expect((await node.ask(QUERY)).data).toEqual({ item: { name: 'old', stock: 2 } });
  });

  test('end with an entity that was not there', async () => {
    stocks.delete('1');
    await node.ask(QUERY);
    expect((await node.ask(QUERY)).cache).toBe('hit');
    stocks.set('1', 3);
    await purgeItem();
    expect((await node.ask(QUERY)).data).toEqual({ item: { name: 'old', stock: 3 } });
  });

  test('end with a mutation, of whose answer nothing is kept', async () => {
    await node.ask(QUERY);
    await node.ask('mutation { rename(id: "1", name: "new") { id name } }');
    expect(node.gateway.status().writeThrough.stored).toBe(0);
    expect((await node.ask(QUERY)).data).toEqual({ item: { name: 'new', stock: 1 } });
  });
});
