/**
 * What a lagging replica excuses. What a request has read of it may be as old as the origin says;
 * what is kept of it may not, where the cache is guarded against that: by settle times from all
 * that is older than what was purged, by versions from all that is older than an invalidation has
 * told of. A node that has begun to follow since, or has had a gap, was not told.
 */
import type { Tag } from '../../../src/invalidation/tag.ts';
import type { Cover } from '../ledger.ts';
import type { Origin } from '../origin.ts';
import type { Leaf } from '../part-reader.ts';

/** The versions that are due of a tag: of all that is known, and of what was told of as such. */
export interface Due {
  readonly version: number;
  readonly told: number;
}

/** What of `due` a leaf may not fall short of. */
export function dueOf(leaf: Leaf, tag: Tag, { due, origin }: { due: Due; origin: Origin }): number {
  const lagMs = origin.lagMsOf(tag);
  if (lagMs === 0) return due.version;
  const reads = leaf.reads.filter(({ tags }) => tags.includes(tag));
  const shown = Math.min(...reads.map(({ at }) => origin.versionAt(tag, at - lagMs)));
  if (!isKept(leaf)) return Math.min(due.version, shown);
  if (origin.guard !== 'versions') return due.version;
  const isBlind = reads.some(({ at, blindUntil }) => at - lagMs < blindUntil);
  const told = Math.min(due.version, due.told);
  return isBlind ? Math.min(told, shown) : told;
}

/** Whether a purge says anything of what is kept of what lags. */
export function isGuarded({ tag, isTold }: Cover, origin: Origin): boolean {
  return isTold || origin.lagMsOf(tag) === 0 || origin.guard !== 'versions';
}

/** It was in a cache, or is now. */
export function isKept({ how, stored }: Leaf): boolean {
  return how !== 'loaded' && how !== 'uncached' && (how !== 'coalesced' || stored);
}
