/**
 * The door: `node:http` with a limit on everything that a client can make large or slow, and a way
 * to close it by which no request that was let in is lost.
 */
import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import type { FreshetConfig } from '../config/config.ts';
import { answering, asked, isWatchedByHttp, type Asked } from '../tracing-channels.ts';
import { Connection, type Door } from './connection.ts';
import { shareReadBuffer, type Receive } from './read-buffer.ts';
import { refusalBody, refuse, refuseUnexpected } from './refusal.ts';
import type { Repeat } from './repeat.ts';
import { ReplyWriter } from './reply-writer.ts';
import { IncomingRequest, readBody, type ReadRequest } from './request-body.ts';
import { SeenBefore } from './seen-before.ts';

/** Answers the request and returns true, or leaves it to the next and returns false; or later. */
export type HttpListener = (
  request: ReadRequest,
  response: ServerResponse,
) => boolean | Promise<boolean>;

export interface HttpServerOptions {
  /**
   * Asked before a request is parsed, with all of its bytes. What it knows of passes no gate here,
   * and so must have passed all of them before. Default: every request is parsed.
   */
  readonly repeats?: (wire: string) => Repeat | undefined;
  /** Asked in this order, each request in one turn: what can answer without parsing GraphQL. */
  readonly listeners?: readonly HttpListener[];
  /** Answers whatever no listener took. */
  readonly handler: (request: ReadRequest, response: ServerResponse) => unknown;
  /** Anything else is answered with 404. Default: every path is the handler's. */
  readonly path?: string;
  readonly limits: HttpLimits;
  readonly clock: Clock;
  /** Sent with every refusal of the listener's own. Default: none. */
  readonly refusalHeaders?: () => Readonly<Record<string, string>>;
  /** Told of bugs: what a listener or the handler threw. */
  readonly onError: (error: unknown) => void;
}

export type HttpLimits = Pick<FreshetConfig['limits'],
  | 'bodyBytesMax'
  | 'headerBytesMax'
  | 'connectionsMax'
  | 'headersTimeoutMs'
  | 'requestTimeoutMs'
  | 'keepAliveTimeoutMs'>;

/** How often Node looks for requests that are late: what a time limit may be exceeded by. */
const LATE_CHECK_MS = 1_000;
/** Heads of requests that are remembered, to see whether they come again. */
const HEADS_MAX = 4_096;

/** A property, which costs less than a Map. */
const CONNECTION = Symbol('connection');

interface ServedSocket extends Socket {
  [CONNECTION]?: Connection;
}

const LEAVING = { connection: 'close', 'retry-after': '1' } as const;

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server<typeof IncomingRequest>;
  readonly #sockets = new Set<ServedSocket>();
  readonly #door: Door;
  readonly #heads = new SeenBefore(HEADS_MAX);
  #arrived: { readonly request: ReadRequest; readonly response: ServerResponse }[] = [];
  #repeated: Connection[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { limits, clock, onError } = options;
    const { keepAliveTimeoutMs } = limits;
    const writer = new ReplyWriter({ clock, keepAliveTimeoutMs });
    this.#door = {
      cameBefore: this.#cameBefore,
      recognise: this.#recognise,
      enqueue: this.#enqueueRepeated,
      write: (socket, reply) => writer.write(socket, reply),
      onError,
    };
    this.#server = createServer<typeof IncomingRequest>({
      IncomingMessage: IncomingRequest,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: LATE_CHECK_MS,
    });
    this.#server.maxConnections = limits.connectionsMax;
    shareReadBuffer(this.#server, (socket) => this.#onConnection(socket));
    this.#server.on('request', (request, response) => this.#onRequest(request, response));
    this.#server.on('checkContinue', (request, response) => {
      this.#onRequest(request, response, { awaitsContinue: true });
    });
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
  }

  /** Rejects with `PORT_IN_USE` or `LISTEN_FAILED`. Port 0 is any free one; the answer names it. */
  async listen(place: Place): Promise<AddressInfo> {
    await listen(this.#server, place);
    const address = this.#server.address();
    assert(address !== null && typeof address === 'object', 'a listener on TCP has an address');
    return address;
  }

  /** Listening, and not about to stop. */
  get open(): boolean {
    return this.#server.listening && this.#closing === undefined;
  }

  /**
   * Lets nobody in any more, lets the requests under way end, for `drainMs` at most, and resolves
   * when the last connection is closed. What still arrives on a kept connection is answered 503.
   */
  close({ drainMs }: { drainMs: Millis }): Promise<void> {
    this.#closing ??= this.#drain(drainMs);
    return this.#closing;
  }

  async #drain(drainMs: Millis): Promise<void> {
    const cancel = this.#options.clock.after(drainMs, () => this.#server.closeAllConnections());
    // Node counts a connection that is answered without it as idle, and would cut it.
    const leaving = [...this.#sockets].flatMap((socket) => socket[CONNECTION]?.quiet() ?? []);
    if (leaving.length > 0) await Promise.all(leaving);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) {
      // It counts one on which nothing was ever sent as busy.
      if (socket.bytesRead === 0) socket.destroy();
      const response = socket[CONNECTION]?.response;
      if (response !== undefined && !response.writableFinished) this.#letLeave(response);
    }
    await closed;
    cancel();
  }

  #onConnection(socket: ServedSocket): Receive {
    const connection = new Connection(socket, this.#door);
    this.#sockets.add(socket);
    socket[CONNECTION] = connection;
    socket.once('close', () => this.#sockets.delete(socket));
    return connection.receive;
  }

  /** Whoever watches requests sees them only where they are parsed. */
  get #looksAtRepeats(): boolean {
    const isWatched = asked.hasSubscribers || isWatchedByHttp();
    return this.#options.repeats !== undefined && this.#closing === undefined && !isWatched;
  }

  readonly #cameBefore = ({ method, url, rawHeaders }: ReadRequest): boolean =>
    this.#looksAtRepeats && this.#heads.see(`${method} ${url} ${rawHeaders.join('\n')}`);

  readonly #recognise = (wire: string): Repeat | undefined =>
    this.#looksAtRepeats ? this.#options.repeats?.(wire) : undefined;

  readonly #enqueueRepeated = (connection: Connection): void => {
    if (this.#repeated.push(connection) === 1) setImmediate(this.#dispatchRepeated);
  };

  readonly #dispatchRepeated = (): void => {
    const repeated = this.#repeated;
    this.#repeated = [];
    for (const connection of repeated) connection.answer();
  };

  #onRequest(
    request: IncomingRequest,
    response: ServerResponse,
    { awaitsContinue = false } = {},
  ): void {
    const { limits, path } = this.#options;
    (request.socket as ServedSocket)[CONNECTION]?.begin(request, response);
    if (this.#closing) {
      this.#refuse(response, fault('SHUTTING_DOWN'), LEAVING);
    } else if (path !== undefined && !isAt(request.url ?? '', path)) {
      this.#refuse(response, fault('PATH_UNKNOWN', { path }));
    } else {
      const fits = Number(request.headers['content-length'] ?? 0) <= limits.bodyBytesMax;
      if (awaitsContinue && fits) response.writeContinue();
      readBody(request, limits.bodyBytesMax, {
        done: (read) => this.#enqueue(read, response),
        refused: (error) => this.#refuse(response, error),
      });
    }
  }

  #refuse(response: ServerResponse, error: FreshetError, headers = {}): void {
    refuse(response, error, { ...this.#options.refusalHeaders?.(), ...headers });
  }

  /** The connection ends with this answer. */
  #letLeave(response: ServerResponse): void {
    if (!response.headersSent) response.setHeader('connection', 'close');
    // An answer whose headers were sent before the drain began leaves its connection open.
    response.once('close', () => setImmediate(() => this.#server.closeIdleConnections()));
  }

  /**
   * What arrives in one turn of the event loop is answered at its end: to read all that has come,
   * and then to write, costs less than to do both by turns, and nobody is answered later.
   */
  #enqueue(request: ReadRequest, response: ServerResponse): void {
    if (this.#arrived.push({ request, response }) === 1) setImmediate(this.#dispatchArrived);
  }

  readonly #dispatchArrived = (): void => {
    const arrived = this.#arrived;
    this.#arrived = [];
    const isTraced = asked.hasSubscribers;
    for (const { request, response } of arrived) {
      if (isTraced) this.#dispatchTraced(request, response);
      else this.#dispatch(request, response);
    }
  };

  #dispatchTraced(request: ReadRequest, response: ServerResponse): void {
    const event: Asked = { request, response, path: this.#options.path, isFollowed: false };
    asked.publish(event);
    if (event.isFollowed) answering.runStores(event, () => this.#dispatch(request, response));
    else this.#dispatch(request, response);
  }

  /** `first`: the listener that is asked first. */
  #dispatch(request: ReadRequest, response: ServerResponse, first = 0): void {
    const { listeners = [], handler } = this.#options;
    try {
      for (let at = first; at < listeners.length; at += 1) {
        const taken = listeners[at]?.(request, response) ?? false;
        if (taken === true) return;
        if (taken === false) continue;
        void this.#await(taken, { request, response, next: at + 1 });
        return;
      }
      // Whoever looks at the stream finds it read to its end.
      request.resume();
      Promise.resolve(handler(request, response))
        .catch((error: unknown) => this.#fail(error, response));
    } catch (error) {
      this.#fail(error, response);
    }
  }

  /** A method of its own: who answers at once is to keep hold of no more than they need. */
  async #await(
    taken: Promise<boolean>,
    { request, response, next }: { request: ReadRequest; response: ServerResponse; next: number },
  ): Promise<void> {
    try {
      if (!await taken) this.#dispatch(request, response, next);
    } catch (error) {
      this.#fail(error, response);
    }
  }

  #fail(error: unknown, response: ServerResponse): void {
    this.#options.onError(error);
    refuseUnexpected(response);
  }

  /** What is not HTTP, too long, or too slow: Node has no request for it, only the socket. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const last = (socket as ServedSocket)[CONNECTION]?.response;
    const begun = last !== undefined && last.headersSent && !last.writableFinished;
    if (socket.writable && !begun && error.code !== 'ECONNRESET') {
      const refusal = refusalOf(error, this.#options.limits);
      const body = refusalBody(refusal);
      socket.write(
        `HTTP/1.1 ${refusal.status ?? 400} Refused\r\ncontent-type: application/json; ` +
        `charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n` +
        `\r\n${body}`,
      );
    }
    socket.destroySoon();
  }
}

export interface Place {
  readonly host: string;
  readonly port: number;
  /**
   * The other workers of a cluster have no part in it; without this even their port 0 is the same.
   * Default false.
   */
  readonly exclusive?: boolean;
}

/** Starts to listen. Rejects with `PORT_IN_USE` or `LISTEN_FAILED`. */
export function listen(
  server: Server,
  { host, port, exclusive = false }: Place,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException): void => {
      const reason = error.code ?? error.message;
      reject(error.code === 'EADDRINUSE'
        ? fault('PORT_IN_USE', { port })
        : fault('LISTEN_FAILED', { host, port, reason }));
    };
    server.once('error', onError);
    server.listen({ host, port, exclusive }, () => {
      server.off('error', onError);
      resolve();
    });
  });
}

function isAt(url: string, path: string): boolean {
  if (!url.startsWith(path)) return false;
  const rest = url.slice(path.length, path.length + 2);
  return rest === '' || rest.startsWith('?') || rest === '/' || rest === '/?';
}

function refusalOf(error: NodeJS.ErrnoException, limits: HttpLimits): FreshetError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return fault('HEADERS_TOO_LARGE', { bytesMax: limits.headerBytesMax });
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return fault('REQUEST_TIMEOUT');
  return fault('REQUEST_INVALID', { required: 'HTTP/1.1 (RFC 9112)', got: 'something else' });
}
