/**
 * A supergraph at a URL, asked for again at intervals. A server that gives an ETag is asked with
 * If-None-Match (RFC 9110, section 13.1.2) and need not send what has not changed.
 */
import {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import { exchangeHttp, type Fetch } from '../subgraph/bounded-http.ts';
import { endpointOf, type Endpoint } from '../subgraph/endpoint.ts';
import { Hopeless, tryFor } from './patience.ts';
import { pollSupergraph } from './supergraph-poll.ts';
import {
  parseSupergraph, type OnFailure, type Supergraph, type SupergraphSource,
} from './supergraph.ts';

export interface UrlSupergraphOptions {
  /** Credentials in it are sent by HTTP Basic. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default 10,000 ms. */
  readonly pollMs?: Millis;
  /** For one request. Default 10,000 ms. */
  readonly timeoutMs?: Millis;
  /** How long `load` asks again where there is no answer. Default 30,000 ms; 0: once. */
  readonly patienceMs?: Millis;
  /** Default 16 MiB. */
  readonly sdlBytesMax?: number;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly random?: Random;
}

export class UrlSupergraph implements SupergraphSource {
  readonly description: string;
  readonly #endpoint: Endpoint;
  readonly #options: UrlSupergraphOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Of the version that was understood last: a broken one is asked for in full again. */
  #etag: string | undefined;
  #hash: string | undefined;

  /** @throws SUPERGRAPH_UNAVAILABLE where `url` is no http URL. */
  constructor(options: UrlSupergraphOptions) {
    this.#options = options;
    this.#endpoint = endpointOf(options.url, 'the URL of the supergraph');
    this.description = this.#endpoint.shown;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
  }

  async load(signal?: AbortSignal): Promise<Supergraph> {
    const { patienceMs = 30_000 } = this.#options;
    const patience = { forMs: patienceMs, clock: this.#clock, random: this.#random, signal };
    this.#etag = undefined;
    const supergraph = await this.#named(() => tryFor(patience, () => this.#read(signal)));
    if (supergraph === undefined) throw this.#fault('an SDL was required, got status 304');
    return supergraph;
  }

  watch(onChange: (supergraph: Supergraph) => void, onFailure?: OnFailure): () => void {
    return pollSupergraph({
      everyMs: this.#options.pollMs ?? 10_000,
      clock: this.#clock,
      random: this.#random,
      look: (signal) => this.#look(signal),
      onChange,
      onFailure,
    });
  }

  async #look(signal: AbortSignal): Promise<Supergraph | undefined> {
    const known = this.#hash;
    const supergraph = await this.#named(() => this.#read(signal));
    return supergraph?.hash === known ? undefined : supergraph;
  }

  /** `undefined`: not modified. */
  async #read(signal: AbortSignal | undefined): Promise<Supergraph | undefined> {
    const { timeoutMs = 10_000, sdlBytesMax = 16 * 1024 * 1024 } = this.#options;
    const { response, text = '' } = await exchangeHttp({
      url: this.#endpoint.url,
      init: { headers: this.#headers() },
      limits: { timeoutMs, bytesMax: sdlBytesMax, retries: 1 },
      fetch: this.#options.fetch ?? globalThis.fetch,
      clock: this.#clock,
      signal,
    });
    const { status } = response;
    if (status === 304 && this.#etag !== undefined) return undefined;
    if (status === 401 || status === 403) throw new Hopeless(`leave was required, got ${status}`);
    if (status !== 200) throw new Error(`status 200 was required, got ${status}`);
    const supergraph = parsed(text);
    this.#etag = response.headers.get('etag') ?? undefined;
    this.#hash = supergraph.hash;
    return supergraph;
  }

  #headers(): Record<string, string> {
    const condition = this.#etag === undefined ? {} : { 'if-none-match': this.#etag };
    const accept = 'application/graphql, text/plain;q=0.9, */*;q=0.5';
    return { accept, ...this.#options.headers, ...this.#endpoint.headers, ...condition };
  }

  async #named<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (cause) {
      throw this.#fault(cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #fault(reason: string, cause?: unknown): Error {
    return fault('SUPERGRAPH_UNAVAILABLE', { source: this.description, reason, cause });
  }
}

function parsed(sdl: string): Supergraph {
  try {
    return parseSupergraph(sdl);
  } catch (cause) {
    throw new Hopeless(`an SDL was required, got: ${(cause as Error).message}`, { cause });
  }
}
