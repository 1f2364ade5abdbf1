/**
 * Carries one operation to a subgraph: the executor of GraphQL Tools writes the request and reads
 * results and event streams; time, size and retries are bounded here.
 */
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import type { Executor } from '@graphql-tools/utils';
import { print, type DocumentNode, type GraphQLError, type OperationTypeNode } from 'graphql';
import type { Clock } from '../../invalidation/clock.ts';
import type { Variables } from '../../policy/plan.ts';
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
    headers: (request) => headersOf((request as { context: Call }).context),
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

const JSON_TYPE = 'application/json';
const EVENTS = /^\s*text\/event-stream\b/i;

/** A query or mutation has one answer: it does not ask for one in pieces. */
function headersOf({ operation, headers }: Call): Record<string, string> {
  if (operation === 'subscription') return headers;
  return { ...headers, accept: `application/graphql-response+json, ${JSON_TYPE}` };
}

async function send(options: TransportOptions, init: RequestInit, call: Call): Promise<Response> {
  const { subgraph, url, limits, clock, fetch } = options;
  const subscribes = call.operation === 'subscription';
  const isEvents = ({ headers }: Response): boolean =>
    subscribes && EVENTS.test(headers.get('content-type') ?? '');
  try {
    const { response, text } = await exchangeHttp({
      url,
      init,
      limits: { ...limits, retries: call.operation === 'query' ? limits.retries : 0 },
      fetch,
      clock,
      // A subscription ends with its client, for which the executor makes this signal.
      signal: subscribes ? init.signal ?? undefined : undefined,
      streams: isEvents,
    });
    const { status, headers, body } = response;
    call.status = status;
    call.origin = { setCookie: headers.getSetCookie() };
    // Told by what was asked, not by what the answer calls itself: only events are streamed.
    if (text !== undefined) return new Response(text, { headers: { 'content-type': JSON_TYPE } });
    const events = body === null ? null : wholeEvents(body, limits.bytesMax);
    return new Response(events, { headers: { 'content-type': 'text/event-stream' } });
  } catch (error) {
    call.failure = exchangeError(subgraph, error, limits);
    throw call.failure;
  }
}
