/**
 * What a node remembers of the log: how far it has read, when each tag was last invalidated, and a
 * floor below which it remembers nothing; apart from that, when each was last softened, by a purge
 * that only ends a TTL; and versions of entities. It does no I/O and reads no clock.
 *
 * It promises: after `advance` or `mark` returned, `invalidatedSince` is true for everything that
 * the record makes stale and that was read before. It may say so of more (a limit was reached, the
 * log had a gap), never of less: what we forget, we invalidate. The same holds of `softenedSince`,
 * and neither is moved by what is told of the other.
 */
import { Holds } from './holds.ts';
import { Marks } from './marks.ts';
import { latest, ORIGIN, successor, type Position } from './position.ts';
import type { Purge } from './purge.ts';
import type { Tag } from './tag.ts';
import { Versions } from './versions.ts';

export interface HorizonLimits {
  /**
   * Tags and subtrees whose last invalidation is remembered, and as many of soft purges. Default
   * 500,000, some 140 B each.
   */
  readonly marksMax?: number;
  /** Patterns that are remembered as such. Each costs a match for each tag checked. Default 128. */
  readonly patternsMax?: number;
  /** Entities whose version is remembered. Default 100,000, some 140 B each. */
  readonly versionsMax?: number;
}

export class Horizon {
  #position = ORIGIN;
  /** Counted when it is asked for, which in a storm is often. */
  #next = ORIGIN;
  /** Up to here something may have been said on the channel that no node has heard. */
  #silentUntil = ORIGIN;
  readonly #hard: Marks;
  readonly #soft: Marks;
  readonly #holds = new Holds();
  readonly #versions: Versions;

  constructor(limits: HorizonLimits = {}) {
    const { marksMax = 500_000, patternsMax = 128, versionsMax = 100_000 } = limits;
    this.#hard = new Marks({ marksMax, patternsMax });
    this.#soft = new Marks({ marksMax, patternsMax });
    this.#versions = new Versions(versionsMax);
  }

  /** Every record up to here has been applied. The stamp of a read that begins now. */
  get position(): Position {
    return this.#position;
  }

  /** The least position after that one. */
  get next(): Position {
    if (this.#next <= this.#position) this.#next = successor(this.#position);
    return this.#next;
  }

  /** Anything stamped below it counts as invalidated. */
  get floor(): Position {
    return this.#hard.floor;
  }

  /** Times that it has risen: by a gap in the log, to make room, or to purge everything. */
  get floorRaises(): number {
    return this.#hard.floorRaises;
  }

  /** How many tags, subtrees and patterns are remembered. */
  get size(): number {
    return this.#hard.size + this.#soft.size;
  }

  /** Entities whose version was dropped to make room. */
  get versionsDropped(): number {
    return this.#versions.dropped;
  }

  /** Applies the next record of the log. One that was applied before changes nothing. */
  advance(position: Position, purges: readonly Purge[]): void {
    if (position <= this.#position) return;
    this.mark(position, purges);
    this.#position = position;
  }

  /**
   * Applies an invalidation ahead of its turn: one that this node appended itself, or heard on the
   * channel. Until the log has been followed to `position`, what it touches is not served from the
   * cache, since no stamp can be that late.
   */
  mark(position: Position, purges: readonly Purge[]): void {
    for (const purge of purges) {
      const marks = purge.soft === true ? this.#soft : this.#hard;
      marks.mark(position, purge);
      marks.assertInvariants();
      if (purge.kind === 'tag' && purge.version !== undefined) {
        this.#versions.learn(purge.tag, purge.version);
      }
    }
  }

  /**
   * As `mark`, for an invalidation that is on its way to the log: until the returned function is
   * called, what it touches counts as invalidated, whatever its stamp. `mark` it first, at the
   * position that it got. Soft purges, by which nothing has to become invisible, hold nothing.
   */
  hold(purges: readonly Purge[]): () => void {
    return this.#holds.add(purges.filter(({ soft }) => soft !== true));
  }

  /** As `mark`, for an invalidation whose position is not known. */
  markNow(purges: readonly Purge[]): void {
    this.mark(this.next, purges);
  }

  /**
   * Records may be missing before `end`: everything read so far counts as invalidated. The position
   * only ever becomes one of the log's own, since a stamp that was made up could be that of a later
   * record. So should `end` not be beyond the position, which a log promises, what is read counts
   * as invalidated until the next record.
   */
  forget(end: Position): void {
    this.#hard.raiseFloor(latest(end, this.next));
    this.#position = latest(end, this.#position);
    this.assertInvariants();
  }

  /**
   * A node began to listen to the channel at `position`. What was said there before, perhaps nobody
   * has heard, and a read that began later shows what has changed; but not that of a replica that
   * lags.
   */
  silentUntil(position: Position): void {
    this.#silentUntil = latest(this.#silentUntil, position);
  }

  /** Whether something may have been invalidated after `since` that this node cannot know. */
  silentSince(since: Position): boolean {
    return this.#silentUntil > since;
  }

  /**
   * Whether any of `tags` was invalidated after `since`: the stamp of an entry, or the position at
   * which it was last found current.
   */
  invalidatedSince(since: Position, tags: Iterable<Tag>): boolean {
    if (!this.#holds.isEmpty && (since < this.floor || this.#holds.touches(tags))) return true;
    return this.#hard.touchedSince(since, tags);
  }

  /** Whether any of `tags` was purged softly after `since`: its TTL is over. */
  softenedSince(since: Position, tags: Iterable<Tag>): boolean {
    return this.#soft.touchedSince(since, tags);
  }

  /** The highest version of the entity that an invalidation told of, as far as is remembered. */
  versionOf(tag: Tag): number | undefined {
    return this.#versions.of(tag);
  }

  assertInvariants(): void {
    this.#hard.assertInvariants();
    this.#soft.assertInvariants();
  }
}
