/**
 * A remembered value with all that decides whether it may be used again. Times are absolute and of
 * this process's own clock; an entry that comes from Redis has had its times worked out from its
 * age there, so that clocks of different machines are never compared. The stale windows are
 * lengths, since they begin at `staleAt`, which moves.
 */
import assert from 'node:assert/strict';
import type { Millis } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';

export interface Entry {
  readonly value: Buffer;
  /** Its digest, where it is sent as it is: what its entity tag says (`digestOf`). */
  readonly digest: string | undefined;
  /** The value in content codings, by their names (RFC 9110, section 8.4.1): of this node alone. */
  readonly encoded?: Readonly<Partial<Record<string, Buffer>>>;
  readonly tags: readonly Tag[];
  /** The node's position when the read of the origin began. */
  readonly stamp: Position;
  /** When the read of the origin began; of what was made of cached parts, that of the oldest. */
  readonly readAt: Millis;
  /**
   * From here on it is past its TTL. It moves: on, when a use renews a TTL that slides, and back to
   * the moment at which a soft purge was first seen to touch it.
   */
  staleAt: Millis;
  /** What a use renews the TTL to, where it slides. */
  readonly ttlMs: Millis;
  /** No use renews the TTL beyond; where it does not slide, `staleAt` as it was at first. */
  readonly slideUntil: Millis;
  /** How long after `staleAt` it may be served while it is loaded anew (RFC 5861, section 3). */
  readonly staleWhileRevalidateMs: Millis;
  /** How long after `staleAt` it may be served where the origin fails (RFC 5861, section 4). */
  readonly staleIfErrorMs: Millis;
  /** How long it took to load: at least 1 ms. */
  readonly loadMs: Millis;
  /** The position at which it was last found current: never below `stamp`. */
  verifiedAt: Position;
}

/** From here on it is of no use to anyone. */
export function deleteAtOf(entry: Entry): Millis {
  const { staleAt, slideUntil, staleWhileRevalidateMs, staleIfErrorMs } = entry;
  return Math.max(staleAt, slideUntil) + Math.max(staleWhileRevalidateMs, staleIfErrorMs);
}

/** What every entry satisfies, wherever it comes from. */
export function assertEntry(entry: Entry): void {
  const { readAt, staleAt, slideUntil, ttlMs, loadMs, stamp, verifiedAt } = entry;
  assert(Number.isFinite(readAt) && Number.isFinite(deleteAtOf(entry)), 'an entry has an end');
  assert(readAt <= staleAt && readAt <= slideUntil, 'an entry is read, then stale');
  assert(entry.staleWhileRevalidateMs >= 0 && entry.staleIfErrorMs >= 0, 'no window is negative');
  assert(ttlMs >= 0 && loadMs >= 1, 'an entry lives, and took time to load');
  assert(stamp <= verifiedAt, 'an entry was current when it was read');
}
