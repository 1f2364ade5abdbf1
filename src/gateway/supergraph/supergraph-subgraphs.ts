/**
 * A supergraph composed from what the subgraphs say of themselves, at start and, where it is asked
 * for, again at intervals. A subgraph that cannot be reached later changes nothing: the gateway
 * goes on with what it had.
 */
import {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../../invalidation/clock.ts';
import type { Fetch } from '../subgraph/bounded-http.ts';
import { composeSupergraph } from './compose.ts';
import { fetchSubgraphSdl, type SubgraphAddress } from './subgraph-sdl.ts';
import { pollSupergraph } from './supergraph-poll.ts';
import {
  parseSupergraph, type OnFailure, type Supergraph, type SupergraphSource,
} from './supergraph.ts';

export interface ComposedSupergraphOptions {
  readonly subgraphs: readonly SubgraphAddress[];
  /** Default: composed once, at start. */
  readonly pollMs?: Millis | undefined;
  /** For one question to one subgraph. Default 10,000 ms. */
  readonly timeoutMs?: Millis;
  /** How long `load` waits for a subgraph that is still booting. Default 30,000 ms. */
  readonly patienceMs?: Millis;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly random?: Random;
}

export class ComposedSupergraph implements SupergraphSource {
  readonly description: string;
  readonly #options: ComposedSupergraphOptions;
  #hash: string | undefined;

  constructor(options: ComposedSupergraphOptions) {
    this.#options = options;
    this.description = `subgraphs ${options.subgraphs.map(({ name }) => name).join(', ')}`;
  }

  async load(signal?: AbortSignal): Promise<Supergraph> {
    return this.#compose({ signal, patienceMs: this.#options.patienceMs ?? 30_000 });
  }

  watch(onChange: (supergraph: Supergraph) => void, onFailure?: OnFailure): () => void {
    const { pollMs, clock = systemClock, random = systemRandom } = this.#options;
    if (pollMs === undefined) return () => {};
    const look = async (signal: AbortSignal): Promise<Supergraph | undefined> => {
      const known = this.#hash;
      const supergraph = await this.#compose({ signal, patienceMs: 0 });
      return supergraph.hash === known ? undefined : supergraph;
    };
    return pollSupergraph({ everyMs: pollMs, clock, random, look, onChange, onFailure });
  }

  async #compose(
    { signal, patienceMs }: { signal: AbortSignal | undefined; patienceMs: Millis },
  ): Promise<Supergraph> {
    const { subgraphs, timeoutMs, fetch, clock, random } = this.#options;
    const options = {
      patienceMs,
      signal,
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(fetch !== undefined && { fetch }),
      ...(clock !== undefined && { clock }),
      ...(random !== undefined && { random }),
    };
    const read = subgraphs.map(async (address) => {
      const { name, url } = address;
      return { name, url, sdl: await fetchSubgraphSdl(address, options) };
    });
    const supergraph = parseSupergraph(composeSupergraph(await Promise.all(read)).sdl);
    this.#hash = supergraph.hash;
    return supergraph;
  }
}
