/**
 * What the clocks of Redis show, as far as this process can tell from their last answers. Each node
 * of a Cluster has its own, and which node holds a key may change: so a clock is remembered for
 * each home. It runs, if anything, a little behind, by the time that the answer was on its way.
 */
import { LRUCache } from 'lru-cache';
import type { Clock, Millis } from '../invalidation/clock.ts';

/** More than are looked up between a miss and the write that follows it. */
const HOMES_MAX = 10_000;

export class RedisClocks {
  readonly #clock: Clock;
  /** How far a home's clock is ahead of ours. */
  readonly #aheadMs = new LRUCache<string, Millis>({ max: HOMES_MAX });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `time`: the digits that came with an answer just now. Returns them as a number. */
  learn(home: string, time: Buffer): Millis {
    const redisNow = Number(time.toString('latin1'));
    this.#aheadMs.set(home, redisNow - this.#clock.now());
    return redisNow;
  }

  /** What the clock of this home shows when ours shows `now`; undefined if it was never learnt. */
  timeOf(home: string, now: Millis): Millis | undefined {
    const aheadMs = this.#aheadMs.get(home);
    return aheadMs === undefined ? undefined : now + aheadMs;
  }
}
