/**
 * What a node remembers of the log: how far it has read, when each tag was last invalidated, and a
 * floor below which it remembers nothing. It does no I/O and reads no clock.
 *
 * It promises: after `advance` or `mark` returned, `invalidatedSince` is true for everything that
 * the record makes stale and that was read before. It may say so of more (a limit was reached, the
 * log had a gap), never of less: what we forget, we invalidate.
 */
import assert from 'node:assert/strict';
import { Holds } from './holds.ts';
import type { Pattern } from './pattern.ts';
import { latest, ORIGIN, successor, type Position } from './position.ts';
import type { Purge } from './purge.ts';
import { keyBelow, keysAbove, type Tag } from './tag.ts';

export interface HorizonLimits {
  /** Tags and subtrees whose last invalidation is remembered. Default 500,000, some 140 B each. */
  readonly marksMax?: number;
  /** Patterns that are remembered as such. Each costs a match for each tag checked. Default 128. */
  readonly patternsMax?: number;
}

export class Horizon {
  readonly #marksMax: number;
  readonly #patternsMax: number;
  #position = ORIGIN;
  #floor = ORIGIN;
  /** The latest position at which anything was invalidated: the one comparison of a quiet cache. */
  #latestMark = ORIGIN;
  #latestBelow = ORIGIN;
  #latestPattern = ORIGIN;
  /** A tag, or a tag and `:*` for all below it. In the order of the last invalidation. */
  readonly #marks = new Map<string, Position>();
  readonly #holds = new Holds();
  readonly #patterns: { readonly pattern: Pattern; readonly at: Position }[] = [];

  constructor({ marksMax = 500_000, patternsMax = 128 }: HorizonLimits = {}) {
    assert(marksMax >= 1 && patternsMax >= 1, 'a horizon remembers at least one of each');
    this.#marksMax = marksMax;
    this.#patternsMax = patternsMax;
  }

  /** Every record up to here has been applied. The stamp of a read that begins now. */
  get position(): Position {
    return this.#position;
  }

  /** Anything stamped below it counts as invalidated. */
  get floor(): Position {
    return this.#floor;
  }

  /** How many tags, subtrees and patterns are remembered. */
  get size(): number {
    return this.#marks.size + this.#patterns.length;
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
    for (const purge of purges) this.#markOne(position, purge);
    this.assertInvariants();
  }

  /**
   * As `mark`, for an invalidation that is on its way to the log: until the returned function is
   * called, what it touches counts as invalidated, whatever its stamp. `mark` it first, at the
   * position that it got.
   */
  hold(purges: readonly Purge[]): () => void {
    return this.#holds.add(purges);
  }

  /** As `mark`, for an invalidation whose position is not known. */
  markNow(purges: readonly Purge[]): void {
    this.mark(successor(this.#position), purges);
  }

  /**
   * Records may be missing before `end`: everything read so far counts as invalidated. The position
   * only ever becomes one of the log's own, since a stamp that was made up could be that of a later
   * record. So should `end` not be beyond the position, which a log promises, what is read counts
   * as invalidated until the next record.
   */
  forget(end: Position): void {
    this.#raiseFloor(latest(end, successor(this.#position)));
    this.#position = latest(end, this.#position);
    this.assertInvariants();
  }

  /**
   * Whether any of `tags` was invalidated after `since`: the stamp of an entry, or the position at
   * which it was last found current.
   */
  invalidatedSince(since: Position, tags: Iterable<Tag>): boolean {
    if (since < this.#floor) return true;
    if (!this.#holds.isEmpty && this.#isHeld(tags)) return true;
    if (since >= this.#latestMark) return false;
    return some(tags, (tag) => this.#tagInvalidatedSince(since, tag));
  }

  assertInvariants(): void {
    assert(this.#marks.size <= this.#marksMax && this.#patterns.length <= this.#patternsMax);
    assert(this.#floor <= this.#latestMark, 'a raised floor is an invalidation');
  }

  #isHeld(tags: Iterable<Tag>): boolean {
    return this.#holds.touchesAll || some(tags, (tag) => this.#holds.touches(tag));
  }

  #markOne(position: Position, purge: Purge): void {
    this.#latestMark = latest(this.#latestMark, position);
    switch (purge.kind) {
      case 'tag':
        return this.#remember(purge.tag, position);
      case 'below':
        this.#latestBelow = latest(this.#latestBelow, position);
        return this.#remember(keyBelow(purge.tag), position);
      case 'all':
        return this.#raiseFloor(position);
      case 'pattern':
        return this.#rememberPattern(purge.pattern, position);
      default:
        purge satisfies never;
    }
  }

  #remember(key: string, position: Position): void {
    const before = this.#marks.get(key);
    if (before !== undefined) {
      if (before >= position) return;
      this.#marks.delete(key);
    }
    this.#marks.set(key, position);
    if (this.#marks.size > this.#marksMax) this.#forgetOldestMark();
  }

  #rememberPattern(pattern: Pattern, position: Position): void {
    this.#latestPattern = latest(this.#latestPattern, position);
    const known = this.#patterns.findIndex((other) => other.pattern.text === pattern.text);
    const oldest = known === -1 && this.#patterns.length === this.#patternsMax;
    const [dropped] = oldest || known !== -1 ? this.#patterns.splice(oldest ? 0 : known, 1) : [];
    if (oldest && dropped !== undefined) this.#raiseFloor(dropped.at);
    const at = known === -1 || dropped === undefined ? position : latest(dropped.at, position);
    this.#patterns.push({ pattern, at });
  }

  #forgetOldestMark(): void {
    for (const [key, at] of this.#marks) {
      this.#marks.delete(key);
      this.#raiseFloor(at);
      return;
    }
  }

  #raiseFloor(position: Position): void {
    this.#floor = latest(this.#floor, position);
    this.#latestMark = latest(this.#latestMark, this.#floor);
  }

  #tagInvalidatedSince(since: Position, tag: Tag): boolean {
    if (this.#after(since, tag)) return true;
    if (this.#latestBelow > since && keysAbove(tag).some((key) => this.#after(since, key))) {
      return true;
    }
    if (this.#latestPattern <= since) return false;
    return this.#patterns.some(({ pattern, at }) => at > since && pattern.matches(tag));
  }

  #after(since: Position, key: string): boolean {
    const at = this.#marks.get(key);
    return at !== undefined && at > since;
  }
}

function some<T>(values: Iterable<T>, test: (value: T) => boolean): boolean {
  for (const value of values) if (test(value)) return true;
  return false;
}
