/**
 * An entry as it is held in memory where its bytes are a text of V8's own, one character for each.
 * What a Buffer takes beside its bytes is more than most small values are, and takes longer to be
 * made and collected than those bytes to be copied.
 */
import type { Millis } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from './entry.ts';

/**
 * Of a value that is sent as it is: whoever sends it often keeps a copy, which is to be bounded by
 * what is reckoned for the head of an answer.
 */
const SENT_BYTES_MAX = 512;
/** Of one that is read here alone. Larger ones are better off outside the heap. */
const READ_BYTES_MAX = 16 * 1024;

export function isCompact({ value, digest, encoded }: Entry): boolean {
  const bytesMax = digest === undefined ? READ_BYTES_MAX : SENT_BYTES_MAX;
  return value.byteLength <= bytesMax && encoded === undefined;
}

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
