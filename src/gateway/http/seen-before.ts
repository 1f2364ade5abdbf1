/** What came before, by a checksum of it: mistaken now and then, and never larger than it is. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';

export class SeenBefore {
  readonly #sums: Int32Array;

  /** `slots`: how many are remembered at most, a power of two. */
  constructor(slots: number) {
    assert(slots >= 1 && (slots & (slots - 1)) === 0, 'the slots are a power of two');
    this.#sums = new Int32Array(slots);
  }

  /** Whether it came before; it has now. */
  see(text: string): boolean {
    const sum = crc32(text) | 0;
    const slot = sum & (this.#sums.length - 1);
    if (this.#sums[slot] === sum) return true;
    this.#sums[slot] = sum;
    return false;
  }
}
