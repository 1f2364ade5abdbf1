/** Remembers for a while what passed by, in bounded memory: the oldest is forgotten first. */
import type { Clock, Millis } from './clock.ts';

export interface RecentlySeenOptions {
  readonly clock: Clock;
  readonly ageMaxMs: Millis;
  readonly entriesMax: number;
}

export class RecentlySeen {
  readonly #options: RecentlySeenOptions;
  /** In the order in which they were first seen. */
  readonly #entries = new Map<string, Millis>();

  constructor(options: RecentlySeenOptions) {
    this.#options = options;
  }

  /** Whether `key` was added before; it is remembered from the first time on. */
  add(key: string): boolean {
    const { clock, ageMaxMs, entriesMax } = this.#options;
    const now = clock.now();
    for (const [oldest, seenAt] of this.#entries) {
      if (now - seenAt < ageMaxMs) break;
      this.#entries.delete(oldest);
    }
    if (this.#entries.has(key)) return true;
    this.#entries.set(key, now);
    if (this.#entries.size > entriesMax) {
      const [first] = this.#entries.keys();
      this.#entries.delete(first as string);
    }
    return false;
  }
}
