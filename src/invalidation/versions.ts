/**
 * The highest version of each entity that an invalidation has told of, so that what an origin's
 * lagging replica still shows is known to be out of date. It promises never to hold more than
 * `versionsMax`, and never to lower one.
 *
 * What is dropped is what was told of longest ago, and is then not guarded any more. That is enough
 * while replicas lag by less than it takes to tell of that many: 100,000 of them are more than a
 * minute and a half of 1,000 a second, and replicas lag by seconds. Where one lags by more, the
 * version is a guard no more, and what it guards is as fresh as it was without.
 */
import assert from 'node:assert/strict';
import { FifoMap } from './fifo-map.ts';
import type { Tag } from './tag.ts';

export class Versions {
  readonly #versionsMax: number;
  /** In the order in which they were last told of. */
  readonly #versions = new FifoMap<Tag, number>();
  /** How many were dropped to make room. */
  dropped = 0;

  constructor(versionsMax: number) {
    assert(versionsMax >= 1, 'at least one version is remembered');
    this.#versionsMax = versionsMax;
  }

  get size(): number {
    return this.#versions.size;
  }

  of(tag: Tag): number | undefined {
    return this.#versions.get(tag);
  }

  learn(tag: Tag, version: number): void {
    const known = this.#versions.get(tag);
    this.#versions.set(tag, Math.max(version, known ?? version));
    if (this.#versions.size <= this.#versionsMax) return;
    this.#versions.takeOldest();
    this.dropped += 1;
  }
}
