/**
 * The one rule: an entry may be served if it has not expired and nothing it depends on has been
 * invalidated since its stamp. Asked before a fill is stored or handed to a waiter, when L1 is
 * read, and when L2 is read.
 *
 * The rule takes it that an origin, once it has had something invalidated, shows it as it is now.
 * Where its replicas lag that is not so, and more is asked of a fill: a version that is not lower
 * than was told, or a distance to the last purge.
 */
import assert from 'node:assert/strict';
import type { Clock, Millis } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from './entry.ts';
import type { CachingSwitch } from './caching-switch.ts';
import { SETTLE_MS_MAX, Timeline } from './timeline.ts';

export type Verdict =
  | 'current'
  /** Caching is switched off, for all or for a type that it depends on. */
  | 'off'
  /** Its stamp is later than all this node has heard of: the node cannot tell. */
  | 'ahead'
  /** Something that it depends on was invalidated after its stamp. */
  | 'invalidated'
  /** The log cannot be heard, and it was read longer ago than `maxStalenessMs`. */
  | 'unheard'
  /** Past its TTL, and nothing else speaks against it: what a stale window may stretch. */
  | 'expired';

export type FillVerdict =
  | Verdict
  /** An entity in it is of a lower version than an invalidation has told of. */
  | 'outdated'
  /**
   * It was read so shortly after a purge of one of its tags that a replica may have lagged; or
   * after a node began to listen, and of what was said before nobody may know.
   */
  | 'unsettled';

/** What is asked of a fill besides the rule. */
export interface Evidence {
  /** Of the entities that it shows. */
  readonly versions?: ReadonlyMap<Tag, number>;
  /** How long replicas of the origin may lag: 0, the default, to 60 s. */
  readonly settleMs?: Millis;
  /** When its load began. */
  readonly beganAt: Millis;
}

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
  /** Default: it is always on. */
  readonly caching?: CachingSwitch;
}

export class Freshness {
  readonly #horizon: Horizon;
  readonly #hearing: Hearing;
  readonly #clock: Clock;
  readonly #maxStalenessMs: Millis;
  readonly #caching: CachingSwitch | undefined;
  readonly #timeline: Timeline;

  constructor({ horizon, hearing, clock, maxStalenessMs, caching }: FreshnessOptions) {
    assert(maxStalenessMs >= 0, 'a bound on staleness is no less than 0 ms');
    this.#horizon = horizon;
    this.#hearing = hearing;
    this.#clock = clock;
    this.#maxStalenessMs = maxStalenessMs;
    this.#caching = caching;
    this.#timeline = new Timeline({ clock, horizon });
  }

  /** The rule. An entry found current remembers the position, so that the next check is short. */
  judge(entry: Entry): Verdict {
    if (this.#caching?.stops(entry.tags)) return 'off';
    const position = this.#horizon.position;
    if (entry.stamp > position) return 'ahead';
    if (this.#horizon.invalidatedSince(entry.verifiedAt, entry.tags)) return 'invalidated';
    const now = this.#clock.now();
    // Remembered in the entry, since it is not asked of the time before `verifiedAt` again.
    if (this.#horizon.softenedSince(entry.verifiedAt, entry.tags)) soften(entry, now);
    entry.verifiedAt = position;
    if (!this.#hearing.hears(now) && now - entry.readAt >= this.#maxStalenessMs) return 'unheard';
    return now >= entry.staleAt ? 'expired' : 'current';
  }

  /** The rule, and what else is asked of what has just been read from an origin. */
  judgeFill(entry: Entry, { versions, settleMs = 0, beganAt }: Evidence): FillVerdict {
    assert(settleMs >= 0 && settleMs <= SETTLE_MS_MAX, 'a settle time is 0 to 60 s');
    this.#timeline.note();
    const verdict = this.judge(entry);
    if (verdict !== 'current') return verdict;
    if (versions !== undefined && this.#isOutdated(versions)) return 'outdated';
    if (settleMs === 0) return verdict;
    const settled = this.#timeline.positionAt(beganAt - settleMs);
    const { tags } = entry;
    const isTouched = this.#horizon.silentSince(settled)
      || this.#horizon.invalidatedSince(settled, tags)
      || this.#horizon.softenedSince(settled, tags);
    return isTouched ? 'unsettled' : verdict;
  }

  /**
   * To be called when the position moved: settle times are then counted from that moment. Without
   * it they are counted from the next fill, so that more is refused.
   */
  positionMoved(): void {
    this.#timeline.note();
  }

  #isOutdated(versions: ReadonlyMap<Tag, number>): boolean {
    for (const [tag, version] of versions) {
      const least = this.#horizon.versionOf(tag);
      if (least !== undefined && version < least) return true;
    }
    return false;
  }

  /** Of what is current and was used: where its TTL slides, it begins anew. */
  renew(entry: Entry): void {
    if (entry.slideUntil <= entry.staleAt) return;
    const renewed = Math.min(Math.floor(this.#clock.now()) + entry.ttlMs, entry.slideUntil);
    entry.staleAt = Math.max(entry.staleAt, renewed);
  }

  isCurrent(entry: Entry): boolean {
    return this.judge(entry) === 'current';
  }
}

/** Its TTL is over, and no use renews it; its stale windows begin. */
function soften(entry: Entry, now: Millis): void {
  entry.staleAt = Math.max(entry.readAt, Math.min(entry.staleAt, Math.floor(now)));
}
