/**
 * How long requests took of late: durations fall into the slice of time that is under way, and go
 * when their slice is older than the window. No clock is read while requests are answered.
 */
import assert from 'node:assert/strict';
import type { Millis } from '../../invalidation/clock.ts';
import { Histogram, type Spread } from '../../invalidation/histogram.ts';

/** One more than the window has: the one that is under way is not whole. */
const SLICES = 7;
export const SLICE_MS: Millis = 10_000;
/** How far back is looked, and up to a slice further. */
export const WINDOW_SECONDS = ((SLICES - 1) * SLICE_MS) / 1_000;

export class RecentLatency {
  readonly #slices: Histogram[] = [new Histogram()];
  #current = this.#slices[0] as Histogram;

  record(durationMs: Millis): void {
    this.#current.record(durationMs);
  }

  /** To be called every `SLICE_MS`. */
  turn(): void {
    this.#current = new Histogram();
    this.#slices.push(this.#current);
    if (this.#slices.length > SLICES) this.#slices.shift();
    assert(this.#slices.length <= SLICES, 'a window has so many slices');
  }

  get spreads(): readonly Spread[] {
    return this.#slices.filter(({ count }) => count > 0).map(({ spread }) => spread);
  }
}

/** Of one or several processes together. */
export function together(spreads: readonly Spread[]): Histogram {
  const all = new Histogram();
  for (const spread of spreads) all.add(spread);
  return all;
}
