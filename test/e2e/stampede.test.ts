/** Many who ask for the same cost an origin one call, also where that call fails. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startPair } from './pair.ts';
import { allWait, COUNT, many, startShop, statusOf, type Shop } from './shop.ts';

let shop: Shop;

beforeAll(async () => {
  shop = await startShop();
});

afterAll(() => shop.stop());

beforeEach(() => shop.reset());

describe('fifty requests at once on a cold cache', () => {
  const QUERY = '{ item(id: "7") { name stock } }';
  const EXPECTED = { item: { name: 'name of 7', stock: 7 } };

  test('are one call to each subgraph where they are equal', async () => {
    const gate = shop.catalog.hold({ at: 'request' });
    const answers = many(() => shop.node.ask(QUERY));
    await gate.arrived;
    await allWait(shop);
    gate.release();
    const statuses = (await Promise.all(answers)).map((answer) => {
      expect(answer.data).toEqual(EXPECTED);
      return statusOf(answer);
    });
    expect(statuses.filter((status) => status.includes('stored'))).toHaveLength(1);
    expect(statuses.filter((status) => status.includes('collapsed'))).toHaveLength(COUNT - 1);
    expect(shop.catalog.calls).toHaveLength(1);
    expect(shop.stock.calls).toHaveLength(1);
    expect((await shop.node.ask(QUERY)).cache).toBe('hit');
  });

  test('ask once for an entity that they have in common', async () => {
    const gate = shop.stock.hold({ at: 'request' });
    const answers = many((index) => shop.node.ask(`{ item${index}: item(id: "7") { stock } }`));
    await gate.arrived;
    await allWait(shop);
    gate.release();
    for (const [index, { data }] of (await Promise.all(answers)).entries()) {
      expect(data).toEqual({ [`item${index}`]: { stock: 7 } });
    }
    expect(shop.stock.representations).toEqual([{ __typename: 'Item', id: '7' }]);
  });

  test('are one call for each of two nodes, and none where Redis has the answer', async () => {
    const pair = await startPair({ subgraphs: shop.subgraphs });
    try {
      const gates = [shop.catalog.hold({ at: 'request' }), shop.catalog.hold({ at: 'request' })];
      const answers = pair.nodes.flatMap((each) => many(() => each.ask(QUERY)));
      await Promise.all(gates.map((gate) => gate.arrived));
      for (const gate of gates) gate.release();
      for (const { data } of await Promise.all(answers)) expect(data).toEqual(EXPECTED);
      expect(shop.catalog.calls).toHaveLength(2);

      await pair.nodes[0].ask('{ item(id: "8") { name stock } }');
      await until(
        async () => (await pair.nodes[1].ask('{ item(id: "8") { name stock } }')).cache === 'hit',
        { what: 'the second node finds it in Redis' },
      );
      shop.catalog.forget();
      for (const { cache } of await Promise.all(many(() =>
        pair.nodes[1].ask('{ item(id: "8") { name stock } }')))) expect(cache).toBe('hit');
      expect(shop.catalog.calls).toEqual([]);
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
    const filled = await shop.node.ask(QUERY, { variables });
    expect(await shop.node.ask(query, options)).toMatchObject({ cache: 'hit', text: filled.text });
    expect(shop.catalog.calls).toHaveLength(1);
  });

  test('that mean something else are entries of their own', async () => {
    const document = `
      query A($id: ID!) { item(id: $id) { name } }
      query B($id: ID!) { item(id: $id) { alias: name } }`;
    const asking = { variables: { id: '1' } };
    const [a, b] = [
      await shop.node.ask(document, { ...asking, operationName: 'A' }),
      await shop.node.ask(document, { ...asking, operationName: 'B' }),
    ];
    expect(a.data).toEqual({ item: { name: 'name of 1' } });
    expect(b.data).toEqual({ item: { alias: 'name of 1' } });
    const other = await shop.node.ask(document, { variables: { id: '2' }, operationName: 'A' });
    expect(other).toMatchObject({ cache: 'miss', data: { item: { name: 'name of 2' } } });
    expect((await shop.node.ask(document, { ...asking, operationName: 'A' })).cache).toBe('hit');
  });
});

describe('of fifty entities', () => {
  const STOCKS = '{ items { stock } }';

  test('only the three that are not cached are asked for', async () => {
    const missing = ['3', '17', '49'];
    for (const id of shop.names.keys()) {
      if (!missing.includes(id)) await shop.node.ask(`{ item(id: "${id}") { stock } }`);
    }
    shop.stock.forget();
    const { data } = await shop.node.ask(STOCKS);
    expect(data.items).toEqual([...shop.stocks.values()].map((one) => ({ stock: one })));
    expect(shop.stock.calls).toHaveLength(1);
    expect(shop.stock.representations.map(({ id }) => id as string)).toEqual(missing);
  });

  test('only the three that were purged are asked for again', async () => {
    await shop.node.ask(STOCKS);
    for (const id of ['3', '17', '49']) {
      shop.stocks.set(id, 1_000);
      await shop.forget(`item:${id}`);
    }
    shop.stock.forget();
    const { data } = await shop.node.ask(STOCKS);
    expect(data.items).toEqual([...shop.stocks.values()].map((one) => ({ stock: one })));
    expect(shop.stock.representations.map(({ id }) => id as string)).toEqual(['3', '17', '49']);
  });

  test('those that fail are told of at their place, and alone asked for again', async () => {
    for (const id of ['0', '1', '2', '4']) await shop.node.ask(`{ item(id: "${id}") { stock } }`);
    shop.failing.add('stock 5');
    shop.failing.add('entity 48');
    for (const _ of [1, 2]) {
      shop.stock.forget();
      const { data, errors, cache } = await shop.node.ask(STOCKS);
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
    expect(shop.stock.representations.map(({ id }) => id as string)).toEqual(['5', '48']);
    shop.failing.clear();
    shop.stock.forget();
    const healed = await shop.node.ask(STOCKS);
    expect(healed.errors).toBeUndefined();
    expect(healed.data.items[5]).toEqual({ stock: 5 });
    expect(shop.stock.representations.map(({ id }) => id as string)).toEqual(['5', '48']);
    expect((await shop.node.ask(STOCKS)).cache).toBe('hit');
  });
});

describe('a load that fails', () => {
  const QUERY = '{ item(id: "1") { name } }';

  test('is repeated once for all who waited for it, and serves them then', async () => {
    shop.failing.add('item');
    const gate = shop.catalog.hold();
    const answers = many(() => shop.node.ask(QUERY));
    await gate.arrived;
    await allWait(shop);
    shop.failing.clear();
    gate.release();
    const all = await Promise.all(answers);
    const failed = all.filter(({ errors }) => errors !== undefined);
    expect(failed.map(({ errors }) => errors[0].message as string)).toEqual(['no item']);
    const served = all.filter(({ errors }) => errors === undefined);
    expect(served).toHaveLength(COUNT - 1);
    for (const { data } of served) expect(data).toEqual({ item: { name: 'name of 1' } });
    expect(shop.catalog.calls).toHaveLength(2);
  });

  test('again and again is not repeated for each who waits, and all are told why', async () => {
    shop.failing.add('item');
    const gate = shop.catalog.hold();
    const answers = many(() => shop.node.ask(QUERY));
    await gate.arrived;
    await allWait(shop);
    gate.release();
    for (const { data, errors } of await Promise.all(answers)) {
      expect(data).toEqual({ item: null });
      expect(errors).toEqual([expect.objectContaining({
        message: 'no item', path: ['item'], extensions: { code: 'BROKEN' },
      })]);
    }
    expect(shop.catalog.calls).toHaveLength(2);
    shop.failing.clear();
    expect((await shop.node.ask(QUERY)).data).toEqual({ item: { name: 'name of 1' } });
  });

  test('in part gives each who waited a copy of its own, to add other parts to', async () => {
    shop.failing.add('note 1');
    const gate = shop.catalog.hold();
    const fields = ['stock', 'reserved', 'sold', 'ordered'];
    const answers = fields.map((field) =>
      shop.node.ask(`{ item(id: "1") { note value: ${field} } }`));
    await gate.arrived;
    await allWait(shop, fields.length - 1);
    gate.release();
    const all = await Promise.all(answers);
    expect(all.map(({ data }) => data.item)).toEqual(
      [1, 100, 200, 300].map((value) => ({ note: null, value })),
    );
    for (const { errors } of all) {
      expect(errors).toEqual([expect.objectContaining({ path: ['item', 'note'] })]);
    }
    expect(shop.catalog.calls).toHaveLength(2);
  });

  test.each([
    ['hangs up', { hangUp: true }],
    ['answers 500', { status: 500, body: 'oops' }],
    ['answers no JSON', { body: '<html>' }],
    ['answers something else', { body: '{"hello":1}' }],
  ])('as the subgraph %s fails at most its own caller', async (_, misbehaviour) => {
    // A query is sent a second time where the connection broke.
    shop.catalog.misbehave(misbehaviour, ...('hangUp' in misbehaviour ? [misbehaviour] : []));
    const all = await Promise.all(many(() => shop.node.ask(QUERY)));
    const failed = all.filter(({ errors }) => errors !== undefined);
    expect(failed.length).toBeLessThanOrEqual(1);
    for (const { errors } of failed) {
      expect(errors[0].extensions.code).toMatch(/^SUBGRAPH_/);
      expect(errors[0].path).toEqual(['item']);
    }
    expect(shop.catalog.calls.length).toBeLessThanOrEqual(3);
    expect(await shop.node.ask(QUERY)).toMatchObject({
      cache: 'hit', data: { item: { name: 'name of 1' } },
    });
  });

  test('is not one because the client who caused it has left', async () => {
    const gate = shop.catalog.hold({ at: 'request' });
    const leaving = new AbortController();
    const left = fetch(shop.node.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: QUERY }),
      signal: leaving.signal,
    });
    await gate.arrived;
    const answers = many(() => shop.node.ask(QUERY));
    await allWait(shop, COUNT);
    leaving.abort();
    await expect(left).rejects.toThrow(/abort/);
    gate.release();
    for (const { data } of await Promise.all(answers)) {
      expect(data).toEqual({ item: { name: 'name of 1' } });
    }
    expect(shop.catalog.calls).toHaveLength(1);
  });

  test('by a timeout is over then, for its caller and for those who waited', async () => {
    const hasty = await startTestNode({ subgraphs: shop.subgraphs, subgraphTimeoutMs: 200 });
    const gate = shop.catalog.hold({ at: 'request' });
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
