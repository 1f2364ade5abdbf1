/**
 * Requests by all of their bytes. Many never come again as they were, since a header tells each
 * from the others: so a request is kept when it comes for the second time, and of the first time
 * only a checksum is remembered. Where two have the same one, the other is kept too early, and
 * nothing else.
 */
import { RecentTable } from '../http/recent-table.ts';
import { WIRE_LENGTH_MAX } from '../http/repeat.ts';
import { SeenBefore } from '../http/seen-before.ts';

/** Requests that came once. */
const ONCE_MAX = 32_768;

export class WireTable<Value> {
  readonly #kept: RecentTable<Value>;
  readonly #once = new SeenBefore(ONCE_MAX);

  constructor(bytesMax: number) {
    this.#kept = new RecentTable({ bytesMax, nameLengthMax: WIRE_LENGTH_MAX });
  }

  get bytes(): number {
    return this.#kept.bytes;
  }

  get(wire: string): Value | undefined {
    return this.#kept.get(wire);
  }

  offer(wire: string, make: () => Value): void {
    if (this.#once.see(wire)) this.#kept.set(wire, make());
  }

  delete(wire: string): void {
    this.#kept.delete(wire);
  }

  clear(): void {
    this.#kept.clear();
  }
}
