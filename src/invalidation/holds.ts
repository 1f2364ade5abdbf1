/**
 * Invalidations that are known and have no position yet: they are on their way to the log. Whatever
 * they touch counts as invalidated, whatever its stamp; a node that is ahead of this one may have
 * stamped an old value later than this node could guess.
 */
import assert from 'node:assert/strict';
import { Matching } from './matching.ts';
import type { Pattern } from './pattern.ts';
import type { Purge } from './purge.ts';
import { keyBelow, keysAbove, type Tag } from './tag.ts';

export class Holds {
  /** How many hold a tag, or a tag and `:*` for all below it. */
  readonly #keys = new Map<string, number>();
  readonly #patterns = new Set<{ readonly pattern: Pattern }>();
  #all = 0;

  get isEmpty(): boolean {
    return this.#all === 0 && this.#keys.size === 0 && this.#patterns.size === 0;
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
    if (this.#keys.has(tag)) return true;
    if (this.#keys.size > 0 && keysAbove(tag).some((key) => this.#keys.has(key))) return true;
    if (matching === undefined) return false;
    for (const { pattern } of this.#patterns) if (matching.matches(pattern, tag)) return true;
    return false;
  }

  #addOne(purge: Purge): void {
    switch (purge.kind) {
      case 'tag':
        return this.#addKey(purge.tag);
      case 'below':
        return this.#addKey(keyBelow(purge.tag));
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
        return this.#releaseKey(purge.tag);
      case 'below':
        return this.#releaseKey(keyBelow(purge.tag));
      case 'all':
        this.#all -= 1;
        return;
      case 'pattern':
        return;
      default:
        purge satisfies never;
    }
  }

  #addKey(key: string): void {
    this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1);
  }

  #releaseKey(key: string): void {
    const count = this.#keys.get(key);
    assert(count !== undefined && count > 0, 'a hold ends once');
    if (count === 1) this.#keys.delete(key);
    else this.#keys.set(key, count - 1);
  }
}
