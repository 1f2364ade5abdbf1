/**
 * Carries one operation to a subgraph. What has one answer is one POST of JSON (GraphQL over HTTP,
 * section 5.4). For subscriptions the executor of GraphQL Tools writes the request and reads the
 * event stream. Time, size and retries are bounded for both.
 */
import { buildHTTPExecutor } from '@graphql-tools/executor-http';
import type { Executor } from '@graphql-tools/utils';
import { print, type DocumentNode, type GraphQLError, type OperationTypeNode } from 'graphql';
import { normalText } from '../caching/operation-key.ts';
import type { Clock } from '../../invalidation/clock.ts';
import type { Variables } from '../../policy/plan.ts';
import { exchangeHttp, type HttpLimits } from './bounded-http.ts';
import { CODINGS_TAKEN } from './content-decoding.ts';
import { wholeEvents } from './event-stream.ts';
import { httpPost } from './http-post.ts';
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
}

export function createTransport(options: TransportOptions): Transport {
  const [ask, subscribe] = [createAsking(options), createSubscribing(options)];
  return (call) => (call.operation === 'subscription' ? subscribe(call) : ask(call));
}

const JSON_TYPE = 'application/json';

/** Lower case, each once: what is forwarded may not say otherwise. */
const ASKING_HEADERS = {
  accept: `application/graphql-response+json, ${JSON_TYPE}`,
  'accept-encoding': CODINGS_TAKEN,
  'content-type': JSON_TYPE,
};

function createAsking({ subgraph, url, limits, clock }: TransportOptions): Transport {
  const post = httpPost(url);
  return async (call) => {
    const { document, variables, operationName, operation, headers } = call;
    const isQuery = operation === 'query';
    try {
      const { status, setCookie, text } = await post({
        headers: { 'user-agent': 'freshet', ...headers, ...ASKING_HEADERS },
        body: JSON.stringify({ query: normalText(document), variables, operationName }),
        limits: isQuery ? limits : { ...limits, retries: 0 },
        clock,
      });
      call.status = status;
      call.origin = { setCookie };
      return parsed(text);
    } catch (error) {
      call.failure = exchangeError(subgraph, error, limits);
      return undefined;
    }
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function createSubscribing(options: TransportOptions): Transport {
  const execute = buildHTTPExecutor({
    endpoint: options.url,
    method: 'POST',
    headers: (request) => (request as { context: Call }).context.headers,
    fetch: (_url, init, context) => send(options, init ?? {}, context as Call),
    // Each client has its own.
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

const EVENTS = /^\s*text\/event-stream\b/i;

async function send(options: TransportOptions, init: RequestInit, call: Call): Promise<Response> {
  const { subgraph, url, limits, clock } = options;
  const isEvents = ({ headers }: Response): boolean =>
    EVENTS.test(headers.get('content-type') ?? '');
  try {
    const { response, text } = await exchangeHttp({
      url,
      init,
      limits: { ...limits, retries: 0 },
      fetch: globalThis.fetch,
      clock,
      // A subscription ends with its client, for which the executor makes this signal.
      signal: init.signal ?? undefined,
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
