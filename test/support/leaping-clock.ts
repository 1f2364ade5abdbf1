/**
 * The system's clock, which a test can move on by a leap: minutes go by at once, while sockets and
 * timers go on as ever. A timer that was set before a leap does not fire any earlier.
 */
import { systemClock, type Clock, type Millis } from '../../src/invalidation/clock.ts';

export class LeapingClock implements Clock {
  #leptMs: Millis = 0;

  leap(ms: Millis): void {
    this.#leptMs += ms;
  }

  now(): Millis {
    return systemClock.now() + this.#leptMs;
  }

  wall(): Millis {
    return systemClock.wall() + this.#leptMs;
  }

  after(delayMs: Millis, task: () => void): () => void {
    return systemClock.after(delayMs, task);
  }
}
