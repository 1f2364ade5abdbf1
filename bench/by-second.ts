/**
 * Durations by the second in which they began, and what the host of a virtual machine kept of each
 * second: where it kept none, a wait is the program's own.
 */
import { Histogram } from '../src/invalidation/histogram.ts';
import { stolenMsInAll } from '../test/support/stolen-time.ts';

/** A tick of proc(5): what cannot be told from none. */
const UNDISTURBED_MS = 10;

/** Medians of what single seconds have, in ms. */
interface Figures {
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Told extends Figures {
  /** Only of seconds of which the host kept at most 10 ms, on all processors together. */
  readonly undisturbed: Figures;
  readonly ofAll: { readonly p99Ms: number; readonly maxMs: number };
}

interface Second {
  readonly took: Histogram;
  readonly stolenMs: number;
}

export class BySecond {
  readonly #perSecond: number;
  readonly #stolenMs: number[] = [];

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Before the nth of all. */
  began(n: number): void {
    if (n % this.#perSecond === 0) this.#stolenMs.push(stolenMsInAll());
  }

  /** `took` has how long the nth took, in ms; the last second and the warm-up are left out. */
  tell(took: readonly number[], warmUpSeconds: number): Told {
    const [all, seconds] = [new Histogram(), [] as Second[]];
    for (let n = warmUpSeconds; n + 1 < this.#stolenMs.length; n += 1) {
      const second = {
        took: new Histogram(), stolenMs: (this.#stolenMs[n + 1] ?? 0) - (this.#stolenMs[n] ?? 0),
      };
      for (const ms of took.slice(n * this.#perSecond, (n + 1) * this.#perSecond)) {
        second.took.record(ms);
        all.record(ms);
      }
      seconds.push(second);
    }
    const { p99Ms, maxMs } = all.percentiles();
    return {
      ...figures(seconds),
      undisturbed: figures(seconds.filter(({ stolenMs }) => stolenMs <= UNDISTURBED_MS)),
      ofAll: { p99Ms, maxMs },
    };
  }
}

function figures(seconds: readonly Second[]): Figures {
  const medianOf = (share: number): number =>
    seconds.map(({ took }) => took.percentileMs(share)).sort((a, b) => a - b)
      .at(Math.floor(seconds.length / 2)) ?? Number.NaN;
  return { seconds: seconds.length, p50Ms: medianOf(0.5), p99Ms: medianOf(0.99) };
}
