/** Puts a bound on a wait, without leaving a timer behind. */
import type { Clock, Millis } from './clock.ts';

export interface Bound {
  readonly timeoutMs: Millis;
  readonly clock: Clock;
}

/** What `within` rejects with when the bound is reached. */
export class TimedOut extends Error {
  constructor(timeoutMs: Millis) {
    super(`no answer within ${Math.round(timeoutMs)} ms`);
  }

  override get name(): string {
    return 'TimedOut';
  }
}

/** How long to wait where somebody is to hear within `boundMs` what came of it: timers are late. */
export function waitWithin(boundMs: Millis): Millis {
  return 0.8 * boundMs;
}

/** When a timer comes later than this, the process was not running, and answers may lie unread. */
const LATE_MS = 100;
const GRACE_MS = 50;

/**
 * Settles as `promise` does, or rejects with `TimedOut` after `timeoutMs`, when what has come by
 * then has been read: timers come before sockets. A process that was stopped or busy meanwhile gets
 * another 50 ms for it.
 */
export function within<T>(promise: Promise<T>, { timeoutMs, clock }: Bound): Promise<T> {
  return new Promise((resolve, reject) => {
    const begin = clock.now();
    const giveUp = (): void => reject(new TimedOut(timeoutMs));
    let cancel = clock.after(timeoutMs, () => {
      const isLate = clock.now() - begin >= timeoutMs + LATE_MS;
      cancel = clock.after(isLate ? GRACE_MS : 0, giveUp);
    });
    promise.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
