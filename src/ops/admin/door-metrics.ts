/** What has been asked of the invalidation service in this process, and how long it took. */
import type { Clock } from '../../invalidation/clock.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import { Histogram, type Percentiles } from '../../invalidation/histogram.ts';
import type { Order } from './order.ts';

export interface DoorCounts {
  /** By keys. */
  readonly keys: number;
  /** By patterns, types and of everything. */
  readonly patterns: number;
  /** Caching switched. */
  readonly switches: number;
  /** What was asked rightly and could not be done. */
  readonly errors: number;
  /** Of those that are in the log. */
  readonly latency: Percentiles;
}

export class DoorMetrics {
  readonly #clock: Clock;
  readonly #counts = { keys: 0, patterns: 0, switches: 0, errors: 0 };
  readonly #latency = new Histogram();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get counts(): DoorCounts {
    return { ...this.#counts, latency: this.#latency.percentiles() };
  }

  /** Counts `act` by how it ends; rejects as it does. */
  async measure<T>(kind: Order['kind'], act: () => Promise<T>): Promise<T> {
    const beganAt = this.#clock.now();
    try {
      const result = await act();
      this.#latency.record(this.#clock.now() - beganAt);
      this.#counts[COUNTER[kind]] += 1;
      return result;
    } catch (error) {
      const isCallers = error instanceof FreshetError && (error.status ?? 500) < 500;
      if (!isCallers) this.#counts.errors += 1;
      throw error;
    }
  }
}

const COUNTER = {
  key: 'keys', pattern: 'patterns', type: 'patterns', all: 'patterns', switch: 'switches',
} as const;

/** Of several processes. Percentiles cannot be added: the highest is at least as high. */
export function totalOf(counts: readonly DoorCounts[]): DoorCounts {
  const sum = (of: (one: DoorCounts) => number): number =>
    counts.reduce((total, one) => total + of(one), 0);
  const highest = (of: (one: Percentiles) => number): number =>
    Math.max(0, ...counts.map(({ latency }) => of(latency)));
  return {
    keys: sum((one) => one.keys),
    patterns: sum((one) => one.patterns),
    switches: sum((one) => one.switches),
    errors: sum((one) => one.errors),
    latency: {
      count: sum((one) => one.latency.count),
      p50Ms: highest((one) => one.p50Ms),
      p90Ms: highest((one) => one.p90Ms),
      p99Ms: highest((one) => one.p99Ms),
      maxMs: highest((one) => one.maxMs),
    },
  };
}
