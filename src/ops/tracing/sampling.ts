/**
 * Which traces are recorded: those that whoever asks has recorded, and a share of all others; never
 * more than so many a second, whatever clients ask for.
 */
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';

export interface SamplingOptions {
  /** Of what nobody has traced before: 0 to 1. */
  readonly ratio: number;
  readonly perSecondMax: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
}

const SECOND_MS: Millis = 1_000;

export class Sampling {
  readonly #options: SamplingOptions;
  #left: number;
  #at: Millis;

  constructor(options: SamplingOptions) {
    this.#options = options;
    this.#left = options.perSecondMax;
    this.#at = options.clock.now();
  }

  /** Whether a trace that begins here is recorded. */
  begins(): boolean {
    const { ratio, random } = this.#options;
    return ratio > 0 && (ratio >= 1 || random() < ratio) && this.#take();
  }

  /** Whether a trace that is recorded elsewhere is recorded here as well. */
  goesOn(): boolean {
    return this.#take();
  }

  #take(): boolean {
    const { clock, perSecondMax } = this.#options;
    const now = clock.now();
    const regained = ((now - this.#at) / SECOND_MS) * perSecondMax;
    this.#at = now;
    this.#left = Math.min(perSecondMax, this.#left + regained);
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
