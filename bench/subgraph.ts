/**
 * A subgraph behind the gateways that are measured, as quick as graphql-js allows, so that what is
 * seen is the gateway: `node:http`, each document parsed once, nothing else.
 *
 *     node bench/subgraph.ts <port> <name>
 */
import { createServer } from 'node:http';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { execute, parse, type DocumentNode } from 'graphql';
import { FEDERATION, type Subgraph } from './federation-subgraphs.ts';
import { names, origin, RESOLVERS, SDL } from './workload.ts';

type Reference = Readonly<Record<string, string>>;

const [port = '0', name = ''] = process.argv.slice(2);
const accounts: Subgraph = { sdl: SDL, resolvers: RESOLVERS, entities: {} };
const { sdl, resolvers, entities } = name === 'accounts' ? accounts : federated(name);
const keyed = [...sdl.matchAll(/type (\w+) @key/g)].map(([, type]) => type as string);
const schema = makeExecutableSchema({
  typeDefs: `
    directive @key(fields: String!) repeatable on OBJECT
    scalar _Any
    type _Service { sdl: String! }
    union _Entity = ${keyed.join(' | ')}
    ${sdl}
    extend type Query { _service: _Service! _entities(representations: [_Any!]!): [_Entity]! }
  `,
  resolvers: [resolvers, {
    Query: {
      _service: () => ({ sdl }),
      _entities: (_: unknown, { representations }: { representations: readonly Reference[] }) =>
        representations.map(entityOf),
    },
  }],
});

const documents = new Map<string, DocumentNode>();
const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    void answer(Buffer.concat(chunks).toString()).then((body) => {
      const length = Buffer.byteLength(body);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': length });
      response.end(body);
    });
  });
});
process.on('message', (message: 'calls' | { id: string; name: string }) => {
  if (message === 'calls') process.send?.(origin.calls);
  else names.set(message.id, message.name);
});
server.listen(Number(port), '127.0.0.1', () => process.send?.('ready'));

async function answer(body: string): Promise<string> {
  const { query, variables } = JSON.parse(body) as { query: string; variables?: object };
  let document = documents.get(query);
  if (document === undefined) {
    document = parse(query);
    if (documents.size < 10_000) documents.set(query, document);
  }
  const variableValues = (variables ?? {}) as Record<string, unknown>;
  return JSON.stringify(await execute({ schema, document, variableValues }));
}

function entityOf(reference: Reference): unknown {
  const { __typename = '' } = reference;
  origin.calls += 1;
  return { __typename, ...entities[__typename]?.(reference) };
}

function federated(known: string): Subgraph {
  const subgraph = FEDERATION[known];
  if (subgraph === undefined) throw new Error(`no subgraph is called ${known}`);
  return subgraph;
}
