/**
 * Where time and chance come in. Nothing else in the project reads a clock, sets a timer or rolls
 * a die, so that a whole fleet can be run from a seed in virtual time.
 */

/** A duration, or a reading of `Clock.now()`, in milliseconds. */
export type Millis = number;

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. Never compared with another machine's. */
  now(): Millis;
  /** Milliseconds since the Unix epoch: for timestamps that people read, never for decisions. */
  wall(): Millis;
  /**
   * Calls `task` once after `delayMs`; the returned function cancels it. No process waits for it.
   */
  after(delayMs: Millis, task: () => void): () => void;
}

/** A number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs`, or as soon as `signal` aborts; never rejects. */
export function pause(clock: Clock, delayMs: Millis, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
