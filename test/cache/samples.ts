/** Entries, keys and positions for tests of the cache, and a node's view of the log to move. */
import { setImmediate as macrotask } from 'node:timers/promises';
import { readTag, type Tag } from '../../src/invalidation/tag.ts';
import { Horizon } from '../../src/invalidation/horizon.ts';
import { positionOf, type Position } from '../../src/invalidation/position.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import { type Entry } from '../../src/cache/entry.ts';
import { Freshness, type Hearing } from '../../src/cache/freshness.ts';
import type { Fill } from '../../src/cache/fill.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import { ReadPath, type ReadPathOptions } from '../../src/cache/read-path.ts';
import type { Store } from '../../src/cache/store.ts';
import { Tiers } from '../../src/cache/tiers.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

export function tag(text: string): Tag {
  const read = readTag(text);
  if (read === undefined) throw new TypeError(`a tag was required, got ${text}`);
  return read;
}

/** Lets everything happen that needs no more than what is there. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await macrotask();
}

export const purgeOf = (text: string): Purge => ({ kind: 'tag', tag: tag(text) });

/** The nth position of the log. */
export const place = (n: number): Position => positionOf(1_772_366_400_000, n);

export interface SampleEntry extends Partial<Omit<Entry, 'value' | 'tags'>> {
  readonly tags?: readonly string[];
}

/** By default it lives for 60 s, from `readAt`, does not slide and has no stale window. */
export function entryOf(value: string | Buffer, sample: SampleEntry = {}): Entry {
  const { tags = ['user:1'], ttlMs = 60_000, stamp = place(1), readAt = 0, ...others } = sample;
  const staleAt = sample.staleAt ?? readAt + ttlMs;
  return {
    value: Buffer.from(value),
    digest: undefined,
    tags: tags.map(tag),
    stamp, readAt, staleAt, ttlMs,
    slideUntil: staleAt,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    loadMs: 1,
    verifiedAt: stamp,
    ...others,
  };
}

export function fillOf(value: string, fill: Partial<Omit<Fill, 'value'>> = {}): Fill {
  const defaults = { tags: [tag('user:1')], ttlMs: 60_000, shareable: true };
  return { ...defaults, ...fill, value: Buffer.from(value) };
}

export class SwitchedHearing implements Hearing {
  heard = true;

  hears(): boolean {
    return this.heard;
  }
}

/** One node: its horizon, its memory, and what it shares with others. */
export class Node {
  readonly clock: ManualClock;
  readonly horizon = new Horizon();
  readonly hearing = new SwitchedHearing();
  readonly freshness: Freshness;
  readonly l1: MemoryStore;
  readonly tiers: Tiers;

  constructor({ clock = new ManualClock(), l2, maxStalenessMs = 5_000 }: {
    clock?: ManualClock;
    l2?: Store | undefined;
    maxStalenessMs?: number;
  } = {}) {
    this.clock = clock;
    this.horizon.advance(place(1), []);
    const { horizon, hearing } = this;
    this.freshness = new Freshness({ horizon, hearing, clock, maxStalenessMs });
    this.l1 = new MemoryStore({ clock, entriesMax: 1_000 });
    this.tiers = new Tiers({ l1: this.l1, l2, freshness: this.freshness });
  }

  /** A read path over the tiers of this node. */
  path(options: Partial<ReadPathOptions> = {}): ReadPath {
    const { tiers, freshness, horizon, clock } = this;
    const random = seededRandom('read path');
    return new ReadPath({ tiers, freshness, horizon, clock, random, ...options });
  }

  /** The log says at place `n` that these tags are stale. */
  invalidate(n: number, ...tags: readonly string[]): void {
    this.horizon.advance(place(n), tags.map(purgeOf));
  }
}
