/**
 * A remembered value with all that decides whether it may be used again. Times are absolute and of
 * this process's own clock; an entry that comes from Redis has had its times worked out from its
 * age there, so that clocks of different machines are never compared.
 */
import assert from 'node:assert/strict';
import type { Millis } from '../invalidation/clock.ts';
import type { Position } from '../invalidation/position.ts';
import type { Tag } from '../invalidation/tag.ts';

export interface Entry {
  readonly value: Buffer;
  readonly tags: readonly Tag[];
  /** The node's position when the read of the origin began. */
  readonly stamp: Position;
  /** When the read of the origin began; of what was made of cached parts, that of the oldest. */
  readonly readAt: Millis;
  /** From here on it is past its TTL. */
  readonly staleAt: Millis;
  /** From here on it is of no use to anyone; `staleAt` and the stale window. */
  readonly deleteAt: Millis;
  /** The position at which it was last found current: never below `stamp`. */
  verifiedAt: Position;
}

/** What every entry satisfies, wherever it comes from. */
export function assertEntry(entry: Entry): void {
  const { readAt, staleAt, deleteAt, stamp, verifiedAt } = entry;
  assert(Number.isFinite(readAt) && Number.isFinite(deleteAt), 'an entry has an end');
  assert(readAt <= staleAt && staleAt <= deleteAt, 'an entry is read, then stale, then deleted');
  assert(stamp <= verifiedAt, 'an entry was current when it was read');
}
