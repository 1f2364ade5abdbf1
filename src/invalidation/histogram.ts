/**
 * How durations are spread, in a fixed amount of memory: each power of two is cut into 16 equal
 * parts, so a percentile is right to about 6 %. It holds 1 microsecond to about a day.
 */
import type { Millis } from './clock.ts';

export interface Percentiles {
  readonly count: number;
  readonly p50Ms: Millis;
  readonly p90Ms: Millis;
  readonly p99Ms: Millis;
  readonly maxMs: Millis;
}

/** In a form that metrics are made of. */
export interface Latency extends Percentiles {
  readonly sumMs: Millis;
  /** How many took no longer than each of `LATENCY_BOUNDS_MS`, by the upper ends of the buckets. */
  readonly within: readonly number[];
}

/** From what Redis takes next door to what is hardly ever waited for. */
export const LATENCY_BOUNDS_MS: readonly Millis[] = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

export interface Spread {
  /** Index and count of those that hold any. */
  readonly buckets: readonly (readonly [index: number, count: number])[];
  readonly sumMs: Millis;
  readonly maxMs: Millis;
}

const PARTS_BITS = 4;
const PARTS = 2 ** PARTS_BITS;
/** 2^37 microseconds are 38 hours. */
const POWERS = 37;
const MICROSECONDS = 1_000;

export class Histogram {
  readonly #buckets = new Float64Array((POWERS - PARTS_BITS + 1) * PARTS);
  #count = 0;
  #sumMs: Millis = 0;
  #maxMs: Millis = 0;

  /** A negative duration counts as none. */
  record(durationMs: Millis): void {
    const bucket = bucketOf(Math.max(0, durationMs) * MICROSECONDS);
    const last = this.#buckets.length - 1;
    const index = Math.min(bucket, last);
    this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += Math.max(0, durationMs);
    this.#maxMs = Math.max(this.#maxMs, durationMs);
  }

  latency(): Latency {
    const within = LATENCY_BOUNDS_MS.map(() => 0);
    let [at, seen] = [0, 0];
    for (const [index, count] of this.#buckets.entries()) {
      const endMs = upperEnd(index) / MICROSECONDS;
      for (; at < within.length && endMs > (LATENCY_BOUNDS_MS[at] ?? 0); at += 1) within[at] = seen;
      seen += count;
      if (at === within.length) break;
    }
    return { ...this.percentiles(), sumMs: this.#sumMs, within };
  }

  percentiles(): Percentiles {
    return {
      count: this.#count,
      p50Ms: this.percentileMs(0.5),
      p90Ms: this.percentileMs(0.9),
      p99Ms: this.percentileMs(0.99),
      maxMs: this.#maxMs,
    };
  }

  get count(): number {
    return this.#count;
  }

  /** What is counted, in a form that processes can tell each other. */
  get spread(): Spread {
    const buckets: [number, number][] = [];
    for (const [index, count] of this.#buckets.entries()) {
      if (count > 0) buckets.push([index, count]);
    }
    return { buckets, sumMs: this.#sumMs, maxMs: this.#maxMs };
  }

  /** Counts what another one has counted as well. */
  add({ buckets, sumMs, maxMs }: Spread): void {
    for (const [index, count] of buckets) {
      this.#buckets[index] = (this.#buckets[index] ?? 0) + count;
      this.#count += count;
    }
    this.#sumMs += sumMs;
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  /** Below it is a `share` of the durations, from 0 to 1; 0 where there are none. */
  percentileMs(share: number): Millis {
    const rank = Math.ceil(this.#count * share);
    let seen = 0;
    for (const [index, count] of this.#buckets.entries()) {
      seen += count;
      if (seen >= rank && rank > 0) return Math.min(this.#maxMs, upperEnd(index) / MICROSECONDS);
    }
    return 0;
  }
}

/** The first 16 buckets are one microsecond wide; from there on each power has 16. */
function bucketOf(microseconds: number): number {
  const value = Math.floor(microseconds);
  if (value < PARTS) return value;
  if (value < 2 ** 31) {
    // Nearly all are: in whole numbers of 32 bits it costs a fraction of what follows.
    const power = 31 - Math.clz32(value);
    const part = (value >>> (power - PARTS_BITS)) - PARTS;
    return (power - PARTS_BITS + 1) * PARTS + part;
  }
  const power = Math.floor(Math.log2(value));
  const part = Math.floor(value / 2 ** (power - PARTS_BITS)) - PARTS;
  return (power - PARTS_BITS + 1) * PARTS + part;
}

/** The end of a bucket, in microseconds. */
function upperEnd(index: number): number {
  if (index < PARTS) return index + 1;
  const power = Math.floor(index / PARTS) + PARTS_BITS - 1;
  const part = index % PARTS;
  return (PARTS + part + 1) * 2 ** (power - PARTS_BITS);
}
