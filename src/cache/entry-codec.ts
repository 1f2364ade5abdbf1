/**
 * The bytes of an entry, for a store outside the process. An entry holds times of this process's
 * clock, which mean nothing elsewhere, so the bytes hold durations, as of when they were written;
 * who reads them adds for how long they have lain there.
 *
 * `decodeEntry` never throws, and answers `undefined` for what `encodeEntry` did not write: another
 * version, cut off, lengths that do not add up, tags that are none.
 *
 * | bytes | what |
 * |---|---|
 * | 1 | format version |
 * | 4 | length of all bytes |
 * | 6 | age: how long before the writing the origin began to be read, ms, rounded up |
 * | 6 | what was left of the TTL, ms, rounded down |
 * | 6 | the stale window after that, ms, rounded down |
 * | 1, n | length of the stamp, the stamp in wire form |
 * | 4 | number of tags |
 * | 4, n | for each tag: length, UTF-8 |
 * | rest | the value |
 *
 * Numbers are unsigned, the most significant byte first.
 */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import type { Millis } from '../invalidation/clock.ts';
import { formatPosition, parsePosition } from '../invalidation/position.ts';
import { readTag, type Tag } from '../invalidation/tag.ts';
import { assertEntry, type Entry } from './entry.ts';
import { FORMAT_VERSION } from './key.ts';

const LENGTH_BYTES = 4;
const DURATION_BYTES = 6;
const DURATION_MS_MAX = 2 ** (8 * DURATION_BYTES) - 1;

/** `now`: a reading of the clock that the entry's times are of. */
export function encodeEntry(entry: Entry, now: Millis): Buffer {
  assertEntry(entry);
  const stamp = Buffer.from(formatPosition(entry.stamp), 'latin1');
  assert(parsePosition(stamp.toString('latin1')) === entry.stamp, 'a stamp survives its wire form');
  const tagLengths = entry.tags.map((tag) => {
    assert(readTag(tag) === tag, 'what an entry carries are tags');
    return Buffer.byteLength(tag);
  });
  const tagBytes = tagLengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0);
  const headBytes = 1 + LENGTH_BYTES + 3 * DURATION_BYTES + 1 + stamp.length + LENGTH_BYTES;
  const bytes = Buffer.allocUnsafe(headBytes + tagBytes + entry.value.length);

  let at = bytes.writeUInt8(FORMAT_VERSION, 0);
  at = bytes.writeUInt32BE(bytes.length, at);
  at = writeDuration(bytes, at, Math.ceil(now - entry.readAt));
  at = writeDuration(bytes, at, Math.floor(entry.staleAt - now));
  at = writeDuration(bytes, at, Math.floor(entry.deleteAt - Math.max(now, entry.staleAt)));
  at = bytes.writeUInt8(stamp.length, at);
  at += stamp.copy(bytes, at);
  at = bytes.writeUInt32BE(entry.tags.length, at);
  for (const [index, tag] of entry.tags.entries()) {
    at = bytes.writeUInt32BE(tagLengths[index] as number, at);
    at += bytes.write(tag, at);
  }
  at += entry.value.copy(bytes, at);
  assert(at === bytes.length, 'an entry fills its bytes');
  return bytes;
}

export interface DecodeOptions {
  readonly now: Millis;
  /** For how long the bytes have lain where they were written to. */
  readonly heldMs: Millis;
}

/** The entry's value is a part of `bytes`, not a copy. */
export function decodeEntry(bytes: Buffer, { now, heldMs }: DecodeOptions): Entry | undefined {
  const reader = new Reader(bytes);
  if (reader.number(1) !== FORMAT_VERSION) return undefined;
  if (reader.number(LENGTH_BYTES) !== bytes.length) return undefined;
  const ageMs = reader.number(DURATION_BYTES);
  const ttlLeftMs = reader.number(DURATION_BYTES);
  const staleWindowMs = reader.number(DURATION_BYTES);
  const stamp = parsePosition(reader.text(reader.number(1)) ?? '');
  const tags = reader.tags();
  const value = reader.rest();
  if (stamp === undefined || tags === undefined || value === undefined) return undefined;
  if (!Number.isFinite(heldMs) || heldMs < 0) return undefined;
  const writtenAt = now - heldMs;
  const staleAt = writtenAt + (ttlLeftMs as number);
  const entry: Entry = {
    value,
    tags,
    stamp,
    readAt: writtenAt - (ageMs as number),
    staleAt,
    deleteAt: staleAt + (staleWindowMs as number),
    verifiedAt: stamp,
  };
  assertEntry(entry);
  return entry;
}

function writeDuration(bytes: Buffer, at: number, durationMs: Millis): number {
  const bounded = Math.min(Math.max(0, durationMs), DURATION_MS_MAX);
  return bytes.writeUIntBE(bounded, at, DURATION_BYTES);
}

/** Takes one field after the other; from the first that is not there on, all are undefined. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number(length: number): number | undefined {
    const at = this.#advance(length);
    return at === undefined ? undefined : this.#bytes.readUIntBE(at, length);
  }

  text(length: number | undefined): string | undefined {
    const at = this.#advance(length);
    if (at === undefined) return undefined;
    const part = this.#bytes.subarray(at, this.#at);
    return isUtf8(part) ? part.toString('utf8') : undefined;
  }

  tags(): readonly Tag[] | undefined {
    const count = this.number(LENGTH_BYTES);
    if (count === undefined) return undefined;
    const tags: Tag[] = [];
    for (let index = 0; index < count; index += 1) {
      const text = this.text(this.number(LENGTH_BYTES));
      const tag = text === undefined ? undefined : readTag(text);
      if (tag === undefined) return undefined;
      tags.push(tag);
    }
    return tags;
  }

  rest(): Buffer | undefined {
    return this.#at > this.#bytes.length ? undefined : this.#bytes.subarray(this.#at);
  }

  /** The offset of the next `length` bytes, which are passed. */
  #advance(length: number | undefined): number | undefined {
    const at = this.#at;
    if (length === undefined || at + length > this.#bytes.length) {
      this.#at = Number.POSITIVE_INFINITY;
      return undefined;
    }
    this.#at += length;
    return at;
  }
}
