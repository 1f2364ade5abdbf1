/** What has been answered by this process: by outcome, and how long it took of late. */
import {
  REQUEST_OUTCOMES, type RequestAnswered, type RequestOutcome,
} from '../../gateway/diagnostics.ts';
import type { Spread } from '../../invalidation/histogram.ts';
import type { TypeCounts } from './operation-table.ts';
import { RecentLatency } from './recent-latency.ts';

/** In a form that processes tell each other. */
export interface Requests {
  readonly outcomes: Readonly<Record<RequestOutcome, number>>;
  readonly types: readonly TypeCounts[];
  readonly recent: readonly Spread[];
}

export class RequestCounts {
  readonly #outcomes = zeroes();
  readonly #latency = new RecentLatency();

  count({ outcome, durationMs }: RequestAnswered): void {
    this.#outcomes[outcome] += 1;
    this.#latency.record(durationMs);
  }

  /** To be called every `SLICE_MS` of `recent-latency`. */
  turn(): void {
    this.#latency.turn();
  }

  get snapshot(): Omit<Requests, 'types'> {
    return { outcomes: { ...this.#outcomes }, recent: this.#latency.spreads };
  }
}

/** Of several processes. */
export function sumOf(all: readonly Requests[]): Requests {
  const outcomes = zeroes();
  const types = new Map<string, TypeCounts>();
  for (const one of all) {
    for (const name of REQUEST_OUTCOMES) outcomes[name] += one.outcomes[name];
    for (const { type, hits, misses } of one.types) {
      const known = types.get(type) ?? { hits: 0, misses: 0 };
      types.set(type, { type, hits: known.hits + hits, misses: known.misses + misses });
    }
  }
  return { outcomes, types: [...types.values()], recent: all.flatMap(({ recent }) => recent) };
}

function zeroes(): Record<RequestOutcome, number> {
  return Object.fromEntries(REQUEST_OUTCOMES.map((name) => [name, 0])) as
    Record<RequestOutcome, number>;
}
