/**
 * One HTTP exchange that ends: within a time, and with an answer of a bounded size. What went
 * wrong is told by kind, in words that hold neither a header nor a piece of the answer.
 */
import type { Clock, Millis } from '../../invalidation/clock.ts';

/** What `globalThis.fetch` is, as far as it is used here. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpLimits {
  /** From the request's first byte to the answer's last; of a stream, to its headers. */
  readonly timeoutMs: Millis;
  /** Of the decompressed body. */
  readonly bytesMax: number;
  /** How often a connection that failed is tried again. 0 where the request changes something. */
  readonly retries: number;
}

export interface Bounds {
  readonly limits: HttpLimits;
  readonly clock: Clock;
  /** Ends the exchange early, also while a stream is being read. */
  readonly signal?: AbortSignal | undefined;
}

export interface HttpExchange extends Bounds {
  readonly url: string;
  readonly init: RequestInit;
  readonly fetch: Fetch;
  /** Whether the body of this answer is left unread, for the caller to stream. Default: never. */
  readonly streams?: (response: Response) => boolean;
}

export interface HttpAnswer {
  readonly response: Response;
  /** The whole body; `undefined` where it is streamed. */
  readonly text: string | undefined;
}

export type HttpFailureKind =
  /** No whole answer within `timeoutMs`. */
  | 'timeout'
  /** The connection could not be made, or broke. */
  | 'connection'
  /** The answer is larger than `bytesMax`. */
  | 'size'
  /** `signal` aborted. */
  | 'aborted'
  /** The request could not be formed: a header that HTTP does not allow. */
  | 'request';

/** Its message reads "... was required, got ...". */
export class HttpFailure extends Error {
  readonly kind: HttpFailureKind;

  constructor(kind: HttpFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  static ofSize(bytesMax: number): HttpFailure {
    return new HttpFailure('size', `at most ${bytesMax} bytes were required, got more`);
  }

  /** `got`: a code of the system's, or words. */
  static ofConnection(got: string, cause: unknown): HttpFailure {
    return new HttpFailure('connection', `a connection was required, got ${got}`, { cause });
  }
}

/**
 * Sends the request and reads the answer, whatever its status.
 *
 * @throws HttpFailure
 */
export function exchangeHttp(exchange: HttpExchange): Promise<HttpAnswer> {
  const isStream = ({ text }: HttpAnswer): boolean => text === undefined;
  return withinBounds(exchange, (signal) => attempt(exchange, signal), isStream);
}

/**
 * What `attempt` answers within the bounds. It is called once more for each retry, and has to end
 * when the signal that it is given aborts. What `isStream` goes on to be bounded by `signal`.
 *
 * @throws HttpFailure
 */
export async function withinBounds<Answer>(
  { limits, clock, signal }: Bounds,
  attempt: (signal: AbortSignal) => Promise<Answer>,
  isStream: (answer: Answer) => boolean = () => false,
): Promise<Answer> {
  if (signal?.aborted) throw aborted();
  const controller = new AbortController();
  const relay = (): void => controller.abort(aborted());
  signal?.addEventListener('abort', relay, { once: true });
  const cancelTimer = clock.after(limits.timeoutMs, () => controller.abort(late(limits)));
  let streaming = false;
  try {
    const answer = await attempts(() => attempt(controller.signal), limits, controller.signal);
    streaming = isStream(answer);
    return answer;
  } finally {
    cancelTimer();
    if (!streaming) signal?.removeEventListener('abort', relay);
  }
}

async function attempts<Answer>(
  attempt: () => Promise<Answer>,
  { retries }: HttpLimits,
  signal: AbortSignal,
): Promise<Answer> {
  for (let retriesLeft = retries; ; retriesLeft -= 1) {
    try {
      return await attempt();
    } catch (error) {
      const failure = signal.aborted ? (signal.reason as HttpFailure) : failureOf(error);
      if (failure.kind !== 'connection' || retriesLeft <= 0) throw failure;
    }
  }
}

async function attempt(exchange: HttpExchange, signal: AbortSignal): Promise<HttpAnswer> {
  // A redirect is not followed: it would turn a POST into a GET, or take a token elsewhere.
  const init = { ...exchange.init, signal, redirect: 'manual' } as const;
  const response = await exchange.fetch(exchange.url, init);
  if (exchange.streams?.(response)) return { response, text: undefined };
  return { response, text: await readText(response, exchange.limits.bytesMax) };
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop by an error cancels the body, and with it the connection.
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw HttpFailure.ofSize(bytesMax);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function failureOf(error: unknown): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  // Of `fetch` only a failure of the network has a cause; its other TypeErrors quote headers.
  if (cause === undefined) {
    return new HttpFailure('request', 'a request that HTTP allows was required, got another');
  }
  const { code, message } = cause as { code?: unknown; message?: unknown };
  // The Fetch standard has ports that it never connects to (section 2.10): 6000, 10080, ...
  const broken = message === 'bad port' ? 'a port that fetch refuses' : 'one that broke';
  return HttpFailure.ofConnection(typeof code === 'string' ? code : broken, cause);
}

function late({ timeoutMs }: HttpLimits): HttpFailure {
  return new HttpFailure('timeout', `an answer within ${timeoutMs} ms was required, got none`);
}

function aborted(): HttpFailure {
  return new HttpFailure('aborted', 'a caller that waits was required, got one that has left');
}
