import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { KeyAnswer, OperationAnswer } from '../../src/ops/admin/explain-answers.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { startTestNode, type NodeOptions, type TestNode } from './fleet.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
  directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
    on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
  enum CacheControlScope { PUBLIC PRIVATE }`;
const PRODUCTS = `${LINK}
  type Query { product(id: ID!): Product products: [Product!]! me: Account clock: Clock }
  type Product @key(fields: "id") @cacheControl(maxAge: 300) { id: ID! name: String price: Int }
  type Account { email: String @cacheControl(scope: PRIVATE) }
  type Clock { now: String @cacheControl(maxAge: 0) }
  type Mutation { reprice(id: ID!, price: Int!): Product }`;
const STOCK = `${LINK}
  type Product @key(fields: "id") { id: ID! stock: Int }
  type Query { warehouses: Int }`;

const PRODUCT = 'query Page($id: ID!) { product(id: $id) { name price stock } }';
const variables = { id: '9' };

let products: TestSubgraph;
let stock: TestSubgraph;
let redis: RedisServer;
beforeAll(async () => {
  const product = (id: string) => ({ id, name: `product ${id}`, price: 10 });
  products = await startSubgraph({
    name: 'products', sdl: PRODUCTS,
    resolvers: {
      Query: {
        product: (_, { id }) => product(id),
        products: () => [product('8'), product('9')],
        me: () => ({ email: 'ann@example.org' }),
        clock: () => ({ now: 'now' }),
      },
      Mutation: { reprice: (_, { id }) => product(id) },
    },
    entities: { Product: ({ id }) => product(id) },
  });
  stock = await startSubgraph({
    name: 'stock', sdl: STOCK,
    resolvers: { Query: { warehouses: () => 1 }, Product: { stock: () => 4 } },
    entities: { Product: ({ id }) => ({ id }) },
  });
  redis = await startRedis();
});
afterAll(() => Promise.all([products.stop(), stock.stop(), redis.stop()]));

type Asking = { node: TestNode; path?: string; body: object };

async function post<T>({ node, path = '/admin/cache/explain', body }: Asking): Promise<T> {
  const response = await fetch(`${node.adminUrl}${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  });
  const answer = await response.json();
  expect(response.status, JSON.stringify(answer)).toBe(200);
  return answer as T;
}

const explain = (node: TestNode, query = PRODUCT, others: object = { variables }) =>
  post<OperationAnswer>({ node, body: { query, ...others } });
const explainKey = (node: TestNode, key: string) => post<KeyAnswer>({ node, body: { key } });
const purge = (node: TestNode, ...keys: string[]) => post({
  node, path: '/invalidate/key',
  body: { keys, reason: 'wrong price', triggered_by: 'ticket 7', request_id: `r-${Math.random()}` },
});

function start(options: Partial<NodeOptions> = {}): Promise<TestNode> {
  const subgraphs = { products: products.url, stock: stock.url };
  return startTestNode({ subgraphs, rehearsal: false, ...options });
}

describe('explain', () => {
  let node: TestNode;
  beforeAll(async () => {
    node = await start({ cache: { rules: { 'Query.products': { maxAgeSeconds: 20 } } } });
  });
  afterAll(() => node.stop());
  beforeEach(async () => {
    await post({ node, path: '/invalidate/pattern', body: { pattern: 'nothing:*' } });
    products.forget();
    stock.forget();
  });

  it('tells of what nobody has asked for yet, and asks no subgraph for it', async () => {
    const told = await explain(node);
    expect(told).toMatchObject({
      kind: 'operation', operation: 'query', operation_name: 'Page',
      would: 'miss', why: null, authenticated: false,
      rules: {
        ttl_ms: 300_000,
        scope: 'UNDECLARED', scope_from: { by: 'default', coordinate: 'Query.product' },
        kept_for: 'everybody',
      },
      entry: { state: 'absent', tier: null, ending: { reason: 'absent' } },
      parts: [{ kind: 'root', subgraph: 'products', name: 'product' }],
      parts_complete: false,
    });
    expect([...products.calls, ...stock.calls]).toEqual([]);
  });

  it('tells of a hit: where, its tags, its stamp, its TTL and its parts', async () => {
    await node.ask(PRODUCT, { variables });
    const told = await explain(node);
    expect(told).toMatchObject({
      would: 'hit',
      entry: {
        state: 'current', tier: 'l1', tags: expect.arrayContaining(['product:9']),
        stamp: expect.stringMatching(/^\d+-\d+$/), ending: null,
      },
      parts_complete: true,
    });
    expect(told.parts.map(({ kind, subgraph, name, entry }) =>
      [kind, subgraph, name, entry?.state])).toEqual([
      ['root', 'products', 'product', 'current'],
      ['entity', 'stock', 'product:9', 'current'],
    ]);
    expect(told.entry?.ttl_left_ms).toBeLessThanOrEqual(told.entry?.ttl_ms as number);
  });

  it('says which directive, rule or default decided how long', async () => {
    const price = await explain(node, '{ product(id: 1) { price } }', {});
    expect(price.rules).toMatchObject({
      ttl_ms: 300_000, ttl_from: { by: 'directive', coordinate: 'Product' },
    });
    const all = await explain(node, '{ products { price } }', {});
    expect(all.rules).toMatchObject({
      ttl_ms: 20_000, ttl_from: { by: 'configuration', coordinate: 'Query.products' },
    });
  });

  it('says which field forbids it', async () => {
    expect(await explain(node, '{ clock { now } }', {})).toMatchObject({
      would: 'bypass', why: 'uncacheable', entry: null,
      rules: { ttl_from: { by: 'directive', coordinate: 'Clock.now' }, kept_for: null },
    });
    expect(await explain(node, '{ me { email } }', {})).toMatchObject({
      would: 'bypass', why: 'private',
      rules: { scope: 'PRIVATE', scope_from: { by: 'directive', coordinate: 'Account.email' } },
    });
    const mutation = await explain(node, 'mutation { reprice(id: 9, price: 1) { id } }', {});
    expect(mutation).toMatchObject({ would: 'bypass', why: 'mutation', parts: [] });
    expect(products.calls).toEqual([]);
  });

  it('looks for the entry of the caller, and tells nothing of who that is', async () => {
    const headers = { authorization: 'Bearer the-token-of-ann' };
    await node.ask('{ me { email } }', { headers });
    const told = await explain(node, '{ me { email } }', { headers });
    expect(told).toMatchObject({
      would: 'hit', authenticated: true, rules: { kept_for: 'caller' },
    });
    expect(JSON.stringify(told)).not.toContain('the-token-of-ann');
    const other = { authorization: 'Bearer another' };
    expect((await explain(node, '{ me { email } }', { headers: other })).would).toBe('miss');
  });

  it('names the record that ended it, who wrote it, why and when', async () => {
    await node.ask(PRODUCT, { variables });
    await purge(node, 'product:9');
    const told = await explain(node);
    const record = {
      purges: ['product:9'], actor: 'loopback', reason: 'wrong price', triggered_by: 'ticket 7',
      source_service: 'freshet', request_id: expect.stringMatching(/^r-/),
    };
    expect(told).toMatchObject({
      would: 'miss', entry: { state: 'invalidated', ending: { reason: 'invalidated', record } },
      log: { complete: true, reaches_back: true },
    });
    expect(told.parts[0]?.entry?.ending).toMatchObject({ reason: 'invalidated', record });
    await node.ask(PRODUCT, { variables });
    expect((await explain(node)).would).toBe('hit');
  });

  it('tells of a purge of all and of a pattern likewise', async () => {
    for (const pattern of ['product:*', '/^product:9$/', '*']) {
      await node.ask(PRODUCT, { variables });
      await post({ node, path: '/invalidate/pattern', body: { pattern } });
      expect((await explain(node)).entry).toMatchObject({
        ending: { reason: 'invalidated', record: { purges: expect.arrayContaining([pattern]) } },
      });
    }
  });

  it('changes nothing: no figure, no entry, and no order of use', async () => {
    await node.ask(PRODUCT, { variables });
    const before = node.gateway.status();
    for (let round = 0; round < 3; round += 1) {
      await explain(node);
      await explainKey(node, 'product:9');
    }
    const { tiers, loads, l1, hitPath } = node.gateway.status();
    expect({ tiers, loads, l1, hitPath }).toEqual({
      tiers: before.tiers, loads: before.loads, l1: before.l1, hitPath: before.hitPath,
    });
  });

  it('tells what depends on a tag, and what purged it last', async () => {
    await node.ask(PRODUCT, { variables });
    await node.ask('{ products { name } }');
    await purge(node, 'product:9');
    const told = await explainKey(node, 'product:9');
    expect(told).toMatchObject({
      kind: 'key', tags: ['product:9'],
      last_invalidation: { purges: ['product:9'], triggered_by: 'ticket 7' },
    });
    expect(told.entries_count).toBeGreaterThanOrEqual(4);
    for (const { state, tags } of told.entries) {
      expect(tags).toContain('product:9');
      expect(state).toBe('invalidated');
    }
  });

  it('tells of one answer by the name of its key', async () => {
    await node.ask(PRODUCT, { variables });
    const key = (await explain(node)).entry?.key as string;
    expect(await explainKey(node, key)).toMatchObject({
      tags: [], entries: [{ key, state: 'current', tier: 'l1' }], entries_count: 1,
    });
  });

  it('says that caching is switched off', async () => {
    await node.ask(PRODUCT, { variables });
    const path = '/admin/cache/switch';
    await post({ node, path, body: { caching: 'off', type: 'Product', scope: 'node' } });
    expect(await explain(node)).toMatchObject({
      would: 'miss', entry: { state: 'off', ending: { reason: 'off' } },
    });
    await post({ node, path, body: { caching: 'off', scope: 'node' } });
    expect(await explain(node)).toMatchObject({ would: 'bypass', why: 'disabled', caching: 'off' });
    await post({ node, path, body: { caching: 'on', type: 'Product', scope: 'node' } });
    await post({ node, path, body: { caching: 'on', scope: 'node' } });
  });
});

describe('explain of what was not kept', () => {
  it('says that the last load failed, or that what came was not to be kept', async () => {
    const node = await start();
    try {
      products.misbehave({ status: 500 });
      await node.ask(PRODUCT, { variables });
      expect((await explain(node)).entry).toMatchObject({
        state: 'absent', ending: { reason: 'failed' },
      });
      products.answerHeaders = { 'set-cookie': ['a=1'] };
      await node.ask(PRODUCT, { variables });
      expect((await explain(node)).entry).toMatchObject({ ending: { reason: 'unkept' } });
    } finally {
      products.answerHeaders = {};
      await node.stop();
    }
  });

  it('says that a load was overtaken by a purge, and by which', async () => {
    const node = await start();
    try {
      const gate = products.hold();
      const reading = node.ask(PRODUCT, { variables });
      await gate.arrived;
      await purge(node, 'product:9');
      gate.release();
      await reading;
      expect((await explain(node)).parts[0]?.entry).toMatchObject({
        state: 'absent',
        ending: { reason: 'refused', refused_as: 'invalidated', record: { purges: ['product:9'] } },
      });
    } finally {
      await node.stop();
    }
  });
});

describe('explain on a small node', () => {
  it('says that an entry was evicted', async () => {
    const node = await start({ cache: { l1: { entriesMax: 1, bytesMax: 2 ** 20 } } });
    try {
      await node.ask(PRODUCT, { variables });
      await node.ask('{ products { name } }');
      expect((await explain(node)).entry).toMatchObject({
        state: 'absent', ending: { reason: 'evicted', record: null },
      });
    } finally {
      await node.stop();
    }
  });
});

describe('explain on a fleet', () => {
  it('finds in Redis what another node kept, and in the log what that one purged', async () => {
    const [first, second] = await Promise.all([
      start({ redis: { url: redis.url } }), start({ redis: { url: redis.url } }),
    ]);
    try {
      await first.ask(PRODUCT, { variables });
      await vi.waitFor(async () => expect(await explain(second)).toMatchObject({
        would: 'hit', entry: { tier: 'l2', state: 'current' }, parts_complete: true,
      }), { timeout: 5_000 });
      expect(second.gateway.status().tiers.hits).toEqual({ l1: 0, l2: 0 });
      expect((await explainKey(second, 'product:9')).entries).toMatchObject([{ tier: 'l2' }]);
      await purge(first, 'product:9');
      await vi.waitFor(async () => expect(await explain(second)).toMatchObject({
        would: 'miss',
        entry: { tier: 'l2', ending: { record: { reason: 'wrong price', actor: 'loopback' } } },
        log: { reaches_back: true },
      }), { timeout: 5_000 });
      expect(await explainKey(second, 'product:9')).toMatchObject({
        last_invalidation: { purges: ['product:9'] },
      });
    } finally {
      await Promise.all([first.stop(), second.stop()]);
    }
  });
});
