/**
 * Tries again for a bounded time what is likely to come right by itself: a service that is still
 * booting when the gateway starts.
 */
import { MessageChannel } from 'node:worker_threads';
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';

export interface Patience {
  /** No further attempt begins later than this. 0: one attempt. */
  readonly forMs: Millis;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/** Thrown by an attempt where trying again would help nothing. */
export class Hopeless extends Error {}

const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 3_000;

/** The first attempt that succeeds, or else the error of the last. */
export async function tryFor<T>(
  { forMs, clock, random, signal }: Patience,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = clock.now() + forMs;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof Hopeless || signal?.aborted) throw error;
      // Half of the delay is chance, so that a fleet which started together does not ask together.
      const jitteredMs = delayMs * (0.5 + random() / 2);
      if (clock.now() + jitteredMs > deadline) throw error;
      await pauseAwake(clock, jitteredMs, signal);
      if (signal?.aborted) throw error;
    }
  }
}

/** The clock's timers keep no process alive, and while it boots there may be nothing else to. */
async function pauseAwake(clock: Clock, delayMs: Millis, signal?: AbortSignal): Promise<void> {
  const { port1 } = new MessageChannel();
  port1.ref();
  try {
    await pause(clock, delayMs, signal);
  } finally {
    port1.close();
  }
}
