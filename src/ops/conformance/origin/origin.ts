/**
 * The service that the tested cache is put before: `/graphql` answers as a plain API, `/subgraph`
 * as a subgraph of a federation, both over the same data; `/graphql.sdl` and `/subgraph.sdl` are
 * their schemas as text. The kit changes the data, counts the reads, and holds answers open.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { OriginData } from './origin-data.ts';
import { originResolvers, type Operation, type OriginWorld } from './origin-resolvers.ts';
import { FEDERATION_TYPES, PLAIN_SDL, SUBGRAPH_SDL } from './origin-schema.ts';
import { Watch } from './watch.ts';

export interface Origin extends OriginWorld {
  /** `http://127.0.0.1:4400/graphql` */
  readonly url: string;
  readonly subgraphUrl: string;
  close(): Promise<void>;
}

export interface OriginOptions {
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Names this origin, so that no answer of an earlier one is taken for its own. */
  readonly run: string;
}

const BODY_BYTES_MAX = 1_048_576;

/** Rejects where it cannot listen. */
export async function startOrigin({ host, port, run }: OriginOptions): Promise<Origin> {
  const world: OriginWorld = { data: new OriginData(), watch: new Watch(), run };
  const faces: Faces = { '/graphql': plainFace(world), '/subgraph': subgraphFace(world) };
  const server = createServer((request, response) => {
    answer({ request, response, faces, watch: world.watch }).catch(() => response.destroy());
  });
  server.listen(port, host);
  await once(server, 'listening');
  const base = `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    ...world,
    url: `${base}/graphql`,
    subgraphUrl: `${base}/subgraph`,
    close: () => end(server),
  };
}

type Face = ReturnType<typeof plainFace>;
type Faces = Readonly<Record<string, Face>>;

const QUIET = { logging: false, landingPage: false, graphiql: false, maskedErrors: false } as const;

function plainFace(world: OriginWorld) {
  const schema = makeExecutableSchema<Operation>({
    typeDefs: PLAIN_SDL,
    resolvers: originResolvers(world) as never,
    resolverValidationOptions: { requireResolversToMatchSchema: 'ignore' },
  });
  return createYoga<Operation>({ schema, graphqlEndpoint: '/graphql', ...QUIET });
}

function subgraphFace(world: OriginWorld): Face {
  const schema = makeExecutableSchema<Operation>({
    typeDefs: `${SUBGRAPH_SDL}\n${FEDERATION_TYPES}`,
    resolvers: originResolvers(world) as never,
    assumeValidSDL: true,
  });
  return createYoga<Operation>({ schema, graphqlEndpoint: '/subgraph', ...QUIET });
}

const TEXTS: Readonly<Record<string, string>> = {
  '/graphql.sdl': PLAIN_SDL,
  '/subgraph.sdl': SUBGRAPH_SDL,
};

async function answer({ request, response, faces, watch }: {
  request: IncomingMessage;
  response: ServerResponse;
  faces: Faces;
  watch: Watch;
}): Promise<void> {
  const { pathname, search } = new URL(request.url ?? '/', 'http://origin');
  const face = faces[pathname];
  if (face === undefined) {
    const text = TEXTS[pathname];
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain' });
    response.end(text);
    return;
  }
  const authorization = request.headers.authorization ?? null;
  const operation: Operation = { authorization, reads: new Set(), broken: false };
  const method = request.method ?? 'GET';
  const answered = await face.fetch(`http://origin${pathname}${search}`, {
    method,
    headers: { 'content-type': 'application/json', 'accept': request.headers.accept ?? '*/*' },
    ...(method === 'POST' && { body: await bodyOf(request) }),
  }, operation);
  const text = await answered.text();
  await watch.passed(operation.reads);
  const type = answered.headers.get('content-type') ?? 'application/json';
  response.writeHead(operation.broken ? 500 : answered.status, { 'content-type': type });
  response.end(operation.broken ? '{"errors":[{"message":"The origin fails."}]}' : text);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > BODY_BYTES_MAX) throw new Error('a smaller body was required');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
