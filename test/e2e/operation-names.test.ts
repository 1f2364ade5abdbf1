/** What a client calls its operation decides nothing about the parts of its answer. */
import { expect, test } from 'vitest';
import { startSubgraph } from '../support/subgraph.ts';
import { startTestNode } from './fleet.ts';

const LINK = `extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"]
)`;

test('operations of any name share the root fields and entities that they ask for', async () => {
  const reads = { item: 0, stock: 0 };
  const catalog = await startSubgraph({
    name: 'catalog',
    sdl: `${LINK} type Query { item(id: ID!): Item } type Item @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: {
        item: (_, { id }) => {
          reads.item += 1;
          return { id };
        },
      },
    },
    entities: { Item: ({ id }) => ({ id }) },
  });
  const stock = await startSubgraph({
    name: 'stock',
    sdl: `${LINK} type Query { warehouse: String }
      type Item @key(fields: "id") { id: ID! stock: Int }`,
    resolvers: { Query: { warehouse: () => 'north' } },
    entities: {
      Item: ({ id }) => {
        reads.stock += 1;
        return { id, stock: 7 };
      },
    },
  });
  const node = await startTestNode({ subgraphs: { catalog: catalog.url, stock: stock.url } });
  const rest = '($id: ID!) { item(id: $id) { id stock } }';
  for (const head of ['query', 'query One', 'query Two', 'query queryTwo']) {
    const answer = await node.ask(`${head} ${rest}`, { variables: { id: '1' } });
    expect([answer.cache, answer.data]).toEqual(['miss', { item: { id: '1', stock: 7 } }]);
  }
  expect(reads).toEqual({ item: 1, stock: 1 });
  await Promise.all([node.stop(), catalog.stop(), stock.stop()]);
});
