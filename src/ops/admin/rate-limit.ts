/** So many requests a minute of each name, in bounded memory; a whole minute's may come at once. */
import { LRUCache } from 'lru-cache';
import type { Clock, Millis } from '../../invalidation/clock.ts';

export interface RateLimitOptions {
  readonly clock: Clock;
  readonly perMinuteMax: number;
}

/** Beyond it, whoever has not asked for longest has all of a minute's requests again. */
const NAMES_MAX = 10_000;
const MINUTE_MS: Millis = 60_000;

export class RateLimit {
  readonly #options: RateLimitOptions;
  /** What each had left, and when. */
  readonly #left = new LRUCache<string, { readonly requests: number; readonly at: Millis }>({
    max: NAMES_MAX,
  });

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  get perMinuteMax(): number {
    return this.#options.perMinuteMax;
  }

  /** Takes one request; false where there is none left. */
  take(name: string): boolean {
    const { clock, perMinuteMax } = this.#options;
    const now = clock.now();
    const last = this.#left.get(name) ?? { requests: perMinuteMax, at: now };
    const regained = ((now - last.at) * perMinuteMax) / MINUTE_MS;
    const requests = Math.min(perMinuteMax, last.requests + regained);
    const isEnough = requests >= 1;
    this.#left.set(name, { requests: isEnough ? requests - 1 : requests, at: now });
    return isEnough;
  }
}
