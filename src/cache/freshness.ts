/**
 * The one rule: an entry may be served if it has not expired and nothing it depends on has been
 * invalidated since its stamp. Asked before a fill is stored or handed to a waiter, when L1 is
 * read, and when L2 is read.
 */
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import type { Entry } from './entry.ts';

export type Verdict =
  | 'current'
  /** Past its TTL. */
  | 'expired'
  /** Something that it depends on was invalidated after its stamp. */
  | 'invalidated'
  /** Its stamp is later than all this node has heard of: the node cannot tell. */
  | 'ahead'
  /** The log cannot be heard, and it was read longer ago than `maxStalenessMs`. */
  | 'unheard';

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
    this.#horizon = horizon;
    this.#hearing = hearing;
    this.#clock = clock;
    this.#maxStalenessMs = maxStalenessMs;
  }

  /** The rule. An entry found current remembers the position, so that the next check is short. */
  judge(entry: Entry): Verdict {
    const now = this.#clock.now();
    if (now >= entry.staleAt) return 'expired';
    if (entry.stamp > this.#horizon.position) return 'ahead';
    if (this.#horizon.invalidatedSince(entry.verifiedAt, entry.tags)) return 'invalidated';
    if (!this.#hearing.hears(now) && now - entry.readAt >= this.#maxStalenessMs) return 'unheard';
    entry.verifiedAt = this.#horizon.position;
    return 'current';
  }

  isCurrent(entry: Entry): boolean {
    return this.judge(entry) === 'current';
  }
}
