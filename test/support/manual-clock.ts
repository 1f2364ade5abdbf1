/**
 * A clock that stands still until a test moves it. Tasks run in the order in which they are due,
 * and those due at one instant in the order in which they were asked for.
 */

import { setImmediate as macrotask } from 'node:timers/promises';
import type { Clock, Millis } from '../../src/invalidation/clock.ts';

interface Timer {
  dueAt: Millis;
  task: () => void;
}

export class ManualClock implements Clock {
  #now: Millis = 0;
  #wallStart: Millis;
  readonly #timers = new Set<Timer>();

  /** `wallStart` is the epoch time shown at the start. Default 2026-01-01T00:00:00Z. */
  constructor(wallStart: Millis = Date.UTC(2026, 0, 1)) {
    this.#wallStart = wallStart;
  }

  now(): Millis {
    return this.#now;
  }

  wall(): Millis {
    return this.#wallStart + this.#now;
  }

  after(delayMs: Millis, task: () => void): () => void {
    const timer: Timer = { dueAt: this.#now + Math.max(0, delayMs), task };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** How many tasks wait: a test of "stop() leaves nothing behind" asks for zero. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on by `ms`, running what falls due, each task at its own instant. */
  advance(ms: Millis): void {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer; timer = this.#next(end)) this.#run(timer);
    this.#now = end;
  }

  /** As `advance`, and between two tasks lets promises settle that the tasks have resolved. */
  async advanceAsync(ms: Millis): Promise<void> {
    const end = this.#now + ms;
    await macrotask();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#run(timer);
      await macrotask();
    }
    this.#now = end;
    await macrotask();
  }

  /** Shifts the wall clock alone, as a correction by NTP would; `now()` does not move. */
  shiftWall(ms: Millis): void {
    this.#wallStart += ms;
  }

  #run(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.task();
  }

  #next(end: Millis): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (first === undefined || timer.dueAt < first.dueAt)) first = timer;
    }
    return first;
  }
}
