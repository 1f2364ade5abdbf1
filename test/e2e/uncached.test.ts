/**
 * What must not be kept: neither is it found later, nor does anybody get it who asks at the same
 * time.
 */
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { allWait, COUNT, many, startShop, statusOf, type Shop } from './shop.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop.stop());

beforeEach(() => shop.reset());

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
    shop.failing.add(what);
    for (const _turn of [1, 2]) {
      const answer = await shop.node.ask(query);
      expect(answer.cache).not.toBe('hit');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(answer.errors).toHaveLength(1);
      expect(answer.errors[0]).toMatchObject({
        message: `no ${what}`, extensions: { code: 'BROKEN' }, ...(path && { path }),
      });
    }
    shop.failing.clear();
    const healed = await shop.node.ask(query);
    expect(healed.errors).toBeUndefined();
    expect((await shop.node.ask(query)).cache).toBe('hit');
  });

  test('is an answer that cannot be given, nor is a request that is not valid', async () => {
    for (const query of ['{ nothing }', '{ item { name } }', '{']) {
      for (const _ of [1, 2]) {
        const answer = await shop.node.ask(query);
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
      const answer = await shop.node.ask(query);
      expect(answer.errors).toBeUndefined();
      expect(answer.cache).toBe('bypass');
    }
  });

  test('is a mutation, and each of fifty at once is a call', async () => {
    const query = 'mutation { look(id: "1") { name } }';
    const answers = await Promise.all(many(() => shop.node.ask(query)));
    for (const { data, cache } of answers) {
      expect(data).toEqual({ look: { name: 'name of 1' } });
      expect(cache).toBe('method');
    }
    expect(shop.catalog.calls).toHaveLength(COUNT);
  });

  test('is a subscription: each has a stream of its own', async () => {
    for (const _ of [1, 2]) {
      const response = await fetch(shop.node.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ query: 'subscription { ticks }' }),
      });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      expect(response.headers.get('cache-control') ?? '').not.toContain('max-age');
      expect(await response.text()).toContain('{"data":{"ticks":1}}');
    }
    expect(shop.catalog.calls).toHaveLength(2);
  });

  test.each([
    ['of a root field', () => shop.catalog, '{ item(id: "1") { name } }'],
    ['of an entity', () => shop.stock, '{ item(id: "1") { stock } }'],
  ])('is an answer %s that sets a cookie, nor is it shared', async (_, subgraph, query) => {
    subgraph().answerHeaders = { 'set-cookie': ['session=1'] };
    const gate = subgraph().hold();
    const answers = many(() => shop.node.ask(query));
    await gate.arrived;
    await allWait(shop);
    gate.release();
    for (const answer of await Promise.all(answers)) {
      expect(answer.errors).toBeUndefined();
      expect(statusOf(answer)).toMatch(/fwd=miss; detail=cookie/);
      expect(answer.headers.get('cache-control')).toBe('no-store');
    }
    expect(subgraph().calls).toHaveLength(COUNT);
    subgraph().answerHeaders = {};
    expect((await shop.node.ask(query)).cache).toBe('miss');
    expect((await shop.node.ask(query)).cache).toBe('hit');
  });
});

describe("a mutation's own answer", () => {
  test('is read from the origins, though the cache holds what it asks for', async () => {
    const query = '{ item(id: "1") { name stock } }';
    await shop.node.ask(query);
    // Changed behind the cache's back, and `look` purges nothing.
    shop.names.set('1', 'changed');
    shop.stocks.set('1', 111);
    expect((await shop.node.ask(query)).data).toEqual({ item: { name: 'name of 1', stock: 1 } });
    const { data, headers } = await shop.node.ask('mutation { look(id: "1") { name stock } }');
    expect(data).toEqual({ look: { name: 'changed', stock: 111 } });
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('does not wait for a read that is under way', async () => {
    const gate = shop.stock.hold();
    const reading = shop.node.ask('{ item(id: "1") { stock } }');
    await gate.arrived;
    shop.stocks.set('1', 111);
    const { data } = await shop.node.ask('mutation { look(id: "1") { stock } }');
    expect(data).toEqual({ look: { stock: 111 } });
    gate.release();
    expect((await reading).data).toEqual({ item: { stock: 1 } });
  });

  test('leaves what was read after it, and nothing that was read before', async () => {
    const query = '{ item(id: "1") { name stock } }';
    await shop.node.ask(query);
    const rename = 'mutation { rename(id: "1", name: "new") { name stock } }';
    expect((await shop.node.ask(rename)).data).toEqual({ rename: { name: 'new', stock: 1 } });
    const answer = await shop.node.ask(query);
    expect(answer).toMatchObject({ cache: 'miss', data: { item: { name: 'new', stock: 1 } } });
  });
});
