/**
 * Calls a service back: one call at a time, each awaited, in the order in which they were asked
 * for. It promises: a call that throws is counted, tried again as often as was asked for, and then
 * passed over; nothing that a callback does stops the next one.
 */
import { pause, type Clock, type Random } from './clock.ts';
import type { InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { backoffMs } from './redis.ts';
import type { Stats } from './stats.ts';

export interface Delivery {
  readonly message: InvalidationMessage;
  /** Undefined for a foreign message that is not (yet) in the log. */
  readonly position: Position | undefined;
}

/** Of these, one: each message, or as many as there are at once. */
export interface CallbackOptions {
  readonly onMessage?: (
    message: InvalidationMessage,
    position: Position | undefined,
  ) => void | Promise<void>;
  /** In the order of the log; never empty. */
  readonly onBatch?: (deliveries: readonly Delivery[]) => void | Promise<void>;
  /** Messages in one call of `onBatch`. Default 100. */
  readonly batchLengthMax?: number;
  /**
   * How often a callback that throws is called for the same messages, before these are passed over.
   * The next ones wait for it. Default 1.
   */
  readonly attemptsMax?: number;
}

export interface CallbacksParts extends CallbackOptions {
  readonly stats: Stats;
  readonly clock: Clock;
  readonly random: Random;
  /** Nothing is called after it has aborted. */
  readonly signal: AbortSignal;
}

export class Callbacks {
  readonly #parts: CallbacksParts;
  readonly #attemptsMax: number;
  readonly #batchLengthMax: number;
  /** The last call that was asked for. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: CallbacksParts) {
    const { attemptsMax = 1, batchLengthMax = 100 } = parts;
    this.#parts = parts;
    this.#attemptsMax = attemptsMax;
    this.#batchLengthMax = batchLengthMax;
  }

  /** Resolves when the calls asked for so far are done. */
  async idle(): Promise<void> {
    await this.#last;
  }

  /** Resolves to true when they are called back, or passed over; to false where it was stopped. */
  deliver(deliveries: readonly Delivery[]): Promise<boolean> {
    return this.inTurn(() => this.#deliver(deliveries));
  }

  /** Calls `task` with the same care. */
  call(task: () => void | Promise<void>): Promise<boolean> {
    return this.inTurn(() => this.#attempt(task));
  }

  /** `task` must not reject. */
  inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result;
    return result;
  }

  async #deliver(deliveries: readonly Delivery[]): Promise<boolean> {
    const { onMessage, onBatch } = this.#parts;
    if (onBatch === undefined) {
      for (const { message, position } of deliveries) {
        if (!await this.#attempt(() => onMessage?.(message, position))) return false;
      }
      return true;
    }
    for (let at = 0; at < deliveries.length; at += this.#batchLengthMax) {
      const batch = deliveries.slice(at, at + this.#batchLengthMax);
      if (!await this.#attempt(() => onBatch(batch))) return false;
    }
    return true;
  }

  async #attempt(task: () => void | Promise<void>): Promise<boolean> {
    const { stats, clock, random, signal } = this.#parts;
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      const startedAt = clock.now();
      try {
        await task();
        stats.calledBack(clock.now() - startedAt);
        return true;
      } catch {
        stats.count('errors');
        if (attempt >= this.#attemptsMax) return true;
      }
      await pause(clock, backoffMs(attempt - 1, random), signal);
    }
    return false;
  }
}
