/**
 * Invalidations that are known and have no position yet: they are on their way to the log. Whatever
 * they touch counts as invalidated, whatever its stamp; a node that is ahead of this one may have
 * stamped an old value later than this node could guess.
 */
import assert from 'node:assert/strict';
import { Matching } from './matching.ts';
import type { Pattern } from './pattern.ts';
import type { Purge } from './purge.ts';
import { tagsAbove, type Tag } from './tag.ts';

export class Holds {
  /** How many hold each. */
  readonly #tags = new Map<Tag, number>();
  /** Likewise all that is strictly below a tag. */
  readonly #subtrees = new Map<Tag, number>();
  readonly #patterns = new Set<{ readonly pattern: Pattern }>();
  #all = 0;

  get isEmpty(): boolean {
    const { size } = this.#tags;
    return size + this.#subtrees.size + this.#patterns.size + this.#all === 0;
  }

  /** Returns what ends the hold; calling that again does nothing. */
  add(purges: readonly Purge[]): () => void {
    // The same pattern may be held twice.
    const patterns = purges.flatMap((purge) => (purge.kind === 'pattern' ? { ...purge } : []));
    for (const held of patterns) this.#patterns.add(held);
    for (const purge of purges) this.#addOne(purge);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const held of patterns) this.#patterns.delete(held);
      for (const purge of purges) this.#releaseOne(purge);
    };
  }

  /** Whether any of them is held; where everything is, also what depends on nothing. */
  touches(tags: Iterable<Tag>): boolean {
    if (this.#all > 0) return true;
    const matching = this.#patterns.size > 0 ? new Matching() : undefined;
    for (const tag of tags) if (this.#holdsTag(tag, matching)) return true;
    return false;
  }

  #holdsTag(tag: Tag, matching: Matching | undefined): boolean {
    if (this.#tags.has(tag)) return true;
    const isBelow = (above: Tag): boolean => this.#subtrees.has(above);
    if (this.#subtrees.size > 0 && tagsAbove(tag).some(isBelow)) return true;
    if (matching === undefined) return false;
    for (const { pattern } of this.#patterns) if (matching.matches(pattern, tag)) return true;
    return false;
  }

  #addOne(purge: Purge): void {
    switch (purge.kind) {
      case 'tag':
        return add(this.#tags, purge.tag);
      case 'below':
        return add(this.#subtrees, purge.tag);
      case 'all':
        this.#all += 1;
        return;
      case 'pattern':
        return;
      default:
        purge satisfies never;
    }
  }

  #releaseOne(purge: Purge): void {
    switch (purge.kind) {
      case 'tag':
        return release(this.#tags, purge.tag);
      case 'below':
        return release(this.#subtrees, purge.tag);
      case 'all':
        this.#all -= 1;
        return;
      case 'pattern':
        return;
      default:
        purge satisfies never;
    }
  }
}

function add(held: Map<Tag, number>, tag: Tag): void {
  held.set(tag, (held.get(tag) ?? 0) + 1);
}

function release(held: Map<Tag, number>, tag: Tag): void {
  const count = held.get(tag);
  assert(count !== undefined && count > 0, 'a hold ends once');
  if (count === 1) held.delete(tag);
  else held.set(tag, count - 1);
}
