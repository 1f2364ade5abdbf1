/**
 * A table that forgets what was not used of late, and never holds more than `bytesMax`. It keeps
 * two generations: what is used stays in the young one, and when that is full the old one goes. A
 * look-up costs one Map and moves nothing, which is what a list in order of use costs each time.
 */
import assert from 'node:assert/strict';
import { ownText } from '../../invalidation/own-text.ts';

export interface RecentTableOptions {
  /** Of all names with what stands under them, as reckoned here. */
  readonly bytesMax: number;
  /** Of one name; a longer one is not held. */
  readonly nameLengthMax: number;
}

/** The string's header, the slots in a Map that is half empty, and a small object. */
const OVERHEAD_BYTES = 300;

export class RecentTable<Value> {
  readonly #nameLengthMax: number;
  /** Of one generation. */
  readonly #bytesMax: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor({ bytesMax, nameLengthMax }: RecentTableOptions) {
    this.#bytesMax = bytesMax / 2;
    this.#nameLengthMax = nameLengthMax;
    assert(costOf(nameLengthMax) <= this.#bytesMax, 'a generation holds at least one name');
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  get(name: string): Value | undefined {
    const value = this.#young.get(name);
    if (value !== undefined) return value;
    const older = this.#old.get(name);
    if (older !== undefined) this.set(name, older);
    return older;
  }

  set(name: string, value: Value): void {
    if (name.length > this.#nameLengthMax) return;
    this.delete(name);
    const cost = costOf(name.length);
    if (this.#youngBytes + cost > this.#bytesMax) this.#age();
    this.#young.set(ownText(name), value);
    this.#youngBytes += cost;
  }

  delete(name: string): void {
    const cost = costOf(name.length);
    if (this.#young.delete(name)) this.#youngBytes -= cost;
    if (this.#old.delete(name)) this.#oldBytes -= cost;
  }

  clear(): void {
    this.#age();
    this.#age();
  }

  #age(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

function costOf(nameLength: number): number {
  return OVERHEAD_BYTES + nameLength;
}
