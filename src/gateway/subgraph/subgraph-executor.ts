/**
 * Asks one subgraph, over HTTP POST on connections that are kept open. It always answers with a
 * GraphQL result: what fails on the way becomes one error with a code, which names the subgraph
 * and holds neither its URL nor a piece of its answer.
 *
 * The signal of the request is not passed on: the load may be shared, and the client that caused
 * it may leave before the others. The timeout ends it.
 */
import {
  isAsyncIterable, mapAsyncIterator,
  type ExecutionRequest, type ExecutionResult, type Executor, type MaybeAsyncIterable,
} from '@graphql-tools/utils';
import { getOperationAST, type OperationTypeNode } from 'graphql';
import { systemClock, type Clock, type Millis } from '../../invalidation/clock.ts';
import type { Variables } from '../../policy/plan.ts';
import type { HttpLimits } from './bounded-http.ts';
import { endpointOf, type Endpoint } from './endpoint.ts';
import type { CachedContext, Exchange } from '../caching/exchange.ts';
import { withOriginHeaders } from './origin-headers.ts';
import { asOutage } from './outage.ts';
import { readAnswer } from './subgraph-answer.ts';
import { batchByContext } from './subgraph-batch.ts';
import { answerError } from './subgraph-error.ts';
import { createTransport, type Call, type Transport } from './subgraph-transport.ts';
import { fetching, type Fetching } from '../tracing-channels.ts';

export interface SubgraphExecutorOptions {
  /** The subgraph's own name, as in the supergraph. */
  readonly name: string;
  /** Its URL. Credentials in it are sent by HTTP Basic, in place of the caller's. */
  readonly endpoint: string;
  /** For the whole exchange; of a subscription, until it begins. Default 10,000 ms. */
  readonly timeoutMs?: Millis;
  /** Of one answer, or of one event of a subscription. Default 16 MiB. */
  readonly answerBytesMax?: number;
  /** Queries that one request makes in the same tick are sent as one. Default true. */
  readonly batch?: boolean;
  readonly clock?: Clock;
  /** Told of every exchange when it is over. */
  readonly onResponse?: (outcome: SubgraphOutcome) => void;
}

export interface SubgraphOutcome {
  readonly subgraph: string;
  readonly operation: OperationTypeNode;
  readonly durationMs: Millis;
  /** `undefined` where there was no answer. */
  readonly status: number | undefined;
  /** Of the error that the exchange ended with, if it did not end with an answer. */
  readonly code: string | undefined;
}

/** Codes of an exchange in which the origin did not say anything. */
const UNANSWERED = ['SUBGRAPH_TIMEOUT', 'SUBGRAPH_UNREACHABLE'];

const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/**
 * What the origin says beside a result is found with `originHeadersOf(result)`. A cookie that
 * it sets refuses, on the exchange which caused the load, the storing of its answer.
 *
 * @throws SUPERGRAPH_UNAVAILABLE where `endpoint` is no http URL.
 */
export function createSubgraphExecutor(options: SubgraphExecutorOptions): Executor {
  const { batch = true } = options;
  const subgraph = new HttpSubgraph(options);
  const executor = ((request: ExecutionRequest) => subgraph.execute(request)) as Executor;
  return batch ? batchByContext(executor) : executor;
}

class HttpSubgraph {
  readonly #name: string;
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  readonly #onResponse: (outcome: SubgraphOutcome) => void;
  readonly #transport: Transport;

  constructor(options: SubgraphExecutorOptions) {
    const { name, timeoutMs = 10_000, answerBytesMax = ANSWER_BYTES_MAX } = options;
    const { clock = systemClock } = options;
    this.#name = name;
    this.#endpoint = endpointOf(options.endpoint, `the entry of subgraph ${name}`);
    this.#clock = clock;
    this.#onResponse = options.onResponse ?? (() => {});
    const limits: HttpLimits = { timeoutMs, bytesMax: answerBytesMax, retries: 1 };
    this.#transport = createTransport({ subgraph: name, url: this.#endpoint.url, limits, clock });
  }

  execute(request: ExecutionRequest): Promise<MaybeAsyncIterable<ExecutionResult>> {
    const exchange = (request.context as Partial<CachedContext> | undefined)?.exchange;
    const call = this.#callFor(request, exchange);
    if (!fetching.hasSubscribers) return this.#exchange(call, exchange);
    const [subgraph, { shown: url }, { operation }] = [this.#name, this.#endpoint, call];
    const event: Fetching = { subgraph, url, operation };
    return fetching.tracePromise(async () => {
      Object.assign(call.headers, event.headers);
      const result = await this.#exchange(call, exchange);
      event.status = call.status;
      event.code = codeOf(call);
      return result;
    }, event);
  }

  async #exchange(
    call: Call,
    exchange: Exchange | undefined,
  ): Promise<MaybeAsyncIterable<ExecutionResult>> {
    const startedAt = this.#clock.now();
    const result = this.#resultOf(await this.#transport(call), call);
    refuseCookies(call, exchange);
    this.#onResponse({
      subgraph: this.#name,
      operation: call.operation,
      durationMs: this.#clock.now() - startedAt,
      status: call.status,
      code: codeOf(call),
    });
    return result;
  }

  /** Only what belongs to the operation: extensions of a request could redirect the executor. */
  #callFor(request: ExecutionRequest, exchange: Exchange | undefined): Call {
    const { document, operationName } = request;
    const variables = request.variables as Variables | undefined;
    const operation = request.operationType ?? getOperationAST(document, operationName)?.operation;
    return {
      document,
      variables,
      operationName,
      operation: operation ?? ('query' as OperationTypeNode),
      headers: { ...exchange?.caller.forwarded, ...this.#endpoint.headers },
      status: undefined,
      origin: undefined,
      failure: undefined,
    };
  }

  #resultOf(raw: unknown, call: Call): MaybeAsyncIterable<ExecutionResult> {
    if (call.failure !== undefined) {
      const { code } = call.failure.extensions;
      const failed = { errors: [call.failure] };
      return UNANSWERED.includes(String(code)) ? asOutage(failed) : failed;
    }
    // Not a generator: that could end a stream only between two events.
    if (isAsyncIterable(raw)) {
      return mapAsyncIterator(raw, (event) => this.#resultOfEvent(event), () =>
        this.#resultOfEvent(undefined));
    }
    const result = readAnswer(raw);
    const { status } = call;
    const answered = status !== undefined && (status < 300 || result?.errors !== undefined);
    const isFailing = status !== undefined && status >= 500;
    if (result !== undefined && answered) {
      return withOriginHeaders(isFailing ? asOutage(result) : result, call.origin);
    }
    const got = status === undefined ? 'none' : `another with status ${status}`;
    call.failure = answerError(this.#name, got);
    const failed = { errors: [call.failure] };
    return isFailing ? asOutage(failed) : failed;
  }

  #resultOfEvent(event: unknown): ExecutionResult {
    return readAnswer(event) ?? { errors: [answerError(this.#name, 'another event')] };
  }
}

function codeOf({ failure }: Call): string | undefined {
  return failure?.extensions['code'] as string | undefined;
}

/**
 * A cookie is for the caller who made the request: an answer that sets one is never kept. It ends
 * here, since a cookie of a service behind the gateway is not the gateway's to hand out.
 */
function refuseCookies({ origin }: Call, exchange: Exchange | undefined): void {
  if (origin === undefined || origin.setCookie.length === 0) return;
  if (exchange === undefined || exchange.streaming) return;
  exchange.parts.refuse('cookie');
}
