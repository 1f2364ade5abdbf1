/**
 * A Map that gives up its oldest key at once. A Map alone passes over the places of all keys that
 * were removed since it last moved its memory, thousands of them, each time that it is asked which
 * key is first: 10 us where it holds 10,000, and 90 us where it holds 100,000. This one asks on
 * where it left off.
 */
import assert from 'node:assert/strict';

export class FifoMap<Key, Value> {
  readonly #entries = new Map<Key, Value>();
  /** Behind all keys that were given up; one that is set anew comes up again. */
  #oldest: Iterator<[Key, Value]> | undefined;
  /** Since the last key was given up. */
  #changes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  /** As the newest, also where it was there. */
  set(key: Key, value: Value): void {
    const { size } = this.#entries;
    this.#entries.set(key, value);
    // Most are new, and at the end as they are.
    if (this.#entries.size === size) {
      this.#entries.delete(key);
      this.#entries.set(key, value);
    }
    this.#change();
  }

  delete(key: Key): void {
    if (this.#entries.delete(key)) this.#change();
  }

  /** Removes it; there has to be one. */
  takeOldest(): readonly [Key, Value] {
    assert(this.#entries.size > 0, 'there is an oldest one');
    this.#oldest ??= this.#entries.entries();
    this.#changes = 0;
    const oldest = this.#oldest.next().value as [Key, Value];
    this.#entries.delete(oldest[0]);
    return oldest;
  }

  clear(): void {
    this.#entries.clear();
    this.#oldest = undefined;
  }

  /** An iterator that nobody asks keeps all the memory that its Map has moved out of since. */
  #change(): void {
    this.#changes += 1;
    if (this.#changes > this.#entries.size) this.#oldest = undefined;
  }
}
