/** A shop of two subgraphs behind one node without Redis, whose services fail when told to. */
import { GraphQLError } from 'graphql';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { createPublisher } from '../../src/invalidation/publisher.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { startTestNode, type Answer, type TestNode } from './fleet.ts';

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

/** So many items there are, and so many ask at once. */
export const COUNT = 50;

export interface Shop {
  readonly names: Map<string, string>;
  readonly stocks: Map<string, number>;
  /** What the services fail to give: 'items', 'item', 'note 1', 'stock 1', 'entity 1'. */
  readonly failing: Set<string>;
  readonly catalog: TestSubgraph;
  readonly stock: TestSubgraph;
  readonly subgraphs: Record<string, string>;
  readonly node: TestNode;
  /** All items as at first, and nothing cached. */
  reset(): Promise<void>;
  /** Invalidates; resolves when the node has applied it. */
  forget(pattern: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startShop(): Promise<Shop> {
  const names = new Map<string, string>();
  const stocks = new Map<string, number>();
  const failing = new Set<string>();
  const catalog = await startCatalog({ names, failing });
  const stock = await startStock({ stocks, failing });
  const subgraphs = { catalog: catalog.url, stock: stock.url };
  const log = new MemoryLog({ clock: systemClock });
  const node = await startTestNode({ subgraphs, invalidationLog: log });
  const publisher = createPublisher({ log, source: 'test-service' });
  const forget = async (pattern: string): Promise<void> => {
    const before = node.gateway.status().invalidation.received;
    await publisher.invalidatePattern(pattern);
    const applied = (): boolean => node.gateway.status().invalidation.received > before;
    await until(applied, { what: 'the node has applied the purge' });
  };
  return {
    names, stocks, failing, catalog, stock, subgraphs, node, forget,
    async reset() {
      failing.clear();
      for (let id = 0; id < COUNT; id += 1) {
        names.set(`${id}`, `name of ${id}`);
        stocks.set(`${id}`, id);
      }
      await forget('*');
      for (const subgraph of [catalog, stock]) {
        subgraph.answerHeaders = {};
        subgraph.forget();
      }
    },
    async stop() {
      await publisher.close();
      await node.stop();
      await Promise.all([catalog.stop(), stock.stop()]);
    },
  };
}

export function many<T>(ask: (index: number) => Promise<T>): Promise<T>[] {
  return Array.from({ length: COUNT }, (_, index) => ask(index));
}

/** Resolves when `count` keys wait for what somebody else loads. Default: all but one. */
export async function allWait({ node }: Shop, count = COUNT - 1): Promise<void> {
  const waits = (): boolean => node.gateway.status().loads.waiting === count;
  await until(waits, { what: `${count} wait for another one's load` });
}

export function statusOf({ headers }: Answer): string {
  return headers.get('cache-status') ?? '';
}

function orFail<T>({ failing }: Pick<Shop, 'failing'>, what: string, value: T): T {
  if (failing.has(what)) throw new GraphQLError(`no ${what}`, { extensions: { code: 'BROKEN' } });
  return value;
}

function startCatalog(shop: Pick<Shop, 'names' | 'failing'>): Promise<TestSubgraph> {
  const item = (id: string) => ({ id, name: shop.names.get(id) });
  return startSubgraph({
    name: 'catalog',
    sdl: CATALOG,
    resolvers: {
      Query: {
        items: () => orFail(shop, 'items', [...shop.names.keys()].map(item)),
        item: (_, { id }) => orFail(shop, 'item', item(id)),
        required: () => orFail(shop, 'required', 'there'),
      },
      Mutation: {
        rename: (_, { id, name }) => {
          shop.names.set(id, name);
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
      Item: { note: ({ id }) => orFail(shop, `note ${id}`, `note of ${id}`) },
    },
    entities: { Item: ({ id }) => item(id) },
  });
}

function startStock(shop: Pick<Shop, 'stocks' | 'failing'>): Promise<TestSubgraph> {
  return startSubgraph({
    name: 'stock',
    sdl: STOCK,
    resolvers: {
      Item: {
        stock: ({ id }) => orFail(shop, `stock ${id}`, shop.stocks.get(id)),
        reserved: () => 100,
        sold: () => 200,
        ordered: () => 300,
      },
    },
    entities: { Item: ({ id }) => orFail(shop, `entity ${id}`, { id }) },
  });
}
