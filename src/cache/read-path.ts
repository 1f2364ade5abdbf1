/**
 * How anything cached is read: memory, else Redis, else the origin, once for all who want the same.
 *
 * It promises:
 * - the stamp of what is loaded is the node's position when its load began, never when it ended;
 * - what is not current when it arrives is neither stored nor handed to a waiter;
 * - a value that is of one caller alone is neither stored nor handed to a waiter;
 * - an error is never stored, and reaches a waiter only when a second load failed as well, and
 *   never if it is of one caller alone;
 * - whoever loads gets what was loaded: their request came before it was;
 * - what is past its TTL is served only within its windows, and only if nothing else speaks against
 *   it: never past an invalidation, and never to who passes the cache by.
 */
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import { BackgroundLoads } from './background-loads.ts';
import type { Entry } from './entry.ts';
import type { Freshness } from './freshness.ts';
import { HotEntries } from './hot-entries.ts';
import type { CacheKey } from './key.ts';
import type { LoadLock } from './load-lock.ts';
import type { Load, LoadFailure, Outcome, ReadOptions, Use } from './load.ts';
import { Loader } from './loader.ts';
import { LockedLoader } from './locked-loader.ts';
import { Patience } from './patience.ts';
import { newReadPathStats, type ReadPathStats } from './read-stats.ts';
import { SingleFlight, type Flight, type Landing } from './single-flight.ts';
import type { Found, Results, Tiers } from './tiers.ts';
import {
  isOpen, wantOf, wantsOf, type Call, type Party, type Place, type Want,
} from './want.ts';
import { isDueEarly, mayOutliveOutage, mayRevalidate } from './windows.ts';

export type { Fill } from './fill.ts';
export type { Load, LoadFailure, Outcome, ReadOptions, Use } from './load.ts';
export type { ReadPathStats } from './read-stats.ts';

export interface ReadPathOptions {
  readonly tiers: Tiers;
  readonly freshness: Freshness;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly random: Random;
  /** Of all nodes on the load of a key. Default none: each node loads for itself. */
  readonly lock?: LoadLock | undefined;
  /** How long a request waits for L2 in all; no longer than for one read. Default 50 ms. */
  readonly patienceMs?: Millis | undefined;
  /** Loads that others may wait for. Default 10,000; beyond it everybody loads alone. */
  readonly flightsMax?: number;
  /** Loads off the path of requests at a time. Default 100; beyond it none is begun. */
  readonly backgroundLoadsMax?: number;
  /** Entries of which it is remembered how often they are used. Default 1,000. */
  readonly hotKeysMax?: number;
}

/** So often one waits for others, or leads; then one loads for oneself. */
const ROUNDS_MAX = 3;
const FAILURES_MAX = 2;

export class ReadPath {
  readonly stats: ReadPathStats;
  readonly #tiers: Tiers;
  readonly #freshness: Freshness;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #patienceMs: Millis;
  readonly #flights: SingleFlight;
  readonly #loader: Loader;
  readonly #locked: LockedLoader | undefined;
  readonly #background: BackgroundLoads;
  readonly #hot: HotEntries;

  constructor({ tiers, freshness, horizon, clock, random, ...others }: ReadPathOptions) {
    const { flightsMax, backgroundLoadsMax, hotKeysMax: keysMax, lock, patienceMs = 50 } = others;
    this.#tiers = tiers;
    this.#freshness = freshness;
    this.#clock = clock;
    this.#random = random;
    this.#patienceMs = patienceMs;
    this.#flights = new SingleFlight({ clock, ...(flightsMax !== undefined && { flightsMax }) });
    this.#background = new BackgroundLoads(backgroundLoadsMax);
    this.stats = newReadPathStats(this.#background.stats);
    const { stats } = this;
    this.#loader = new Loader({ tiers, horizon, clock, random, stats });
    const loader = this.#loader;
    this.#locked = lock && new LockedLoader({ lock, loader, tiers, clock, random, stats });
    const reload = (place: Place, use: Use): Promise<void> | undefined => this.#reload(place, use);
    const hot = { freshness, reload, ...(keysMax !== undefined && { keysMax }) };
    this.#hot = new HotEntries(hot, stats);
  }

  /** How many keys are being loaded for whoever wants them. */
  get flights(): number {
    return this.#flights.size;
  }

  /** For one request, to be given to each of its reads. */
  patience(): Patience {
    return new Patience(this.#clock, this.#patienceMs);
  }

  /**
   * One outcome for each key, in order. Equal keys are one. Rejects as `load` does, or as that of
   * another caller did, the second time that one failed.
   */
  async read(
    keys: readonly CacheKey[],
    load: Load,
    options: ReadOptions = {},
  ): Promise<readonly Outcome[]> {
    const wants = wantsOf(keys, options);
    let open: readonly Want[] = wants.length === 1 ? wants : [...new Set(wants)];
    for (let round = 1; open.length > 0; round += 1) {
      if (round > ROUNDS_MAX) for (const want of open) want.alone = true;
      await this.#round(open, { load, options, isReload: false });
      for (const { failures } of open) if (failures.length >= FAILURES_MAX) throw failures.at(-1);
      open = open.filter(({ outcome }) => outcome === undefined);
    }
    return wants.map(({ outcome }) => outcome as Outcome);
  }

  /** As `Tiers.below`; undefined also where somebody loads it, whom `read` waits for. */
  below<T>(
    key: CacheKey,
    use: (found: Found | undefined) => T,
    patience: Patience,
  ): Promise<T> | undefined {
    if (this.#flights.find(key.id) !== undefined) return undefined;
    return this.#tiers.below(key, use, patience);
  }

  /**
   * To be called for each entry that `Tiers` gave and that was served without `read`: its use
   * is counted, if the entry was loaded to be refreshed and is remembered.
   */
  used(key: CacheKey, entry: Entry): void {
    this.#hot.usedAgain(key, entry);
  }

  /** To be called when the position moved, by whatever (`InvalidationNode.onMoved`). */
  positionMoved(): void {
    this.#freshness.positionMoved();
  }

  /** To be called after that for records of the log (`InvalidationNode.onRecords`). */
  recordsApplied(): void {
    this.#hot.recordsApplied();
  }

  /** Drops what is kept under these keys: it turned out to be no answer. */
  forget(keys: readonly CacheKey[]): void {
    for (const key of keys) this.#tiers.delete(key);
  }

  /** Answers what can be: from L1, from the flights of others, by flights of its own, alone. */
  async #round(open: readonly Want[], call: Call): Promise<void> {
    const followed: Promise<void>[] = [];
    const led: Want[] = [];
    const alone: Want[] = [];
    for (const want of open) {
      if (want.alone) {
        alone.push(want);
      } else if (!this.#peek(want, call.options)) {
        const flight = this.#flights.find(want.key.id);
        if (flight === undefined) led.push(want);
        else followed.push(this.#follow(want, flight));
      }
    }
    for (const want of led) want.flight = this.#flights.begin(want.key.id);
    // Own loads wait for nobody, so two callers that wait for each other both land.
    const own = this.#lead({ led, alone }, call);
    await (followed.length === 0 ? own : Promise.all([own, ...followed]));
  }

  /** Whether L1 answers: with what is current, or is past its TTL and being loaded anew. */
  #peek(want: Want, use: Use): boolean {
    const { key } = want;
    const entry = this.#tiers.peek(key);
    if (entry !== undefined) {
      if (use.background === undefined && this.#isEarly(want, entry, use)) return false;
      this.#used(want, entry, use);
      want.outcome = { value: entry.value, how: 'l1', entry, stored: true };
      return true;
    }
    const expired = this.#tiers.peekExpired(key);
    if (expired === undefined) return false;
    want.fallback = expired;
    if (!this.#mayServeStale(want, expired, use)) return false;
    void this.#reload(want, use);
    return true;
  }

  /** Whether a caller is to load what it found, having nobody else to do it. */
  #isEarly(want: Want, entry: Entry, use: Use): boolean {
    if (want.knowsL2 || !this.#isDue(entry, use)) return false;
    // Who has asked already may as well be the one for all.
    if (this.#flights.find(want.key.id) !== undefined) return false;
    this.stats.early += 1;
    want.knowsL2 = true;
    want.fallback = entry;
    return true;
  }

  #isDue(entry: Entry, { earlyExpiry: beta = 0 }: Use): boolean {
    return beta > 0 && isDueEarly(entry, { beta, now: this.#clock.now(), random: this.#random });
  }

  #used(place: Place, entry: Entry, use: Use): void {
    const { background, refreshHits = 0 } = use;
    if (background === undefined) return;
    if (refreshHits > 0) this.#hot.used(place, entry, use);
    if (!this.#isDue(entry, use)) return;
    if (this.#reload(place, use, entry) !== undefined) this.stats.early += 1;
  }

  /** Answers with what is past its TTL, if it may be while somebody loads it anew. */
  #mayServeStale(want: Want, entry: Entry, { background }: Use): boolean {
    if (background === undefined || !mayRevalidate(entry, this.#clock.now())) return false;
    this.stats.staleWhileRevalidate += 1;
    const { value } = entry;
    want.outcome = { value, how: 'stale', why: 'revalidating', entry, stored: true };
    return true;
  }

  /**
   * Loads off the path of the request, unless somebody does already; what resolves when that has
   * ended. `known`: what L2 holds nothing better than, so that it is not asked.
   */
  #reload({ key, index }: Place, use: Use, known?: Entry): Promise<void> | undefined {
    const { background } = use;
    if (background === undefined || this.#flights.find(key.id) !== undefined) return undefined;
    return this.#background.begin(async () => {
      const flight = this.#flights.begin(key.id);
      if (flight === undefined) return;
      const want = wantOf({ key, index }, { knowsL2: known !== undefined });
      want.flight = flight;
      const load: Load = (missing) => background()(missing);
      const options: ReadOptions = { ...use, patience: undefined };
      await this.#lead({ led: [want], alone: [] }, { load, options, isReload: true });
    });
  }

  /** L2 and the load, both inside the flights: equal requests read Redis once as well. */
  async #lead({ led, alone }: Party, call: Call): Promise<void> {
    const all = [...led, ...alone];
    try {
      const unsought = led.filter(({ knowsL2 }) => !knowsL2);
      const { patience } = call.options;
      const keys = unsought.map(({ key }) => key);
      const found = this.#tiers.get(keys, { withExpired: true, patience });
      this.#find(unsought, found instanceof Promise ? await found : found, call);
      await this.#load(all.filter(isOpen), call);
      for (const want of led) this.#loaded(want, call.options);
    } catch (error) {
      const isOwn = error instanceof Error && (error as LoadFailure).isOwn === true;
      const landing: Landing = isOwn ? { kind: 'uncacheable' } : { kind: 'failed', error };
      for (const { flight } of led) flight?.land(landing);
      const isSaved = (want: Want): boolean => this.#rescue(want, error);
      const isPassedBy = call.isReload || call.options.bypass === true;
      if (isPassedBy || !all.filter(isOpen).every(isSaved)) throw error;
    }
  }

  #load(missing: readonly Want[], { load, options }: Call): Promise<void> {
    const { lockMs: leaseMs = 0, patience } = options;
    if (this.#locked === undefined || leaseMs <= 0 || patience?.isOver === true) {
      return this.#loader.load(missing, load);
    }
    return this.#locked.load(missing, { load, leaseMs, patience });
  }

  #loaded(want: Want, use: Use): void {
    const { background, refreshHits = 0 } = use;
    const { how, entry } = want.outcome ?? {};
    if (background === undefined || refreshHits === 0) return;
    if (how === 'loaded' && entry !== undefined) this.#hot.loaded(want, entry, use);
  }

  #find(led: readonly Want[], found: Results, { options, isReload }: Call): void {
    for (const [at, want] of led.entries()) {
      const hit = found[at];
      if (hit === undefined) continue;
      const { entry, tier } = hit;
      if (hit.verdict === 'expired') {
        want.fallback = entry;
        if (isReload || !this.#mayServeStale(want, entry, options)) continue;
        want.flight?.land({ kind: 'elsewhere' });
        void this.#reload(want, options, entry);
        continue;
      }
      want.outcome = { value: entry.value, how: tier, entry, stored: true };
      want.flight?.land({ kind: 'shared', entry, stored: true });
      if (!isReload) this.#used(want, entry, options);
    }
  }

  /** Answers with what was found before the load failed, if the rule lets it. */
  #rescue(want: Want, error: unknown): boolean {
    const entry = this.#tiers.peekExpired(want.key) ?? want.fallback;
    if (entry === undefined) return false;
    const { value } = entry;
    const verdict = this.#freshness.judge(entry);
    if (verdict === 'current' && want.knowsL2) {
      want.outcome = { value, how: 'l1', entry, stored: true };
      return true;
    }
    const isOutage = error instanceof Error && (error as LoadFailure).isOutage === true;
    if (verdict !== 'expired' || !isOutage) return false;
    if (!mayOutliveOutage(entry, this.#clock.now())) return false;
    this.stats.staleIfError += 1;
    want.outcome = { value, how: 'stale', why: 'error', entry, stored: true };
    return true;
  }

  /**
   * Waits for another's flight. The rule is asked again when it lands: an invalidation may have
   * come since the flight began, before this waiter even asked, and only now are its tags known.
   */
  async #follow(want: Want, flight: Flight): Promise<void> {
    this.stats.waiting += 1;
    const landing = await flight.landing;
    this.stats.waiting -= 1;
    switch (landing.kind) {
      case 'shared': {
        const { entry, stored } = landing;
        if (!this.#freshness.isCurrent(entry)) break;
        this.stats.coalesced += 1;
        want.outcome = { value: entry.value, how: 'coalesced', entry, stored };
        return;
      }
      case 'elsewhere':
        return;
      case 'unshareable':
        break;
      case 'uncacheable':
        want.alone = true;
        break;
      case 'failed':
        if (!this.#rescue(want, landing.error)) want.failures.push(landing.error);
        return;
      default:
        landing satisfies never;
    }
    this.stats.landingsRefused += 1;
  }
}
