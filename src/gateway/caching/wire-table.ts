/**
 * Requests by all of their bytes. Many never come again as they were, since a header tells each
 * from the others: so a request is kept when it comes for the second time, and of the first time
 * only a checksum is remembered. Where two have the same one, the other is kept too early, and
 * nothing else.
 */
import { crc32 } from 'node:zlib';
import { RecentTable } from '../http/recent-table.ts';

/** As much as a connection hands over. */
const LENGTH_MAX = 16 * 1024;
/** A power of two. */
const SLOTS = 32_768;

export class WireTable<Value> {
  readonly #kept: RecentTable<Value>;
  readonly #once = new Int32Array(SLOTS);

  constructor(bytesMax: number) {
    this.#kept = new RecentTable({ bytesMax, nameLengthMax: LENGTH_MAX });
  }

  get bytes(): number {
    return this.#kept.bytes;
  }

  get(wire: string): Value | undefined {
    return this.#kept.get(wire);
  }

  offer(wire: string, make: () => Value): void {
    const sum = crc32(wire) | 0;
    const slot = sum & (SLOTS - 1);
    if (this.#once[slot] === sum) this.#kept.set(wire, make());
    else this.#once[slot] = sum;
  }

  delete(wire: string): void {
    this.#kept.delete(wire);
  }

  clear(): void {
    this.#kept.clear();
  }
}
