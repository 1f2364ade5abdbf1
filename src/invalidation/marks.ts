/**
 * When each tag was last purged, and a floor below which that is not remembered. It does no I/O and
 * reads no clock.
 *
 * It promises: after `mark` returned, `touchedSince` is true for everything that the purge touches
 * and that was read before. It may say so of more (a limit was reached), never of less.
 */
import assert from 'node:assert/strict';
import { MarkTable } from './mark-table.ts';
import { Matching } from './matching.ts';
import type { Pattern } from './pattern.ts';
import { latest, ORIGIN, type Position } from './position.ts';
import type { Purge } from './purge.ts';
import { tagsAbove, type Tag } from './tag.ts';

export interface MarksLimits {
  /** Tags and subtrees whose last purge is remembered. */
  readonly marksMax: number;
  /** Patterns that are remembered as such. */
  readonly patternsMax: number;
}

/**
 * Of all remembered patterns together, as `Pattern.cost`: what an entry is checked against, tag by
 * tag, when the first of them is new to it.
 */
const PATTERNS_COST_MAX = 384;
/** Of the text of a tag, for each mark that there may be: who asks may choose long ids. */
const MARK_LENGTH = 128;

export class Marks {
  readonly #marksMax: number;
  readonly #patternsMax: number;
  #floor = ORIGIN;
  #floorRaises = 0;
  /** The latest position at which anything was purged: the one comparison of a quiet cache. */
  #latest = ORIGIN;
  #latestBelow = ORIGIN;
  #latestPattern = ORIGIN;
  readonly #tags = new MarkTable();
  /** By the tag that all of one is strictly below. */
  readonly #subtrees = new MarkTable();
  /** Of the texts of both. */
  #length = 0;
  #patternsCost = 0;
  readonly #patterns: { readonly pattern: Pattern; readonly at: Position }[] = [];

  constructor({ marksMax, patternsMax }: MarksLimits) {
    assert(marksMax >= 1 && patternsMax >= 1, 'a horizon remembers at least one of each');
    this.#marksMax = marksMax;
    this.#patternsMax = patternsMax;
  }

  /** Anything stamped below it counts as purged. */
  get floor(): Position {
    return this.#floor;
  }

  get floorRaises(): number {
    return this.#floorRaises;
  }

  /** How many tags, subtrees and patterns are remembered. */
  get size(): number {
    return this.#tags.size + this.#subtrees.size + this.#patterns.length;
  }

  mark(position: Position, purge: Purge): void {
    this.#latest = latest(this.#latest, position);
    switch (purge.kind) {
      case 'tag':
        return this.#remember(this.#tags, purge.tag, position);
      case 'below':
        this.#latestBelow = latest(this.#latestBelow, position);
        return this.#remember(this.#subtrees, purge.tag, position);
      case 'all':
        return this.raiseFloor(position);
      case 'pattern':
        return this.#rememberPattern(purge.pattern, position);
      default:
        purge satisfies never;
    }
  }

  raiseFloor(position: Position): void {
    if (position > this.#floor) this.#floorRaises += 1;
    this.#floor = latest(this.#floor, position);
    this.#latest = latest(this.#latest, this.#floor);
  }

  /** Whether any of `tags` was purged after `since`, or that is not remembered. */
  touchedSince(since: Position, tags: Iterable<Tag>): boolean {
    if (since >= this.#latest) return false;
    if (since < this.#floor) return true;
    const matching = this.#latestPattern > since ? new Matching() : undefined;
    for (const tag of tags) if (this.#tagTouchedSince(since, tag, matching)) return true;
    return false;
  }

  assertInvariants(): void {
    const isBounded = !this.#isFullOfMarks() && this.#patterns.length <= this.#patternsMax;
    assert(isBounded && this.#floor <= this.#latest, 'limits hold, and a raised floor is a purge');
  }

  #remember(table: MarkTable, tag: Tag, position: Position): void {
    if (table.mark(tag, position)) this.#length += tag.length;
    while (this.#isFullOfMarks()) this.#forgetOldestMark();
  }

  #isFullOfMarks(): boolean {
    const size = this.#tags.size + this.#subtrees.size;
    return size > this.#marksMax || this.#length > MARK_LENGTH * this.#marksMax;
  }

  #rememberPattern(pattern: Pattern, position: Position): void {
    this.#latestPattern = latest(this.#latestPattern, position);
    const known = this.#patterns.findIndex((other) => other.pattern.text === pattern.text);
    const [same] = known === -1 ? [] : this.#patterns.splice(known, 1);
    if (same === undefined) {
      this.#patternsCost += pattern.cost;
      while (this.#patterns.length > 0 && this.#isFullOfPatterns()) this.#forgetOldestPattern();
    }
    this.#patterns.push({ pattern, at: latest(same?.at ?? position, position) });
  }

  #isFullOfPatterns(): boolean {
    return this.#patterns.length >= this.#patternsMax || this.#patternsCost > PATTERNS_COST_MAX;
  }

  #forgetOldestPattern(): void {
    const oldest = this.#patterns.shift();
    assert(oldest !== undefined, 'there is an oldest one');
    this.#patternsCost -= oldest.pattern.cost;
    this.raiseFloor(oldest.at);
  }

  #forgetOldestMark(): void {
    const [at, below] = [this.#tags.oldest, this.#subtrees.oldest];
    const isOfTags = at !== undefined && (below === undefined || at <= below);
    const { key, position } = (isOfTags ? this.#tags : this.#subtrees).removeOldest();
    this.#length -= key.length;
    this.raiseFloor(position);
  }

  #tagTouchedSince(since: Position, tag: Tag, matching: Matching | undefined): boolean {
    if (isAfter(this.#tags.positionOf(tag), since)) return true;
    const isBelow = (above: Tag): boolean => isAfter(this.#subtrees.positionOf(above), since);
    if (this.#latestBelow > since && tagsAbove(tag).some(isBelow)) return true;
    if (matching === undefined) return false;
    return this.#patterns.some(({ pattern, at }) => at > since && matching.matches(pattern, tag));
  }
}

function isAfter(at: Position | undefined, since: Position): boolean {
  return at !== undefined && at > since;
}
