/** Remembers for a while what passed by, in bounded memory: the oldest is forgotten first. */
import type { Clock, Millis } from './clock.ts';
import { FifoMap } from './fifo-map.ts';

export interface RecentlySeenOptions {
  readonly clock: Clock;
  readonly ageMaxMs: Millis;
  readonly entriesMax: number;
}

export class RecentlySeen {
  readonly #options: RecentlySeenOptions;
  /** When each was first seen, in that order. */
  readonly #entries = new FifoMap<string, Millis>();

  constructor(options: RecentlySeenOptions) {
    this.#options = options;
  }

  /** Whether `key` was added before; it is remembered from the first time on. */
  add(key: string): boolean {
    const { clock, ageMaxMs, entriesMax } = this.#options;
    const now = clock.now();
    const seenAt = this.#entries.get(key);
    if (seenAt !== undefined && now - seenAt < ageMaxMs) return true;
    this.#entries.set(key, now);
    if (this.#entries.size > entriesMax) this.#entries.takeOldest();
    return false;
  }
}
