import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Executor } from '@graphql-tools/utils';
import { execute, parse, type DocumentNode, type ExecutionResult } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { stitchSupergraph } from '../../../src/gateway/supergraph/stitch.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import { parseSupergraph } from '../../../src/gateway/supergraph/supergraph.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@shareable"])`;

let shop: TestSubgraph;
let stock: TestSubgraph;
/** It knows them by another key than the first. */
let prices: TestSubgraph;
let run: (document: DocumentNode, context?: object) => Promise<ExecutionResult>;
/** What the next request to the shop finds. */
let items: Record<string, unknown>[] = [];

beforeAll(async () => {
  shop = await startSubgraph({
    name: 'shop',
    sdl: `${LINK}
      type Query { items: [Item] }
      type Mutation { sell(id: ID!): Item }
      type Item @key(fields: "id") @key(fields: "sku") {
        id: ID sku: String @shareable name: String
      }`,
    resolvers: {
      Query: { items: () => items },
      Mutation: { sell: (_, { id }) => ({ id, name: `sold ${id}` }) },
    },
    entities: { Item: (reference) => reference },
  });
  let left = 10;
  stock = await startSubgraph({
    name: 'stock',
    sdl: `${LINK}
      type Query { stock: Int }
      type Item @key(fields: "id") {
        id: ID left: Int shelf: String size(unit: String): String
      }`,
    resolvers: {
      Item: {
        left: ({ id }) => (id === 'counted' ? left-- : Number(id)),
        shelf: ({ id }) => {
          if (id === '13') throw new Error('no such shelf');
          return `shelf of ${id}`;
        },
        size: ({ id }, { unit }) => `${id} ${unit}`,
      },
    },
    entities: { Item: (reference) => (reference['id'] === 'gone' ? null : reference) },
  });
  prices = await startSubgraph({
    name: 'prices',
    sdl: `${LINK}
      type Query { prices: Int }
      type Item @key(fields: "sku") { sku: String @shareable price: Int }`,
    resolvers: { Item: { price: () => 7 } },
    entities: { Item: (reference) => reference },
  });
  const schema = stitchSupergraph({
    supergraph: parseSupergraph(composeSupergraph([shop, stock, prices]).sdl),
    createExecutor: (entry) =>
      createSubgraphExecutor({ ...entry, clock: new ManualClock(), timeoutMs: 5_000 }),
  });
  run = async (document, contextValue = {}) => execute({ schema, document, contextValue });
});

afterAll(() => Promise.all([shop, stock, prices].map((one) => one.stop())));

beforeEach(() => {
  for (const one of [shop, stock, prices]) one.forget();
});

const idsAskedFor = (): unknown[] => stock.representations.map(({ id }) => id);

describe('the entities of one request', () => {
  it('are asked for together, each of them once', async () => {
    items = ['1', '2', '1', '3', '2'].map((id) => ({ id }));
    const { data, errors } = await run(parse('{ items { left } }'));
    expect(errors).toBeUndefined();
    expect(data).toEqual({ items: [1, 2, 1, 3, 2].map((left) => ({ left })) });
    expect(stock.calls).toHaveLength(1);
    expect(idsAskedFor()).toEqual(['1', '2', '3']);
  });

  it('are found by another key where the first is missing, and are null without any', async () => {
    items = [{ sku: 'x' }, { name: 'nameless' }];
    const { data } = await run(parse('{ items { name price } }'));
    expect(data).toEqual({ items: [{ name: null, price: 7 }, { name: 'nameless', price: null }] });
    expect(prices.representations).toEqual([{ __typename: 'Item', sku: 'x' }]);
  });

  it('are asked for by each selection apart, and are not mixed up', async () => {
    items = [{ id: '1' }, { id: '2' }];
    const { data } = await run(parse(`{
      cm: items { size(unit: "cm") } inch: items { size(unit: "inch") left }
    }`));
    expect(data).toEqual({
      cm: [{ size: '1 cm' }, { size: '2 cm' }],
      inch: [{ size: '1 inch', left: 1 }, { size: '2 inch', left: 2 }],
    });
  });

  it('are null where there are none, next to others, which are there', async () => {
    items = [{ id: '1' }, { id: 'gone' }, null as never, { id: '3' }];
    const { data, errors } = await run(parse('{ items { left } }'));
    expect(errors).toBeUndefined();
    expect(data).toEqual({ items: [{ left: 1 }, { left: null }, null, { left: 3 }] });
  });

  it('have an error where it happened, and the others their values', async () => {
    items = [{ id: '1' }, { id: '13' }, { id: '3' }];
    const { data, errors } = await run(parse('{ items { shelf } }'));
    expect(data).toEqual({
      items: [{ shelf: 'shelf of 1' }, { shelf: null }, { shelf: 'shelf of 3' }],
    });
    expect(errors?.map(({ path }) => path)).toEqual([['items', 1, 'shelf']]);
  });

  it('have each the error of a subgraph that answers none of them', async () => {
    items = [{ id: '1' }, { id: '2' }];
    stock.misbehave({ status: 503, body: 'away' });
    const { data, errors } = await run(parse('{ items { id left } }'));
    expect(data).toEqual({ items: [{ id: '1', left: null }, { id: '2', left: null }] });
    expect(errors?.map(({ path }) => path)).toEqual([['items', 0, 'left'], ['items', 1, 'left']]);
  });

  it('are asked for anew by the next request, and by the next step of a mutation', async () => {
    items = [{ id: 'counted' }];
    const query = parse('{ items { left } }');
    const first = await run(query);
    const second = await run(query);
    const steps = await run(parse(`mutation {
      a: sell(id: "counted") { left } b: sell(id: "counted") { left }
    }`));
    expect([first, second, steps].map(({ data }) => data)).toEqual([
      { items: [{ left: 10 }] }, { items: [{ left: 9 }] }, { a: { left: 8 }, b: { left: 7 } },
    ]);
  });
});

const REQUESTS = 400;
const PAYLOAD_LENGTH = 5_000;
const MIB = 1024 * 1024;

describe('a request that has been answered', () => {
  // All of them together are 16 MB; by the loaders of the stitching they were all still there.
  it('goes with the next collection of new objects, although its context was held', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
    const of = (name: string, fields: string) => ({
      name, url: `http://${name}`,
      sdl: `${LINK} type Query { ${name}: [Item] }
        type Item @key(fields: "id") { id: ID ${fields} }`,
    });
    const answers: Record<string, unknown> = {
      shop: { shop: [{ __typename: 'Item', id: '1' }] },
      stock: { _entities: [{ __typename: 'Item', id: '1', left: 1 }] },
    };
    const schema = stitchSupergraph({
      supergraph: parseSupergraph(
        composeSupergraph([of('shop', 'name: String'), of('stock', 'left: Int')]).sdl),
      createExecutor: ({ name }) =>
        (() => ({ data: structuredClone(answers[name]) })) as Executor,
    });
    const document = parse('{ shop { left } }');
    const ask = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        const contextValue = { payload: Array.from({ length: PAYLOAD_LENGTH }, () => n) };
        const { data } = await execute({ schema, document, contextValue });
        expect(data).toEqual({ shop: [{ left: 1 }] });
        if (n % 20 === 0) collect({ type: 'minor' });
      }
    };
    await ask(REQUESTS);
    for (let time = 0; time < 3; time += 1) collect();
    const before = process.memoryUsage().heapUsed;
    await ask(REQUESTS);
    for (let time = 0; time < 3; time += 1) collect({ type: 'minor' });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(6 * MIB);
  });
});
