/**
 * Carries one operation to a subgraph: the executor of GraphQL Tools writes the request and reads
 * results and event streams; time, size and retries are bounded here.
 */
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import type { Executor } from '@graphql-tools/utils';
import { print, type DocumentNode, type GraphQLError, type OperationTypeNode } from 'graphql';
import type { Clock } from '../invalidation/clock.ts';
import type { Variables } from '../policy/plan.ts';
import { exchangeHttp, type Fetch, type HttpLimits } from './bounded-http.ts';
import { wholeEvents } from './event-stream.ts';
import type { OriginHeaders } from './origin.ts';
import { exchangeError } from './subgraph-error.ts';

/** One exchange. The transport fills in how it went. */
export interface Call {
  readonly document: DocumentNode;
  readonly variables: Variables | undefined;
  readonly operationName: string | undefined;
  readonly operation: OperationTypeNode;
  readonly headers: Record<string, string>;
  status: number | undefined;
  origin: OriginHeaders | undefined;
  failure: GraphQLError | undefined;
}

/** Resolves to what was read, unchecked; where `call.failure` is set afterwards, to nothing. */
export type Transport = (call: Call) => Promise<unknown>;

export interface TransportOptions {
  readonly subgraph: string;
  readonly url: string;
  /** Its `retries` hold for queries alone: a mutation is never sent twice. */
  readonly limits: HttpLimits;
  readonly clock: Clock;
  readonly fetch: Fetch;
}

export function createTransport(options: TransportOptions): Transport {
  const execute = buildHTTPExecutor({
    endpoint: options.url,
    method: 'POST',
    headers: (request) => (request as { context: Call }).context.headers,
    fetch: (_url, init, context) => send(options, init ?? {}, context as Call),
    // Equal requests are joined by the cache, which knows when that is allowed.
    deduplicateInflightRequests: false,
    print,
    File: globalThis.File,
    FormData: globalThis.FormData,
  }) as Executor;
  return async (call) => {
    const { document, variables, operationName, operation } = call;
    return execute({
      document,
      ...(variables !== undefined && { variables }),
      ...(operationName !== undefined && { operationName }),
      operationType: operation,
      context: call,
    });
  };
}

const STREAM = /^\s*(text\/event-stream|multipart\/mixed)\b/i;
const EVENTS = /^\s*text\/event-stream\b/i;

async function send(options: TransportOptions, init: RequestInit, call: Call): Promise<Response> {
  const { subgraph, url, limits, clock, fetch } = options;
  const isQuery = call.operation === 'query';
  // A subscription ends with its client, for which the executor makes this signal.
  const signal = call.operation === 'subscription' ? init.signal ?? undefined : undefined;
  try {
    const { response, text } = await exchangeHttp({
      url,
      init,
      limits: { ...limits, retries: isQuery ? limits.retries : 0 },
      fetch,
      clock,
      signal,
      streams: ({ headers }) => STREAM.test(headers.get('content-type') ?? ''),
    });
    const { status, headers } = response;
    call.status = status;
    call.origin = {
      setCookie: headers.getSetCookie(),
      cacheControl: headers.get('cache-control'),
    };
    const type = headers.get('content-type') ?? '';
    const stream = (): BodyInit | null =>
      EVENTS.test(type) && response.body !== null
        ? wholeEvents(response.body, limits.bytesMax)
        : response.body;
    return new Response(text ?? stream(), { headers: { 'content-type': type } });
  } catch (error) {
    call.failure = exchangeError(subgraph, error, limits);
    throw call.failure;
  }
}
