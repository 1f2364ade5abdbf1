import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import type { ExecutionRequest, Executor } from '@graphql-tools/utils';
import {
  execute, GraphQLError, parse, print, type DocumentNode, type ExecutionResult, type GraphQLSchema,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { correctErrorPaths } from '../../../src/gateway/supergraph/error-paths.ts';
import {
  stitchSupergraph, subgraphEntries, type SubgraphEntry,
} from '../../../src/gateway/supergraph/stitch.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import { parseSupergraph } from '../../../src/gateway/supergraph/supergraph.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';

type Variables = Record<string, unknown>;
interface Sent {
  readonly document: DocumentNode;
  readonly said: readonly unknown[];
}

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key"])`;

let subgraphs: TestSubgraph[] = [];
/** It has answered before. */
let used: World;

interface World {
  readonly schema: GraphQLSchema;
  readonly sent: Sent[];
}

beforeAll(async () => {
  const shelf = (id: unknown, more: object = {}) =>
    ({ __typename: 'Shelf', id, label: `label ${JSON.stringify([id, more])}`, ...more });
  subgraphs = await Promise.all([
    startSubgraph({
      name: 'shelves',
      sdl: `${LINK}
        enum Order { UP DOWN }
        input Filter { id: ID tags: [String!] min: Int }
        type Query {
          shelf(id: ID!): Shelf
          shelves(ids: [ID!], order: Order = UP, filter: Filter, limit: Int = 2): [Shelf!]!
          things: [Thing!]!
          hits: [Hit!]!
          same(a: Int, b: String): String
        }
        interface Thing { id: ID! label: String }
        union Hit = Shelf | Box
        type Shelf implements Thing @key(fields: "id") {
          id: ID! label(of: String): String count: Int! peer: Shelf note: String
        }
        type Box implements Thing @key(fields: "id") {
          id: ID! label: String count: Int! note: String!
        }`,
      resolvers: {
        Query: {
          shelf: (_, { id }) => {
            if (id === 'bad') throw new GraphQLError('Bad', { extensions: { code: 'BAD' } });
            return shelf(id);
          },
          shelves: (_, args) => [shelf('1', args), shelf('2')],
          things: () => [shelf('1'), { __typename: 'Box', id: '7', label: 'box' }],
          hits: () => [shelf('1'), { __typename: 'Box', id: '7' }],
          same: (_, args) => JSON.stringify(args),
        },
        Shelf: {
          count: () => 3, note: () => 'of a shelf', peer: ({ id }) => shelf(`${id}'`),
          label: ({ label }, { of }) => (of === undefined ? label : `${of}: ${label}`),
        },
        Box: { count: () => 4, note: () => 'of a box' },
      },
      entities: { Shelf: ({ id }) => shelf(id), Box: (box) => ({ ...box, label: 'box' }) },
    }),
    startSubgraph({
      name: 'books',
      sdl: `${LINK}
        type Query { books: Int }
        type Shelf @key(fields: "id") { id: ID! books(first: Int, of: String): [String] worth: Int }
        type Box @key(fields: "id") { id: ID! worth: Int }`,
      resolvers: {
        Shelf: {
          worth: () => 10,
          books: ({ id }, { first = 1, of = 'book' }) =>
            Array.from({ length: first }, (_, at) => `${of} ${at} of ${id}`),
        },
        Box: { worth: () => 20 },
      },
      entities: { Shelf: (one) => one, Box: (one) => one },
    }),
  ]);
  used = ours();
});

afterAll(() => Promise.all(subgraphs.map((one) => one.stop())));

function recording(): { readonly sent: Sent[]; executorOf(of: SubgraphEntry): Executor } {
  const sent: Sent[] = [];
  const executorOf = (entry: SubgraphEntry): Executor => {
    const ask = createSubgraphExecutor({ ...entry, clock: new ManualClock(), timeoutMs: 5_000 });
    return ((request: ExecutionRequest) => {
      const { document, variables, operationName, operationType } = request;
      const said = [entry.name, print(document), variables, operationName, operationType];
      sent.push({ document, said });
      return ask(request);
    }) as Executor;
  };
  return { sent, executorOf };
}

function ours(of = subgraphs): World {
  const { sent, executorOf } = recording();
  const supergraph = parseSupergraph(composeSupergraph(of).sdl);
  return { schema: stitchSupergraph({ supergraph, createExecutor: executorOf }), sent };
}

/** As the libraries do it, for one question. */
function theirs(): World {
  const { sent, executorOf } = recording();
  const supergraph = parseSupergraph(composeSupergraph(subgraphs).sdl);
  const entries = subgraphEntries(supergraph);
  const schema = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: supergraph.sdl,
    onSubschemaConfig: (config) => {
      config.executor = executorOf(entries.get(config.name) as SubgraphEntry);
    },
  });
  return { schema: correctErrorPaths(schema), sent };
}

async function ask(
  { schema, sent }: World,
  document: DocumentNode,
  variableValues: Variables,
  operationName?: string,
) {
  sent.length = 0;
  const result: ExecutionResult =
    await execute({ schema, document, variableValues, contextValue: {}, operationName });
  return { result: JSON.parse(JSON.stringify(result)) as ExecutionResult, sent: [...sent] };
}

describe('what a subgraph is asked', () => {
  it.each<[string, string, readonly Variables[]]>([
    ['without arguments', '{ things { id label } }', [{}, {}]],
    ['with a variable', 'query A($id: ID!) { shelf(id: $id) { label count books } }',
      [{ id: '1' }, { id: '2' }, { id: 3 }]],
    ['with constants', '{ shelf(id: "x") { label } same(a: 1, b: "b") }', [{}, {}]],
    ['with the default of an argument', '{ shelves { label } }', [{}, {}]],
    ['with a variable that may be missing, null or what the default is',
      `query ($order: Order, $limit: Int, $id: ID! = "9") {
        shelves(order: $order, limit: $limit) { label } shelf(id: $id) { id }
      }`,
      [{}, { order: 'DOWN' }, { limit: null }, { order: 'UP', limit: 2 }, { id: '1' }, {}]],
    ['with a variable in place of which the default may stand',
      'query ($limit: Int) { shelves(limit: $limit) { label } }',
      [{ limit: 5 }, {}, { limit: 2 }, { limit: null }]],
    ['with lists and input objects',
      'query ($ids: [ID!], $filter: Filter) { shelves(ids: $ids, filter: $filter) { label } }',
      [{ ids: ['1'], filter: { id: 1, min: 1 } }, { ids: ['2', 3], filter: null }, { ids: '4' }]],
    ['with a variable within a constant',
      'query ($min: Int) { shelves(filter: { min: $min, tags: ["a"] }) { label } }',
      [{ min: 1 }, { min: 2 }, {}]],
    ['with variables below',
      'query ($of: String, $n: Int) { shelf(id: 1) { label(of: $of) books(first: $n) } }',
      [{ of: 'a', n: 1 }, { n: 2 }, { of: null }, {}]],
    ['with conditions', `query ($a: Boolean!, $b: Boolean = true) {
        shelf(id: 1) @include(if: $b) { id label @skip(if: $a) books @include(if: $a) worth }
      }`, [{ a: true }, { a: false }, { a: true, b: false }, { a: false, b: true }]],
    ['with a condition on a fragment without a name or type', `query ($a: Boolean!) {
        shelf(id: 1) { ... @include(if: $a) { b: books } }
      }`, [{ a: true }, { a: false }, { a: true }]],
    ['of types of an interface',
      '{ things { id label ... on Shelf { books } ... on Box { worth } } }', [{}, {}]],
    ['where a field is there twice', `query ($n: Int) {
        shelf(id: 1) { id } shelf(id: 1) { books(first: $n) worth }
      }`, [{ n: 1 }, { n: 2 }]],
    ['where a field is there twice, or once', `query ($a: Boolean!) {
        shelf(id: 1) { id } shelf(id: 1) @include(if: $a) { label count books }
      }`, [{ a: false }, { a: true }, { a: false }]],
    ['where a field is there again in a fragment, or not', `query ($a: Boolean!) {
        shelf(id: 1) { id } ...F @skip(if: $a)
      } fragment F on Query { shelf(id: 1) { label books } }`, [{ a: true }, { a: false }]],
    ['by other names', `query ($n: Int) {
        one: shelf(id: 1) { name: label many: books(first: $n) few: books(first: 1) }
        two: shelf(id: 2) { name: id books: worth }
      }`, [{ n: 3 }, { n: 1 }]],
    ['where what may be null and what may not have one name',
      '{ hits { __typename ... on Shelf { note } ... on Box { note } } }', [{}, {}]],
    ['by fragments', `query ($n: Int) { shelf(id: 1) { ...F peer { ...F } } }
      fragment F on Shelf { label ...G } fragment G on Shelf { books(first: $n) }`,
      [{ n: 1 }, { n: 2 }]],
    ['with variables that are called as ours',
      `query ($representations: Int, $_entities_representations: String) {
        shelf(id: 1) { books(first: $representations, of: $_entities_representations) }
      }`, [{ representations: 1 }, { representations: 2, _entities_representations: 'x' }, {}]],
    ['and fails', 'query ($id: ID!) { shelf(id: $id) { label books } }',
      [{ id: 'bad' }, { id: '1' }, { id: 'bad' }]],
  ])('%s, is the same the second time', async (_, text, asked) => {
    const document = parse(text);
    for (const variables of [...asked, ...asked]) {
      const again = await ask(used, document, variables);
      const anew = await ask(theirs(), parse(text), variables);
      expect(again.result).toEqual(anew.result);
      expect(again.sent.map(({ said }) => said)).toEqual(anew.sent.map(({ said }) => said));
    }
  });

  it('is written once for a place in a document', async () => {
    const document = parse('query ($id: ID!) { shelf(id: $id) { label books } }');
    const first = await ask(used, document, { id: '1' });
    const second = await ask(used, document, { id: '2' });
    expect(first.sent).toHaveLength(2);
    expect(second.sent.map(({ document: one }) => one))
      .toEqual(first.sent.map(({ document: one }) => one));
    for (const [at, { document: one }] of second.sent.entries()) {
      expect(one).toBe(first.sent[at]?.document);
    }
  });

  it('is written once for each schema, however often that is replaced', async () => {
    const document = parse('query ($id: ID!) { shelf(id: $id) { label } }');
    for (let time = 0; time < 20; time += 1) {
      const replaced = ours();
      const [first] = (await ask(replaced, document, { id: '1' })).sent;
      const [second] = (await ask(replaced, document, { id: '2' })).sent;
      expect(second?.document).toBe(first?.document);
    }
  });

  it('is that of its operation, where several have the same fragment', async () => {
    const document = parse(`
      query A($n: Int!) { ...F }
      query B($m: String, $n: Int!) { ...F same(b: $m) }
      fragment F on Query { shelf(id: 1) { books(first: $n) } }`);
    for (const [name, variables] of [
      ['A', { n: 1 }], ['B', { n: 2, m: 'b' }], ['A', { n: 3 }], ['B', { n: 1 }],
    ] as const) {
      const again = await ask(used, document, variables, name);
      const anew = await ask(theirs(), document, variables, name);
      expect(again.result).toEqual(anew.result);
      expect(again.sent.map(({ said }) => said)).toEqual(anew.sent.map(({ said }) => said));
    }
  });
});

describe('a field that is moved to another subgraph for a share of the requests', () => {
  const DRAW = 'PROGRESSIVE_OVERRIDE_RNG';
  const drawn = process.env[DRAW];
  let moving: TestSubgraph[] = [];

  beforeAll(async () => {
    const link = LINK.replace('v2.3', 'v2.7').replace('"@key"', '"@key", "@override"');
    const of = (from: string) => (one: object) => ({ ...one, name: 'n', label: `from ${from}` });
    moving = await Promise.all([
      startSubgraph({
        name: 'a',
        sdl: `${link} type Query { item(id: ID): Item }
          type Item @key(fields: "id") { id: ID! name: String label: String }`,
        resolvers: { Query: { item: (_, args) => of('a')(args) } },
        entities: { Item: of('a') },
      }),
      startSubgraph({
        name: 'b',
        sdl: `${link} type Query { other: Int }
          type Item @key(fields: "id") {
            id: ID! label: String @override(from: "a", label: "percent(50)")
          }`,
        entities: { Item: of('b') },
      }),
    ]);
  });

  afterAll(async () => {
    if (drawn === undefined) delete process.env[DRAW];
    else process.env[DRAW] = drawn;
    await Promise.all(moving.map((one) => one.stop()));
  });

  it('is asked of the one that was drawn, for each request', async () => {
    const [world, document] = [ours(moving), parse('query ($id: ID) { item(id: $id) { label } }')];
    const labels: unknown[] = [];
    for (const draw of ['0.1', '0.9', '0.1', '0.9']) {
      process.env[DRAW] = draw;
      labels.push((await ask(world, document, { id: '1' })).result.data?.['item']);
    }
    const [one, other] = [{ label: 'from b' }, { label: 'from a' }];
    expect(labels).toEqual([one, other, one, other]);
  });
});
