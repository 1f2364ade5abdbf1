/** What was loaded from the origin, what may be done with it, and the entry that becomes of it. */
import assert from 'node:assert/strict';
import type { Millis, Random } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Entry } from './entry.ts';

/** Durations are 0 by default, which is off. */
export interface Fill {
  readonly value: Buffer;
  /** What `digestOf` makes of the value. Default: nobody has worked it out. */
  readonly digest?: string;
  readonly tags: readonly Tag[];
  /** Counted from when the load began; 0 = not to be kept at all. */
  readonly ttlMs: Millis;
  /** The TTL is shortened by a random share up to this: 0 to 0.5. */
  readonly jitter?: number;
  /** Each use renews the TTL, never beyond this long after the origin was read. */
  readonly slidingMs?: Millis;
  /** How long past the TTL it is served while it is loaded anew. */
  readonly staleWhileRevalidateMs?: Millis;
  /** How long past the TTL it is served where the origin cannot be reached. */
  readonly staleIfErrorMs?: Millis;
  /** Not kept where one of its tags was purged so shortly before the load began. */
  readonly settleMs?: Millis;
  /** The versions of entities that it shows: lower than was invalidated, it is not kept. */
  readonly versions?: ReadonlyMap<Tag, number>;
  /** When the oldest of what it was made of was read. Default: when the load began. */
  readonly readAt?: Millis;
  /** False: it is of this caller alone (an error, a cookie, something private). */
  readonly shareable: boolean;
}

/** Where and when a load began, and how long it took. */
export interface Loaded {
  readonly stamp: Position;
  readonly beganAt: Millis;
  readonly loadMs: Millis;
}

export const JITTER_MAX = 0.5;

export function entryOf(fill: Fill, { stamp, beganAt, loadMs }: Loaded, random: Random): Entry {
  const { value, digest, tags, jitter = 0, slidingMs = 0 } = fill;
  const { staleWhileRevalidateMs = 0, staleIfErrorMs = 0 } = fill;
  const durations = [fill.ttlMs, slidingMs, staleWhileRevalidateMs, staleIfErrorMs];
  assert(durations.every((ms) => Number.isFinite(ms) && ms >= 0), 'a TTL is finite');
  assert(jitter >= 0 && jitter <= JITTER_MAX, 'no more than half of a TTL is left to chance');
  // Whole milliseconds, on the cautious side: V8 gives each other number memory of its own.
  const ttlMs = Math.floor(jitter === 0 ? fill.ttlMs : fill.ttlMs * (1 - jitter * random()));
  const staleAt = Math.floor(beganAt + ttlMs);
  const readAt = Math.floor(Math.min(beganAt, fill.readAt ?? beganAt));
  return {
    value, digest, tags, stamp, readAt, staleAt, ttlMs,
    slideUntil: Math.floor(Math.max(staleAt, readAt + slidingMs)),
    staleWhileRevalidateMs, staleIfErrorMs,
    loadMs: Math.max(1, Math.ceil(loadMs)),
    verifiedAt: stamp,
  };
}
