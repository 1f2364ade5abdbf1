/**
 * Entries that are used much, so that they are loaded again right after a purge, before anybody
 * asks. It promises to remember no more than `keysMax` of them, the least recently used given up
 * first, none of their values, and to have no more than `loadsMax` loaded at a time.
 */
import assert from 'node:assert/strict';
import { LRUCache } from 'lru-cache';
import type { Entry } from './entry.ts';
import type { Freshness } from './freshness.ts';
import type { CacheKey } from './key.ts';
import type { Use } from './load.ts';

export interface HotEntriesOptions {
  readonly freshness: Freshness;
  /** Begins to load; undefined where that is not needed, or not possible now. Never rejects. */
  readonly reload: (place: HotPlace, use: Use) => Promise<void> | undefined;
  /** Default 1,000. */
  readonly keysMax?: number;
  /** Default 10. */
  readonly loadsMax?: number;
}

export interface HotPlace {
  readonly key: CacheKey;
  readonly index: number;
}

export interface HotEntriesStats {
  /** Loads that were begun right after a purge. */
  refreshes: number;
}

interface Hot extends HotPlace {
  readonly use: Use;
  /** Without its value: only what the rule asks of it. */
  readonly entry: Entry;
  /** Since it was loaded. */
  uses: number;
}

const NO_VALUE = Buffer.alloc(0);

export class HotEntries {
  readonly #options: HotEntriesOptions;
  readonly #stats: HotEntriesStats;
  readonly #loadsMax: number;
  readonly #hot: LRUCache<string, Hot>;
  readonly #queue: Hot[] = [];
  #loading = 0;

  /** `stats`: where it counts. */
  constructor(options: HotEntriesOptions, stats: HotEntriesStats) {
    const { keysMax = 1_000, loadsMax = 10 } = options;
    assert(keysMax >= 1 && loadsMax >= 1, 'a limit on hot entries leaves room for one');
    this.#options = options;
    this.#stats = stats;
    this.#loadsMax = loadsMax;
    this.#hot = new LRUCache({ max: keysMax });
  }

  get size(): number {
    return this.#hot.size;
  }

  /** An entry that says how often it is to be used to be refreshed: it has just been loaded. */
  loaded({ key, index }: HotPlace, entry: Entry, use: Use): void {
    const bare = { ...entry, value: NO_VALUE, encoded: {} };
    this.#hot.set(key.id, { key, index, use, entry: bare, uses: 0 });
  }

  /** One more use of such an entry. */
  used(place: HotPlace, entry: Entry, use: Use): void {
    if (this.usedAgain(place.key, entry)) return;
    this.loaded(place, entry, use);
    this.usedAgain(place.key, entry);
  }

  /** The same where no more is known of the entry; false where it is not remembered. */
  usedAgain({ id }: CacheKey, entry: Entry): boolean {
    const known = this.#hot.get(id);
    if (known === undefined || !isSame(known.entry, entry)) return false;
    known.uses += 1;
    // It may have slid.
    known.entry.staleAt = entry.staleAt;
    return true;
  }

  /** To be called when records of the log were applied: loads what they have touched. */
  recordsApplied(): void {
    const gone: string[] = [];
    for (const [id, hot] of this.#hot) {
      const { entry, uses, use: { refreshHits = 0 } } = hot;
      const { staleAt } = entry;
      const verdict = this.#options.freshness.judge(entry);
      if (verdict !== 'invalidated' && verdict !== 'expired') continue;
      gone.push(id);
      // That its time has come is no purge; that its end was moved is a soft one.
      const isPurged = verdict === 'invalidated' || entry.staleAt < staleAt;
      if (isPurged && uses >= refreshHits) this.#enqueue(hot);
    }
    for (const id of gone) this.#hot.delete(id);
    this.#pump();
  }

  #enqueue(hot: Hot): void {
    if (this.#queue.length < this.#hot.max) this.#queue.push(hot);
  }

  #pump(): void {
    while (this.#loading < this.#loadsMax) {
      const hot = this.#queue.shift();
      if (hot === undefined) return;
      const loading = this.#options.reload(hot, hot.use);
      if (loading === undefined) continue;
      this.#stats.refreshes += 1;
      this.#loading += 1;
      void loading.then(() => {
        this.#loading -= 1;
        this.#pump();
      });
    }
  }
}

function isSame(known: Entry, entry: Entry): boolean {
  return known.stamp === entry.stamp && known.readAt === entry.readAt;
}
