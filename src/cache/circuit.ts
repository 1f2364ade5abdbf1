/**
 * Whether it is worth while to ask somebody who has stopped answering. Like a fuse: after some
 * failures in a row nobody asks for a short time, then one does, and what comes of that decides.
 * It does no I/O and reads no clock.
 */
import assert from 'node:assert/strict';
import type { Millis, Random } from '../invalidation/clock.ts';

export interface CircuitOptions {
  readonly random: Random;
  /** So many failures in a row open it. Default 3. */
  readonly failuresMax?: number;
  /**
   * How long it stays open on average; each time between half and one and a half of it, so that
   * many nodes do not try again at the same moment. Default 250 ms.
   */
  readonly openMs?: Millis;
}

export class Circuit {
  readonly #random: Random;
  readonly #failuresMax: number;
  readonly #openMs: Millis;
  #failures = 0;
  #openUntil = Number.NEGATIVE_INFINITY;
  /** How often it opened after having been closed. */
  openings = 0;

  constructor({ random, failuresMax = 3, openMs = 250 }: CircuitOptions) {
    assert(failuresMax >= 1 && openMs > 0, 'a circuit opens after a failure, for some time');
    this.#random = random;
    this.#failuresMax = failuresMax;
    this.#openMs = openMs;
  }

  get open(): boolean {
    return this.#failures >= this.#failuresMax;
  }

  /** Whether to try now. While open, one caller in each period is told to. */
  allows(now: Millis): boolean {
    if (!this.open) return true;
    if (now < this.#openUntil) return false;
    this.#openAt(now);
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(now: Millis): void {
    const wasOpen = this.open;
    this.#failures += 1;
    if (!this.open) return;
    if (!wasOpen) this.openings += 1;
    this.#openAt(now);
  }

  #openAt(now: Millis): void {
    this.#openUntil = now + this.#openMs * (0.5 + this.#random());
  }
}
