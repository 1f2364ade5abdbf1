/**
 * An entry of a small value, as it is held in memory: the bytes are a text of V8's own, one
 * character for each. What a Buffer takes beside its bytes is more than most small values are.
 */
import type { Millis } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from './entry.ts';

/** Larger values are better off outside the heap, which V8 bounds for itself. */
export const COMPACT_BYTES_MAX = 512;

export class CompactEntry implements Entry {
  /** Made anew each time: who wants it often keeps a copy, since it may share its memory. */
  declare readonly value: Buffer;
  readonly digest: string | undefined;
  readonly tags: readonly Tag[];
  readonly stamp: Position;
  readonly readAt: Millis;
  staleAt: Millis;
  readonly ttlMs: Millis;
  readonly slideUntil: Millis;
  readonly staleWhileRevalidateMs: Millis;
  readonly staleIfErrorMs: Millis;
  readonly loadMs: Millis;
  verifiedAt: Position;
  readonly #text: string;

  constructor(entry: Entry, tags: readonly Tag[]) {
    this.#text = entry.value.toString('latin1');
    this.digest = entry.digest;
    this.tags = tags;
    this.stamp = entry.stamp;
    this.readAt = entry.readAt;
    this.staleAt = entry.staleAt;
    this.ttlMs = entry.ttlMs;
    this.slideUntil = entry.slideUntil;
    this.staleWhileRevalidateMs = entry.staleWhileRevalidateMs;
    this.staleIfErrorMs = entry.staleIfErrorMs;
    this.loadMs = entry.loadMs;
    this.verifiedAt = entry.verifiedAt;
    // A property of its own, so that a copy by `...` has it as well.
    Object.defineProperty(this, 'value', CompactEntry.#VALUE);
  }

  static readonly #VALUE: PropertyDescriptor & ThisType<CompactEntry> = {
    enumerable: true,
    get() {
      return Buffer.from(this.#text, 'latin1');
    },
  };
}
