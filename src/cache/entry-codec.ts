/**
 * The bytes of an entry, for a store outside the process. An entry holds times of this process's
 * clock, which mean nothing elsewhere, so the bytes hold durations, as of when they were written;
 * who reads them adds for how long they have lain there.
 *
 * `decodeEntry` never throws, and answers `undefined` for what `encodeEntry` did not write: another
 * version, cut off, lengths that do not add up, tags that are none. Who knows older versions alone
 * takes what is of a later one for none: it is loaded then, as what is not there.
 *
 * | bytes | what |
 * |---|---|
 * | 1 | format version: 2; 3 where the value is packed; 4 and 5 likewise, with a digest |
 * | 4 | length of all bytes |
 * | 6 | age: how long before the writing the origin began to be read, ms, rounded up |
 * | 6 | what was left of the TTL, ms, rounded down, as all that follow |
 * | 6 | what was left until no use renews the TTL any more |
 * | 6 | what a use renews the TTL to |
 * | 6 | the window after the TTL in which it is served while it is loaded anew |
 * | 6 | the window after the TTL in which it is served where the origin fails |
 * | 6 | how long it took to load, ms, rounded up |
 * | 1, n | length of the stamp, the stamp in wire form |
 * | 4 | number of tags |
 * | 4, n | for each tag: length, UTF-8 |
 * | 1, n | of versions 4 and 5: length of the digest, the digest, see `digest.ts` |
 * | 4 | of versions 3 and 5: length of the value once it is unpacked |
 * | rest | the value; of versions 3 and 5 packed, see `packed-value.ts` |
 *
 * Numbers are unsigned, the most significant byte first.
 */
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import type { Millis } from '../invalidation/clock.ts';
import { isDigest } from '../invalidation/digest.ts';
import { formatPosition, parsePosition, type Position } from '../invalidation/position.ts';
import { readTag, type Tag } from '../invalidation/tag.ts';
import { assertEntry, type Entry } from './entry.ts';
import { FORMAT_VERSION } from './key.ts';
import { unpackValue } from './packed-value.ts';
import type { Awaitable } from './store.ts';

/** Of entries alone: keys are the same, and a fleet may hold all of them. */
const [PACKED_VERSION, DIGEST_VERSION, PACKED_DIGEST_VERSION] = [3, 4, 5];
const VERSIONS: readonly number[] = [
  FORMAT_VERSION, PACKED_VERSION, DIGEST_VERSION, PACKED_DIGEST_VERSION,
];
const LENGTH_BYTES = 4;
const DURATION_BYTES = 6;
const DURATIONS = 7;
const DURATION_MS_MAX = 2 ** (8 * DURATION_BYTES) - 1;

/**
 * `now`: a reading of the clock that the entry's times are of. `packed`: what `packValue` made of
 * the value, to be written instead.
 */
export function encodeEntry(entry: Entry, now: Millis, packed?: Buffer): Buffer {
  assertEntry(entry);
  const stamp = Buffer.from(formatPosition(entry.stamp), 'latin1');
  assert(parsePosition(stamp.toString('latin1')) === entry.stamp, 'a stamp survives its wire form');
  const tagLengths = entry.tags.map((tag) => {
    assert(readTag(tag) === tag, 'what an entry carries are tags');
    return Buffer.byteLength(tag);
  });
  const tagBytes = tagLengths.reduce((sum, length) => sum + LENGTH_BYTES + length, 0);
  const { digest } = entry;
  assert(digest === undefined || isDigest(digest), 'what an entry may carry is a digest');
  const headBytes = 1 + LENGTH_BYTES + DURATIONS * DURATION_BYTES + 1 + stamp.length + LENGTH_BYTES
    + (digest === undefined ? 0 : 1 + digest.length);
  const valueBytes = packed === undefined ? entry.value.length : LENGTH_BYTES + packed.length;
  const bytes = Buffer.allocUnsafe(headBytes + tagBytes + valueBytes);

  let at = bytes.writeUInt8(versionOf(entry, packed), 0);
  at = bytes.writeUInt32BE(bytes.length, at);
  for (const durationMs of durationsOf(entry, now)) at = writeDuration(bytes, at, durationMs);
  at = bytes.writeUInt8(stamp.length, at);
  at += stamp.copy(bytes, at);
  at = bytes.writeUInt32BE(entry.tags.length, at);
  for (const [index, tag] of entry.tags.entries()) {
    at = bytes.writeUInt32BE(tagLengths[index] as number, at);
    at += bytes.write(tag, at);
  }
  if (digest !== undefined) {
    at = bytes.writeUInt8(digest.length, at);
    at += bytes.write(digest, at, 'latin1');
  }
  if (packed !== undefined) at = bytes.writeUInt32BE(entry.value.length, at);
  at += (packed ?? entry.value).copy(bytes, at);
  assert(at === bytes.length, 'an entry fills its bytes');
  return bytes;
}

export interface DecodeOptions {
  readonly now: Millis;
  /** For how long the bytes have lain where they were written to. */
  readonly heldMs: Millis;
  /** Of a value, unpacked: what is longer is no entry. */
  readonly valueBytesMax: number;
}

/** The entry's value is a part of `bytes`, not a copy, unless it was packed. */
export function decodeEntry(bytes: Buffer, options: DecodeOptions): Awaitable<Entry | undefined> {
  const reader = new Reader(bytes);
  const version = reader.number(1);
  if (version === undefined || !VERSIONS.includes(version)) return undefined;
  const hasDigest = version === DIGEST_VERSION || version === PACKED_DIGEST_VERSION;
  const entry = readEntry(reader, { ...options, length: bytes.length, hasDigest });
  const isPacked = version === PACKED_VERSION || version === PACKED_DIGEST_VERSION;
  return entry !== undefined && isPacked ? unpacked(entry, options) : entry;
}

function versionOf({ digest }: Entry, packed: Buffer | undefined): number {
  if (digest === undefined) return packed === undefined ? FORMAT_VERSION : PACKED_VERSION;
  return packed === undefined ? DIGEST_VERSION : PACKED_DIGEST_VERSION;
}

interface ReadOptions extends DecodeOptions {
  readonly length: number;
  readonly hasDigest: boolean;
}

/** Where nothing is invalidated, all that is loaded bears the same. */
let lastStamp: { readonly text: string; readonly stamp: Position | undefined } | undefined;

function stampOf(text: string): Position | undefined {
  if (text !== lastStamp?.text) lastStamp = { text, stamp: parsePosition(text) };
  return lastStamp.stamp;
}

/** Where it is packed, the value is what stands for it, with its length before it. */
function readEntry(
  reader: Reader,
  { now, heldMs, length, hasDigest }: ReadOptions,
): Entry | undefined {
  if (reader.number(LENGTH_BYTES) !== length) return undefined;
  const durations = reader.durations();
  const stamp = stampOf(reader.text(reader.number(1)) ?? '');
  const tags = reader.tags();
  const digest = hasDigest ? reader.text(reader.number(1)) : undefined;
  if (hasDigest && (digest === undefined || !isDigest(digest))) return undefined;
  const value = reader.rest();
  if (stamp === undefined || tags === undefined || value === undefined) return undefined;
  if (!Number.isFinite(heldMs) || heldMs < 0) return undefined;
  // Whole milliseconds, on the cautious side, as `entryOf` makes them.
  const writtenAt = Math.floor(now - heldMs);
  // They come before what has been found to be there.
  const [
    ageMs, ttlLeftMs, slideLeftMs, ttlMs, staleWhileRevalidateMs, staleIfErrorMs, loadMs,
  ] = durations as Durations;
  if (loadMs < 1) return undefined;
  const entry: Entry = {
    value, digest, tags, stamp,
    readAt: writtenAt - ageMs,
    staleAt: writtenAt + ttlLeftMs,
    slideUntil: writtenAt + slideLeftMs,
    ttlMs, staleWhileRevalidateMs, staleIfErrorMs, loadMs,
    verifiedAt: stamp,
  };
  assertEntry(entry);
  return entry;
}

function unpacked(
  entry: Entry,
  { valueBytesMax }: DecodeOptions,
): Awaitable<Entry | undefined> {
  const { value: bytes } = entry;
  if (bytes.length < LENGTH_BYTES) return undefined;
  const length = bytes.readUInt32BE(0);
  if (length > valueBytesMax) return undefined;
  const withValue = (value: Buffer | undefined): Entry | undefined => value && { ...entry, value };
  const value = unpackValue(bytes.subarray(LENGTH_BYTES), length);
  return value instanceof Promise ? value.then(withValue) : withValue(value);
}

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\0-\x7f]*$/;

type Durations = [Millis, Millis, Millis, Millis, Millis, Millis, Millis];

/** Of what is past its TTL already, as much of the windows is over. */
function durationsOf(entry: Entry, now: Millis): Durations {
  const overdueMs = Math.max(0, now - entry.staleAt);
  return [
    Math.ceil(now - entry.readAt),
    Math.floor(entry.staleAt - now),
    Math.floor(entry.slideUntil - now),
    Math.floor(entry.ttlMs),
    Math.floor(entry.staleWhileRevalidateMs - overdueMs),
    Math.floor(entry.staleIfErrorMs - overdueMs),
    Math.ceil(entry.loadMs),
  ];
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

  durations(): readonly (Millis | undefined)[] {
    const durations: (Millis | undefined)[] = [];
    while (durations.length < DURATIONS) durations.push(this.number(DURATION_BYTES));
    return durations;
  }

  text(length: number | undefined): string | undefined {
    const at = this.#advance(length);
    if (at === undefined) return undefined;
    const plain = this.#bytes.toString('latin1', at, this.#at);
    if (ASCII.test(plain)) return plain;
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
