/** The clock of the page: as the system's, without what only Node has. */
import type { Clock } from '../../invalidation/clock.ts';

export const browserClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};
