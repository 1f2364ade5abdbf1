/**
 * Gives equal tags one string, so that what many entries carry is held once: a tag comes out of
 * each answer as a string of its own. It promises to hold no more than two generations of tags;
 * one that was asked for in neither of them is a string of its own again, which costs memory only.
 */
import { ownText } from '../invalidation/own-text.ts';
import type { Tag } from '../invalidation/tag.ts';

/** Some 100 B each. Tags of many entries are asked for again long before as many others were. */
const GENERATION_MAX = 50_000;
/** Of their texts: ids may be long. */
const GENERATION_LENGTH_MAX = 64 * GENERATION_MAX;

export class TagTable {
  #young = new Map<Tag, Tag>();
  #old = new Map<Tag, Tag>();
  #youngLength = 0;

  /** The same tags, in an array of exactly their number. */
  intern(tags: readonly Tag[]): readonly Tag[] {
    return tags.map((tag) => this.#one(tag));
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#youngLength = 0;
  }

  #one(tag: Tag): Tag {
    const young = this.#young.get(tag);
    if (young !== undefined) return young;
    if (this.#young.size >= GENERATION_MAX || this.#youngLength >= GENERATION_LENGTH_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngLength = 0;
    }
    this.#youngLength += tag.length;
    const known = this.#old.get(tag) ?? (ownText(tag) as Tag);
    this.#young.set(known, known);
    return known;
  }
}
