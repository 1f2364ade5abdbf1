/** Puts the response cache into Yoga: who asks, the answer, and what its headers say. */
import {
  GraphQLError, type ExecutionArgs, type ExecutionResult, type GraphQLSchema,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { fault, FreshetError } from '../../invalidation/errors.ts';
import { latest, parsePosition, type Position } from '../../invalidation/position.ts';
import { Attachments } from '../attachments.ts';
import { answerHeaders, type AnswerHeaderOptions } from './answer-headers.ts';
import type { Caller } from '../http/caller.ts';
import { codingsTaken, matchedEntityTag } from '../http/content-coding.ts';
import type { PositionCookie } from '../http/position-cookie.ts';
import { Exchange, type CachedContext } from './exchange.ts';
import { putInOrder } from './field-order.ts';
import type { HitPath, Left } from './hit-path.ts';
import { asGraphQLError } from '../http/refusal.ts';
import type { ReadRequest } from '../http/request-body.ts';
import type { Renewal } from './renewal.ts';
import { RequestReports } from './request-report.ts';
import type { ResponseCache } from './response-cache.ts';
import type { Execute } from './tagged-execution.ts';

export interface ResponseCachePluginOptions extends AnswerHeaderOptions {
  readonly cache: ResponseCache;
  readonly callerOf: (headers: Headers) => Promise<Caller> | Caller;
  readonly node: NodePosition;
  readonly clock: Clock;
  /** How long a request waits for this node to reach the position that the client has seen. */
  readonly positionWaitMs: Millis;
  /** Carries the position as well, for browsers. Default none. */
  readonly positionCookie?: PositionCookie | undefined;
  /** Is told of answers that were kept. Default none. */
  readonly hitPath?: Pick<HitPath, 'learn' | 'left'>;
  /** How to execute again what a request asked for. */
  readonly renewal: Renewal;
}

/** How far this node has followed the log. */
export interface NodePosition {
  readonly position: Position;
  reached(position: Position, timeoutMs: Millis): Promise<boolean>;
}

export function useResponseCache(options: ResponseCachePluginOptions): Plugin {
  const exchanges = new Attachments<Request, Exchange[]>('exchanges');
  const reports = new RequestReports(options.clock);
  const batches = new WeakSet<Request>();
  const headerOptions = { ...options, positionInCookie: options.positionCookie !== undefined };
  return {
    onRequestParse({ request, serverContext }) {
      reports.begin(request, leftOf(serverContext as Served, options)?.beganAt);
      // The fault of the whole request, whichever operations it holds.
      positionHeader(request.headers);
      return {
        onRequestParseDone({ requestParserResult }) {
          if (Array.isArray(requestParserResult)) batches.add(request);
        },
      };
    },
    async onContextBuilding({ context, extendContext }) {
      // It is made anew, for an exchange that no request waits for.
      if ('exchange' in context) return;
      const exchange = await openExchange(context.request, options);
      const left = leftOf(context as Served, options);
      exchange.chosen = left?.isChosen === true;
      exchange.absentBelow = left?.absentBelow;
      exchange.patience = left?.patience;
      exchanges.set(context.request, [...(exchanges.get(context.request) ?? []), exchange]);
      extendContext({ exchange } as unknown as Partial<typeof context>);
    },
    onExecute({ executeFn, setExecuteFn }) {
      const execute = executingWhole(executeFn as Execute);
      setExecuteFn((args) => showing(async () =>
        judged(await options.cache.answer(args, execute), args)));
    },
    onSubscribe({ args }) {
      const { exchange } = args.contextValue as unknown as CachedContext;
      exchange.executedUnder(args.schema as GraphQLSchema);
      exchange.streaming = true;
    },
    onResponse(payload) {
      const { request, response, fetchAPI, serverContext } = payload;
      const mediaType = mediaTypeOf(response.headers);
      if (mediaType === undefined || mediaType === 'text/html') return;
      const own = exchanges.get(request) ?? [];
      reports.end(request, { exchanges: own, status: response.status });
      const position = own.reduce((at, one) => latest(at, one.position), options.node.position);
      const headers = answerHeaders({
        status: response.status,
        mediaType,
        batch: batches.has(request),
        answers: own.flatMap(({ answer }) => (answer === undefined ? [] : [answer])),
        position,
      }, headerOptions);
      for (const [name, value] of Object.entries(headers)) setHeader(response.headers, name, value);
      if (own.some(({ mutating }) => mutating)) {
        const cookie = options.positionCookie?.write(position, request);
        if (cookie !== undefined) response.headers.append('set-cookie', cookie);
      }
      const [exchange] = own;
      const { req } = serverContext as Served;
      if (exchange?.answer !== undefined && req !== undefined && headers['etag'] !== undefined) {
        const { answer, caller } = exchange;
        const sent = { headers: response.headers, mediaType };
        options.hitPath?.learn({ request: req, ...sent, answer, caller });
      }
      const held = request.method === 'GET' ? entityTagHeld(request, headers, options) : undefined;
      if (held === undefined) return;
      const unchanged = { status: 304, headers: withoutContent(response.headers, held) };
      payload.setResponse(new fetchAPI.Response(null, unchanged));
    },
  };
}

/** How the hit path left the request to Yoga, where there is one. */
function leftOf({ req }: Served, { hitPath }: ResponseCachePluginOptions): Left | undefined {
  return req && hitPath?.left(req);
}

/** Returns the result. Without data its operation was not executed (GraphQL, section 7.1). */
function judged(result: ExecutionResult, { contextValue }: ExecutionArgs): ExecutionResult {
  const { exchange } = contextValue as CachedContext;
  // Errors first: the data of an answer from the cache is parsed when it is looked at.
  const hasErrors = result.errors !== undefined && result.errors.length > 0;
  if (hasErrors) exchange.failure = result.data === undefined ? 'refused' : 'error';
  return result;
}

function executingWhole(execute: Execute): Execute {
  return async (args) => whole(await execute(args), args);
}

/** What came in on `node:http`, where that is so. */
interface Served {
  readonly req?: ReadRequest;
}

/** Returns the result. Parts that do not fit the schema leave errors in it that no origin gave. */
function whole(result: ExecutionResult, args: ExecutionArgs): ExecutionResult {
  const { exchange } = args.contextValue as CachedContext;
  putInOrder(result.data, args);
  if (result.errors?.some(isUnexpected)) exchange.break();
  return result;
}

/** Thrown while the result was put together. What an origin said is a GraphQLError throughout. */
function isUnexpected(error: GraphQLError): boolean {
  let cause: unknown = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return !(cause instanceof GraphQLError);
}

/** Undefined where there is no content, as in the answer to a preflight. */
function mediaTypeOf(headers: Headers): string | undefined {
  return headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
}

/** `Vary` may have been set before, by CORS for one: both count. */
function setHeader(headers: Headers, name: string, value: string): void {
  if (name === 'vary') headers.append(name, value);
  else headers.set(name, value);
}

/** The headers themselves, for a client that holds what has this tag. */
function withoutContent(headers: Headers, etag: string): Headers {
  headers.delete('content-length');
  headers.delete('content-type');
  headers.set('etag', etag);
  return headers;
}

/** The tag of what the client has of this very content. */
function entityTagHeld(
  { headers }: Request,
  { etag }: Record<string, string>,
  { coded = false }: AnswerHeaderOptions,
): string | undefined {
  const ifNoneMatch = headers.get('if-none-match');
  if (etag === undefined || ifNoneMatch === null) return undefined;
  const taken = coded ? codingsTaken(headers.get('accept-encoding') ?? undefined) : [];
  return matchedEntityTag(ifNoneMatch, etag, taken);
}

async function openExchange(
  { headers }: Request,
  { callerOf, node, positionWaitMs, positionCookie, renewal }: ResponseCachePluginOptions,
): Promise<Exchange> {
  const sent = positionHeader(headers);
  const kept = positionCookie?.read(headers.get('cookie'));
  const seen = sent === undefined || kept === undefined ? sent ?? kept : latest(sent, kept);
  const caller = await showing(async () => callerOf(headers));
  const known = seen === undefined || (await node.reached(seen, positionWaitMs));
  // Never an earlier one than the client had: it may keep this in its place.
  const exchange = new Exchange(caller, latest(node.position, seen ?? node.position));
  exchange.behind = !known;
  exchange.renewal = renewal;
  return exchange;
}

/** The position that the client has seen. One that cannot be read is refused, never ignored. */
function positionHeader(headers: Headers): Position | undefined {
  const text = headers.get('freshet-position');
  if (text === null) return undefined;
  const position = parsePosition(text.trim());
  if (position !== undefined) return position;
  throw asGraphQLError(fault('POSITION_INVALID', { got: JSON.stringify(text.slice(0, 40)) }));
}

/** What a client is to be told of its own fault goes through Yoga as an error that it shows. */
async function showing<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof FreshetError ? asGraphQLError(error) : error;
  }
}
