/**
 * The one rule: an entry may be served if it has not expired and nothing it depends on has been
 * invalidated since its stamp. Asked before a fill is stored or handed to a waiter, when L1 is
 * read, and when L2 is read.
 */
import assert from 'node:assert/strict';
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import type { Entry } from './entry.ts';

export type Verdict =
  | 'current'
  /** Its stamp is later than all this node has heard of: the node cannot tell. */
  | 'ahead'
  /** Something that it depends on was invalidated after its stamp. */
  | 'invalidated'
  /** The log cannot be heard, and it was read longer ago than `maxStalenessMs`. */
  | 'unheard'
  /** Past its TTL, and nothing else speaks against it: what a stale window may stretch. */
  | 'expired';

/** Whether the log is being heard; a follower's view of its own connection. */
export interface Hearing {
  /** True while the node knows of every invalidation up to a moment ago. */
  hears(now: Millis): boolean;
}

export interface FreshnessOptions {
  readonly horizon: Horizon;
  readonly hearing: Hearing;
  readonly clock: Clock;
  /** While the log cannot be heard, nothing read longer ago is served. 0 = nothing at all. */
  readonly maxStalenessMs: Millis;
}

export class Freshness {
  readonly #horizon: Horizon;
  readonly #hearing: Hearing;
  readonly #clock: Clock;
  readonly #maxStalenessMs: Millis;

  constructor({ horizon, hearing, clock, maxStalenessMs }: FreshnessOptions) {
    assert(maxStalenessMs >= 0, 'a bound on staleness is no less than 0 ms');
    this.#horizon = horizon;
    this.#hearing = hearing;
    this.#clock = clock;
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** The rule. An entry found current remembers the position, so that the next check is short. */
  judge(entry: Entry): Verdict {
    const position = this.#horizon.position;
    if (entry.stamp > position) return 'ahead';
    if (this.#horizon.invalidatedSince(entry.verifiedAt, entry.tags)) return 'invalidated';
    entry.verifiedAt = position;
    const now = this.#clock.now();
    if (!this.#hearing.hears(now) && now - entry.readAt >= this.#maxStalenessMs) return 'unheard';
    return now >= entry.staleAt ? 'expired' : 'current';
  }

  /** Of what is current and was used: where its TTL slides, it begins anew. */
  renew(entry: Entry): void {
    if (entry.slideUntil <= entry.staleAt) return;
    const renewed = Math.min(this.#clock.now() + entry.ttlMs, entry.slideUntil);
    entry.staleAt = Math.max(entry.staleAt, renewed);
  }

  isCurrent(entry: Entry): boolean {
    return this.judge(entry) === 'current';
  }
}
