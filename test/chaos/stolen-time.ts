/** How long this machine was without one of its processors since a moment of a run. */
import { stolenMs } from '../support/stolen-time.ts';

const EVERY_MS = 20;
/** Longer than any wait that is asked about. */
const KEPT_MS = 10_000;

interface Sample {
  readonly at: number;
  /** So far, of each processor. */
  readonly stolenMs: readonly number[];
}

export class StolenTime {
  readonly #samples: Sample[] = [sample()];
  readonly #first = this.#samples[0]!;
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => {
      this.#samples.push(sample());
      const oldest = performance.now() - KEPT_MS;
      while (this.#samples[1] !== undefined && this.#samples[1].at < oldest) this.#samples.shift();
    }, EVERY_MS);
  }

  /** Since `from` (`performance.now()`), of the processor that lost most. */
  since(from: number): number {
    const before = this.#samples.findLast(({ at }) => at <= from) ?? this.#samples[0]!;
    return Math.max(0, ...lost(before));
  }

  /** Of all processors, as a share of their time since this was made. */
  get share(): number {
    const all = lost(this.#first);
    const sum = all.reduce((total, ms) => total + ms, 0);
    return sum / Math.max(1, all.length * (performance.now() - this.#first.at));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function lost(before: Sample): readonly number[] {
  return sample().stolenMs.map((ms, processor) => ms - (before.stolenMs[processor] ?? ms));
}

function sample(): Sample {
  return { at: performance.now(), stolenMs: stolenMs() };
}
