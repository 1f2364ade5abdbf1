/**
 * Serves a subgraph over HTTP: `/graphql`, `/health`, and what else a service answers. Bodies are
 * bounded, unexpected errors are masked, and closing lets requests under way end.
 */
import { once } from 'node:events';
import {
  createServer, type IncomingMessage, type Server, type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { createContext, type Context } from './context.ts';
import type { Identity } from './identity.ts';

/** What a path beside `/graphql` answers. */
export type Route = (request: Request) => Response | Promise<Response>;

export interface ServerOptions {
  readonly schema: GraphQLSchema;
  readonly identity: Identity;
  /** By path: `/introspect`. */
  readonly routes: Readonly<Record<string, Route>>;
  readonly host: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Each GraphQL request waits this long first, as a slow service would. */
  readonly slowMs: number;
  /** An error that no caller is shown. */
  readonly onError: (error: unknown) => void;
}

export interface RunningServer {
  /** `http://127.0.0.1:5001`. */
  readonly origin: string;
  /** Takes no new requests; resolves when those under way have ended, or after 10 s. */
  close(): Promise<void>;
}

const METHODS = ['GET', 'HEAD', 'POST', 'OPTIONS'];
const BODY_BYTES_MAX = 1_048_576;
const DRAIN_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Rejects with the error of `listen` (EADDRINUSE, EACCES) when the address cannot be had. */
export async function serve(options: ServerOptions): Promise<RunningServer> {
  const { host, port, onError } = options;
  const respond = responder(options);
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    // A connection that is kept would hold up the end.
    response.once('finish', () => server.listening || server.closeIdleConnections());
    answer(request, response, respond).catch((error: unknown) => {
      onError(error);
      response.destroy();
    });
  });
  server.listen({ host, port });
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { origin: `http://${name}:${address.port}`, close: () => drain(server) };
}

function responder({ schema, identity, routes, slowMs, onError }: ServerOptions): Route {
  const yoga = createYoga<object, Context>({
    schema,
    context: ({ request }) => createContext(identity, request.headers.get('authorization')),
    graphqlEndpoint: '/graphql',
    landingPage: false,
    graphiql: false,
    logging: false,
    maskedErrors: { maskError: (error) => masked(error, onError) },
  });
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === '/health') return Response.json({ status: 'ok' });
    if (pathname === '/graphql') {
      if (slowMs > 0) await sleep(slowMs);
      return yoga.fetch(request);
    }
    return routes[pathname]?.(request) ?? new Response('Not found\n', { status: 404 });
  };
}

/** What GraphQL itself or a resolver rejects is for the caller; all else is our own trouble. */
function masked(error: unknown, onError: (error: unknown) => void): GraphQLError {
  const cause = error instanceof GraphQLError ? error.originalError ?? error : error;
  if (error instanceof GraphQLError && cause instanceof GraphQLError) return error;
  onError(cause);
  const { nodes = null, path = null } = error instanceof GraphQLError ? error : {};
  const extensions = { code: 'INTERNAL_SERVER_ERROR' };
  return new GraphQLError('The service failed.', { nodes, path, extensions });
}

async function answer(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  respond: Route,
): Promise<void> {
  if (!METHODS.includes(incoming.method ?? '')) {
    outgoing.writeHead(405, { allow: METHODS.join(', '), connection: 'close' }).end();
    return;
  }
  const body = await readBody(incoming);
  if (body === undefined) {
    // What is still on its way is not read.
    outgoing.writeHead(413, { connection: 'close' }).end('Body too large\n');
    return;
  }
  const response = await respond(requestOf(incoming, body));
  const content = Buffer.from(await response.arrayBuffer());
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    'content-length': content.length,
  });
  outgoing.end(content);
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function requestOf({ method = 'GET', url = '/', headers }: IncomingMessage, body: Buffer): Request {
  // The host that a client names is of no use here, and may be no valid one.
  const target = new URL(url.startsWith('/') ? `http://service${url}` : 'http://service/');
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) given.set(name, String(value));
  }
  const hasBody = method === 'POST';
  return new Request(target, {
    method,
    headers: given,
    ...(hasBody && { body: new Uint8Array(body) }),
  });
}

async function drain(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
  await closed;
  clearTimeout(cut);
}
