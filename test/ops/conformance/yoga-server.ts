/**
 * A Yoga server with its response cache, set up as its documentation says: a session by the header
 * Authorization, a time to live, `@cacheControl` in the schema, invalidation by mutations, and a
 * route that calls `invalidate` of the cache. Its resolvers read from the kit's origin.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRedisCache } from '@envelop/response-cache-redis';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createInMemoryCache, useResponseCache } from '@graphql-yoga/plugin-response-cache';
import { GraphQLError } from 'graphql';
import { createYoga, type YogaInitialContext } from 'graphql-yoga';
import { Redis } from 'ioredis';
import { PLAIN_SDL } from '../../../src/ops/conformance/origin/origin-schema.ts';

export interface YogaServer {
  readonly url: string;
  /** `?type=Item&id=7&action=updated` */
  readonly purgeUrl: string;
  stop(): Promise<void>;
}

export interface YogaServerOptions {
  /** `http://127.0.0.1:4400/graphql` */
  readonly originUrl: string;
  readonly port: number;
  /** In place of a cache in the process. */
  readonly redisUrl?: string;
}

const TTL_MS = 60_000;

export async function startYogaServer(options: YogaServerOptions): Promise<YogaServer> {
  const { originUrl, port, redisUrl } = options;
  const redis = redisUrl === undefined ? undefined : new Redis(redisUrl);
  redis?.on('error', () => undefined);
  const cache = redis === undefined
    ? createInMemoryCache()
    : createRedisCache({ redis: redis as never });
  const yoga = createYoga({
    schema: schemaOver(originUrl),
    logging: false,
    plugins: [
      useResponseCache({
        session: (request) => request.headers.get('authorization'),
        ttl: TTL_MS,
        cache,
      }),
    ],
  });
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://yoga');
    if (pathname !== '/purge') return void yoga(request, response);
    const typename = searchParams.get('type') ?? '';
    const id = searchParams.get('id') ?? '';
    // A new entity is in no answer yet: what holds any of its type may lack it.
    const entity = searchParams.get('action') === 'created' ? { typename } : { typename, id };
    void Promise.resolve(cache.invalidate([entity])).then(() => response.end());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${base}/graphql`,
    purgeUrl: `${base}/purge`,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      redis?.disconnect();
    },
  };
}

const ITEM = '{ id name version note secret maker { id name } }';

/** What each root field asks the origin for: all there is, as a client of a service does. */
const OPERATIONS: Record<string, Record<string, string>> = {
  Query: {
    item: `query ($id: ID!) { item(id: $id) ${ITEM} }`,
    items: `query ($shelf: ID!) { items(shelf: $shelf) ${ITEM} }`,
    echo: `query ($left: String!, $right: String!) {
      echo(left: $left, right: $right) { left right run } }`,
    me: '{ me { id } }',
  },
  Mutation: {
    createItem: `mutation ($id: ID!, $shelf: ID!, $name: String!) {
      createItem(id: $id, shelf: $shelf, name: $name) ${ITEM} }`,
    renameItem: `mutation ($id: ID!, $name: String!) { renameItem(id: $id, name: $name) ${ITEM} }`,
    removeItem: `mutation ($id: ID!) { removeItem(id: $id) ${ITEM} }`,
    renameMaker: `mutation ($id: ID!, $name: String!) {
      renameMaker(id: $id, name: $name) { id name } }`,
  },
};

function schemaOver(originUrl: string) {
  const resolversOf = (fields: Record<string, string>) => Object.fromEntries(
    Object.entries(fields).map(([field, query]) => [
      field,
      (_: unknown, variables: object, { request }: YogaInitialContext) =>
        ask({ originUrl, field, query, variables, headers: request.headers }),
    ]),
  );
  return makeExecutableSchema({
    typeDefs: PLAIN_SDL,
    resolvers: Object.fromEntries(Object.entries(OPERATIONS)
      .map(([type, fields]) => [type, resolversOf(fields)])),
  });
}

interface Reading {
  readonly originUrl: string;
  readonly field: string;
  readonly query: string;
  readonly variables: object;
  readonly headers: Headers;
}

interface OriginAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { message: string; path?: readonly (string | number)[] }[];
}

async function ask({ originUrl, field, query, variables, headers }: Reading): Promise<unknown> {
  const authorization = headers.get('authorization');
  const response = await fetch(originUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(authorization !== null && { authorization }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors = [] } = await response.json() as OriginAnswer;
  const value = data?.[field];
  for (const { message, path = [] } of errors) {
    const error = new GraphQLError(message);
    const name = path[1];
    if (typeof value !== 'object' || value === null || name === undefined) throw error;
    // A field that is an error fails by itself.
    (value as Record<string, unknown>)[name] = error;
  }
  return value;
}
