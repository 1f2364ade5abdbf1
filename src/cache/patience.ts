/**
 * How long one request waits for Redis in all. It reads more than once, and of a Redis that does
 * not answer it would wait for each. Time in which several of its reads wait counts once.
 */
import type { Clock, Millis } from '../invalidation/clock.ts';
import { TimedOut, within } from '../invalidation/within.ts';

/** What is left of it then is not worth a question. */
const OVER_MS = 1;

export class Patience {
  readonly #clock: Clock;
  readonly #limitMs: Millis;
  #spentMs: Millis = 0;
  #waiting = 0;
  /** When the first of those began that wait now. */
  #since: Millis = 0;

  constructor(clock: Clock, limitMs: Millis) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  get isOver(): boolean {
    return this.#leftMs < OVER_MS;
  }

  /**
   * What comes of `ask`, undefined where it does not come in time; with nothing left it is not
   * asked. `ask` itself waits no longer than the whole of it.
   */
  async wait<T>(ask: () => Promise<T>): Promise<T | undefined> {
    if (this.isOver) return undefined;
    const leftMs = this.#leftMs;
    if (this.#waiting === 0) this.#since = this.#clock.now();
    this.#waiting += 1;
    try {
      if (leftMs === this.#limitMs) return await ask();
      return await within(ask(), { timeoutMs: leftMs, clock: this.#clock });
    } catch (error) {
      if (error instanceof TimedOut) return undefined;
      throw error;
    } finally {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#spentMs += this.#clock.now() - this.#since;
    }
  }

  get #leftMs(): Millis {
    const waitingMs = this.#waiting === 0 ? 0 : this.#clock.now() - this.#since;
    return this.#limitMs - this.#spentMs - waitingMs;
  }
}
