/**
 * What the recipes' services have in common: a federated subgraph on Yoga, which says what it has
 * changed before it answers, and tells the position of that, so that whoever has the answer reads
 * what was written, from whichever node of the gateway.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import {
  Kind, parse, type DefinitionNode, type GraphQLSchema, type ObjectTypeDefinitionNode,
} from 'graphql';
import { createYoga } from 'graphql-yoga';
import { createPublisher, formatPosition, type Published } from 'freshet-gateway/invalidation';

export interface RecipeOptions {
  /** Of the Redis that the gateway's nodes share. */
  readonly redis: string;
  /** 0: any that is free. */
  readonly port: number;
}

export interface RecipeService {
  readonly url: string;
  /** Operations that it was asked, but for those that ask for its SDL. */
  readonly asked: number;
  close(): Promise<void>;
}

/** By type and field; `find` of an entity type takes a representation. */
export interface SubgraphParts {
  readonly source: string;
  /** The folder's `schema.graphql`. */
  readonly schema: URL;
  readonly resolvers: Record<string, Record<string, unknown>>;
  readonly find: Record<string, (key: never) => object | null>;
}

/** Of one request. */
export interface Telling {
  /** Keys of caches that are stale from now on: `product:1`. After the commit. */
  readonly stale: (keys: readonly string[]) => Promise<void>;
}

export async function startSubgraph(
  { source, schema, resolvers, find }: SubgraphParts,
  { redis, port }: RecipeOptions,
): Promise<RecipeService> {
  const publisher = createPublisher({ redis, source });
  const published = new WeakMap<Request, Published>();
  let asked = 0;
  const yoga = createYoga<object, Telling>({
    schema: executable(readFileSync(schema, 'utf8'), { resolvers, find }),
    context: ({ request }) => ({
      async stale(keys) {
        published.set(request, await publisher.invalidateBatch(keys));
      },
    }),
    plugins: [{
      onParams({ params }) {
        if (!params.query?.includes('_service')) asked += 1;
      },
      onResponse({ request, response }) {
        const position = published.get(request)?.position;
        if (position) response.headers.set('freshet-position', formatPosition(position));
      },
    }],
    landingPage: false,
    logging: false,
  });
  // Yoga answers with a promise, of which Node's server wants to know nothing.
  const server = createServer((request, response) => void yoga(request, response));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    get asked() {
      return asked;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await publisher.close();
    },
  };
}

/** With the two root fields that federation asks for; see Apollo's subgraph specification. */
function executable(sdl: string, parts: Pick<SubgraphParts, 'resolvers' | 'find'>): GraphQLSchema {
  const definitions = parse(sdl).definitions.filter(({ kind }) => kind !== Kind.SCHEMA_EXTENSION);
  const entities = definitions.flatMap((one) => (isEntity(one) ? [one.name.value] : []));
  const find = parts.find as Record<string, (key: object) => object | null>;
  return makeExecutableSchema({
    typeDefs: [{ kind: Kind.DOCUMENT, definitions }, /* GraphQL */ `
      scalar _Any
      scalar FieldSet
      directive @key(fields: FieldSet!) repeatable on OBJECT
      type _Service { sdl: String! }
      union _Entity = ${entities.join(' | ')}
      extend type Query {
        _service: _Service!
        _entities(representations: [_Any!]!): [_Entity]!
      }
    `],
    resolvers: [parts.resolvers, {
      _Entity: { __resolveType: ({ __typename }: { __typename: string }) => __typename },
      Query: {
        _service: () => ({ sdl }),
        _entities: (_: unknown, { representations }: { representations: Representation[] }) =>
          representations.map((key) => {
            const found = find[key.__typename]?.(key) ?? null;
            return found && { ...found, __typename: key.__typename };
          }),
      },
    }],
  });
}

interface Representation {
  readonly __typename: string;
}

function isEntity(definition: DefinitionNode): definition is ObjectTypeDefinitionNode {
  return definition.kind === Kind.OBJECT_TYPE_DEFINITION
    && definition.directives?.some(({ name }) => name.value === 'key') === true;
}
