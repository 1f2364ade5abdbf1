/**
 * The two places where an entry may be, memory and Redis, as one, with the rule asked at each door:
 * what is found is returned only if current, what is put in is stored only if current.
 *
 * It promises never to return an entry that may not be served, to read L2 at most once a call, and
 * never to fail because L2 does.
 */
import type { Position } from '../invalidation/position.ts';
import type { Entry } from './entry.ts';
import type { Evidence, FillVerdict, Freshness, Verdict } from './freshness.ts';
import type { CacheKey } from './key.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Patience } from './patience.ts';
import type { Store } from './store.ts';

export type Tier = 'l1' | 'l2';

export interface Found {
  readonly entry: Entry;
  readonly tier: Tier;
  /** `expired` only where that was asked for. */
  readonly verdict: 'current' | 'expired';
}

export interface GetOptions {
  /**
   * Also give, of L2, what is past its TTL and has nothing else against it, for a stale window to
   * stretch. Default false.
   */
  readonly withExpired?: boolean;
  /** Of whoever waits for it. Default as much as L2 has. */
  readonly patience?: Patience | undefined;
}

export interface TiersOptions {
  readonly l1: MemoryStore;
  /** Shared by all nodes. Default none. */
  readonly l2?: Store | undefined;
  readonly freshness: Freshness;
}

export type Results = readonly (Found | undefined)[];

/** What L1 has not. */
interface Asked {
  readonly keys: readonly CacheKey[];
  readonly missing: readonly number[];
  readonly options: GetOptions;
}

type Refusals<V extends string> = Record<Exclude<V, 'current'>, number>;

export interface TiersStats {
  readonly hits: Record<Tier, number>;
  misses: number;
  /** Entries that were found and not used, by the reason. */
  readonly discarded: Refusals<Verdict>;
  /** Entries that were to be stored and were not, by the reason. */
  readonly refused: Refusals<FillVerdict>;
  /** Calls of L2 that failed, against the promise of a store. */
  l2Faults: number;
}

export class Tiers {
  readonly stats: TiersStats = {
    hits: { l1: 0, l2: 0 },
    misses: 0,
    discarded: { off: 0, ahead: 0, invalidated: 0, unheard: 0, expired: 0 },
    refused: {
      off: 0, ahead: 0, invalidated: 0, unheard: 0, expired: 0, outdated: 0, unsettled: 0,
    },
    l2Faults: 0,
  };
  readonly #l1: MemoryStore;
  readonly #l2: Store | undefined;
  readonly #freshness: Freshness;

  constructor({ l1, l2, freshness }: TiersOptions) {
    this.#l1 = l1;
    this.#l2 = l2;
    this.#freshness = freshness;
  }

  /** What L1 holds and may be served, at once. It is a use: a TTL that slides is renewed. */
  peek(key: CacheKey): Entry | undefined {
    const entry = this.#l1.find(key);
    if (entry === undefined) return undefined;
    const verdict = this.#freshness.judge(entry);
    if (verdict === 'current') {
      this.stats.hits.l1 += 1;
      this.#freshness.renew(entry);
      return entry;
    }
    this.stats.discarded[verdict] += 1;
    // The others may yet be of use: when the log is heard again, or within a stale window.
    if (verdict === 'invalidated') this.#l1.delete(key);
    return undefined;
  }

  /** What L1 holds past its TTL, with nothing else against it. */
  peekExpired(key: CacheKey): Entry | undefined {
    const entry = this.#l1.find(key);
    return entry !== undefined && this.#freshness.judge(entry) === 'expired' ? entry : undefined;
  }

  /** L1, and for what is not there L2. One result for each key, in order; at once without L2. */
  get(keys: readonly CacheKey[], options: GetOptions = {}): Results | Promise<Results> {
    const results = keys.map((key): Found | undefined => {
      const entry = this.peek(key);
      return entry === undefined ? undefined : { entry, tier: 'l1', verdict: 'current' };
    });
    const missing = results.flatMap((found, index) => found === undefined ? [index] : []);
    if (missing.length === 0) return results;
    if (this.#l2 !== undefined) return this.#complete(results, { keys, missing, options });
    this.stats.misses += missing.length;
    return results;
  }

  async #complete(
    results: (Found | undefined)[],
    { keys, missing, options: { withExpired = false, patience } }: Asked,
  ): Promise<Results> {
    const missed = missing.map((index) => keys[index] as CacheKey);
    const below = await this.#getFromL2(missed, patience);
    for (const [at, index] of missing.entries()) {
      const found = this.#promote(keys[index] as CacheKey, below[at]);
      if (found?.verdict !== 'current') this.stats.misses += 1;
      if (found?.verdict === 'current' || withExpired) results[index] = found;
    }
    return results;
  }

  /**
   * L2 alone, for a key that `peek` did not find. `use` is called in the turn in which the rule was
   * asked of what was there. Undefined where there is nothing to be gained: there is no L2, or L1
   * holds what is past its TTL.
   */
  below<T>(
    key: CacheKey,
    use: (found: Found | undefined) => T,
    patience?: Patience,
  ): Promise<T> | undefined {
    if (this.#l2 === undefined || this.peekExpired(key) !== undefined) return undefined;
    return this.#getFromL2([key], patience).then(([entry]) => {
      const found = this.#promote(key, entry);
      if (found?.verdict !== 'current') this.stats.misses += 1;
      return use(found);
    });
  }

  /**
   * Stores the entry if it is current, and says whether it was; here a fill ends whose origin was
   * read before an invalidation that has been applied since. `evidence` of what comes straight from
   * an origin.
   */
  set(key: CacheKey, entry: Entry, evidence?: Evidence): FillVerdict {
    const verdict = evidence === undefined
      ? this.#freshness.judge(entry)
      : this.#freshness.judgeFill(entry, evidence);
    if (verdict === 'current') {
      this.#l1.set(key, entry);
      if (this.#l2 !== undefined) void this.#setInL2(key, entry);
    } else {
      this.stats.refused[verdict] += 1;
      this.#l1.refused(key, entry, verdict);
    }
    return verdict;
  }

  /** What was loaded for the key is not to be stored, or nothing was. */
  unkept(key: CacheKey, reason: 'unkept' | 'failed', stamp: Position): void {
    this.#l1.unkept(key, reason, stamp);
  }

  /** What was stored turns out to be of no use to anybody, on any node. */
  delete(key: CacheKey): void {
    this.#l1.delete(key);
    void this.#deleteFromL2(key);
  }

  /** Resolves when what was stored so far can be found by other nodes, or is not going to be. */
  async settled(): Promise<void> {
    try {
      await this.#l2?.settled();
    } catch {
      this.stats.l2Faults += 1;
    }
  }

  async close(): Promise<void> {
    this.#l1.close();
    await this.#l2?.close();
  }

  /**
   * An entry of L2 that is not current stays there: it is of no harm, and the fill that follows
   * overwrites it. To delete it would take away what another node may have filled in meanwhile.
   */
  #promote(key: CacheKey, entry: Entry | undefined): Found | undefined {
    if (entry === undefined) return undefined;
    const { staleAt } = entry;
    const verdict = this.#freshness.judge(entry);
    if (verdict === 'current') {
      this.stats.hits.l2 += 1;
      this.#freshness.renew(entry);
      this.#l1.set(key, entry);
      return { entry, tier: 'l2', verdict };
    }
    this.stats.discarded[verdict] += 1;
    if (verdict !== 'expired') return undefined;
    const held = this.peekExpired(key);
    // L2 is told of no soft purge: its windows would begin anew with each look.
    const isSoftened = entry.staleAt < staleAt;
    if (held !== undefined && (isSoftened || held.staleAt >= entry.staleAt)) {
      return { entry: held, tier: 'l1', verdict };
    }
    this.#l1.set(key, entry);
    return { entry, tier: 'l2', verdict };
  }

  async #getFromL2(
    keys: readonly CacheKey[],
    patience: Patience | undefined,
  ): Promise<readonly (Entry | undefined)[]> {
    const l2 = this.#l2;
    if (l2 === undefined) return [];
    try {
      if (patience === undefined) return await l2.get(keys);
      return await patience.wait(async () => l2.get(keys)) ?? [];
    } catch {
      this.stats.l2Faults += 1;
      return [];
    }
  }

  async #deleteFromL2(key: CacheKey): Promise<void> {
    try {
      await this.#l2?.delete(key);
    } catch {
      this.stats.l2Faults += 1;
    }
  }

  async #setInL2(key: CacheKey, entry: Entry): Promise<void> {
    try {
      await this.#l2?.set(key, entry);
    } catch {
      this.stats.l2Faults += 1;
    }
  }
}
