/**
 * What the clocks of Redis show, as far as this process can tell from their last answers. Each node
 * of a Cluster has its own, and which node holds a key may change: so there a clock is remembered
 * for each home. It runs, if anything, a little behind, by the time that the answer was on its way.
 */
import { LRUCache } from 'lru-cache';
import type { Clock, Millis } from '../invalidation/clock.ts';

/** More than are looked up between a miss and the write that follows it. */
const HOMES_MAX = 10_000;

export class RedisClocks {
  readonly #clock: Clock;
  readonly #isCluster: boolean;
  /** How far a clock is ahead of ours: that of a home, or the only one. */
  readonly #aheadMs = new LRUCache<string, Millis>({ max: HOMES_MAX });

  constructor({ clock, isCluster }: { clock: Clock; isCluster: boolean }) {
    this.#clock = clock;
    this.#isCluster = isCluster;
  }

  /** `redisNow`: what came with an answer just now. */
  learn(home: string, redisNow: Millis): void {
    this.#aheadMs.set(this.#of(home), redisNow - this.#clock.now());
  }

  /** What the clock of this home shows when ours shows `now`; undefined if it was never learnt. */
  timeOf(home: string, now: Millis): Millis | undefined {
    const aheadMs = this.#aheadMs.get(this.#of(home));
    return aheadMs === undefined ? undefined : now + aheadMs;
  }

  #of(home: string): string {
    return this.#isCluster ? home : '';
  }
}
