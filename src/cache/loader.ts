/**
 * Loads what was found nowhere, stores it if it may be, and tells who waits.
 *
 * It promises: the stamp of what is loaded is the node's position when its load began, never when
 * it ended; what is not current when it arrives is not stored; nor is what is of one caller alone.
 */
import assert from 'node:assert/strict';
import type { Clock, Random } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import { entryOf, type Fill, type Loaded } from './fill.ts';
import type { Load } from './load.ts';
import type { Tiers } from './tiers.ts';
import type { Want } from './want.ts';

export interface LoaderOptions {
  readonly tiers: Tiers;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly random: Random;
  /** Where it counts. */
  readonly stats: LoaderStats;
}

export interface LoaderStats {
  /** Calls of `load`. */
  loads: number;
  /** Keys that were loaded. */
  loaded: number;
  loadsFailed: number;
}

export class Loader {
  readonly #options: LoaderOptions;

  constructor(options: LoaderOptions) {
    this.#options = options;
  }

  /** Gives each of them its outcome, and lands their flights. Rejects as `load` does. */
  async load(missing: readonly Want[], load: Load): Promise<void> {
    if (missing.length === 0) return;
    const { horizon, clock, stats } = this.#options;
    const ordered = missing.length === 1 ? missing : missing.toSorted((a, b) => a.index - b.index);
    const stamp = horizon.position;
    const beganAt = clock.now();
    stats.loads += 1;
    stats.loaded += ordered.length;
    let fills: readonly Fill[];
    try {
      fills = await load(ordered.map(({ index }) => index));
    } catch (error) {
      stats.loadsFailed += 1;
      for (const { key } of ordered) this.#options.tiers.unkept(key, 'failed', stamp);
      throw error;
    }
    assert(fills.length === ordered.length, 'a load gives one fill for each key');
    const loaded = { stamp, beganAt, loadMs: clock.now() - beganAt };
    for (const [at, want] of ordered.entries()) this.#settle(want, fills[at] as Fill, loaded);
  }

  /** Stores the fill, if it may be, and tells who waits for it. */
  #settle(want: Want, fill: Fill, loaded: Loaded): void {
    const { tiers, random } = this.#options;
    const { key, flight } = want;
    const { value } = fill;
    if (fill.ttlMs <= 0 || !fill.shareable) {
      tiers.unkept(key, 'unkept', loaded.stamp);
      want.outcome = { value, how: 'loaded', entry: undefined, stored: false };
      flight?.land({ kind: fill.ttlMs <= 0 ? 'uncacheable' : 'unshareable' });
      return;
    }
    const entry = entryOf(fill, loaded, random);
    const { beganAt } = loaded;
    const verdict = tiers.set(key, entry, { ...fill, beganAt });
    const stored = verdict === 'current';
    want.outcome = { value, how: 'loaded', entry: stored ? entry : undefined, stored };
    // Known to be old: who waits reads for themselves, by when the origin may know better. What is
    // unsettled is as good as anything that they could read now.
    if (verdict === 'off') flight?.land({ kind: 'uncacheable' });
    else if (verdict === 'outdated') flight?.land({ kind: 'unshareable' });
    else flight?.land({ kind: 'shared', entry, stored });
  }
}
