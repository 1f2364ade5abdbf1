/**
 * How anything cached is read: memory, else Redis, else the origin, once for all who want the same.
 *
 * It promises:
 * - the stamp of what is loaded is the node's position when its load began, never when it ended;
 * - what is not current when it arrives is neither stored nor handed to a waiter;
 * - a value that is of one caller alone is neither stored nor handed to a waiter;
 * - an error is never stored, and reaches a waiter only when a second load failed as well, and
 *   never if it is of one caller alone;
 * - whoever loads gets what was loaded: their request came before it was.
 */
import assert from 'node:assert/strict';
import type { Clock, Random } from '../invalidation/clock.ts';
import type { Horizon } from '../invalidation/horizon.ts';
import { entryOf, type Fill, type Loaded } from './fill.ts';
import type { Freshness } from './freshness.ts';
import type { CacheKey } from './key.ts';
import type { LoadLock } from './load-lock.ts';
import type { Load, LoadFailure, Outcome, ReadOptions } from './load.ts';
import { SingleFlight, type Flight, type Landing } from './single-flight.ts';
import type { Tiers } from './tiers.ts';

export type { Fill } from './fill.ts';
export type { Load, LoadFailure, Outcome, ReadOptions, Use } from './load.ts';

export interface ReadPathOptions {
  readonly tiers: Tiers;
  readonly freshness: Freshness;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly random: Random;
  /** Of all nodes on the load of a key. Default none: each node loads for itself. */
  readonly lock?: LoadLock | undefined;
  /** Loads that others may wait for. Default 10,000; beyond it everybody loads alone. */
  readonly flightsMax?: number;
}

export interface ReadPathStats {
  /** Calls of `load`. */
  loads: number;
  /** Keys that were loaded. */
  loaded: number;
  loadsFailed: number;
  /** Keys answered by what another caller loaded. */
  coalesced: number;
  /** Keys that wait, at this moment, for what another caller loads. */
  waiting: number;
  /** Keys whose waiter was not handed what had landed. */
  landingsRefused: number;
}

/** So often one waits for others, or leads; then one loads for oneself. */
const ROUNDS_MAX = 3;
const FAILURES_MAX = 2;

export class ReadPath {
  readonly stats: ReadPathStats = {
    loads: 0,
    loaded: 0,
    loadsFailed: 0,
    coalesced: 0,
    waiting: 0,
    landingsRefused: 0,
  };
  readonly #tiers: Tiers;
  readonly #freshness: Freshness;
  readonly #horizon: Horizon;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #flights: SingleFlight;

  constructor({ tiers, freshness, horizon, clock, random, flightsMax }: ReadPathOptions) {
    this.#tiers = tiers;
    this.#freshness = freshness;
    this.#horizon = horizon;
    this.#clock = clock;
    this.#random = random;
    this.#flights = new SingleFlight({ clock, ...(flightsMax !== undefined && { flightsMax }) });
  }

  /** How many keys are being loaded for whoever wants them. */
  get flights(): number {
    return this.#flights.size;
  }

  /**
   * One outcome for each key, in order. Equal keys are one. Rejects as `load` does, or as that of
   * another caller did, the second time that one failed.
   */
  async read(
    keys: readonly CacheKey[],
    load: Load,
    { bypass = false }: ReadOptions = {},
  ): Promise<readonly Outcome[]> {
    const wants = wantsOf(keys, bypass);
    let open = [...wants.values()];
    for (let round = 1; open.length > 0; round += 1) {
      if (round > ROUNDS_MAX) for (const want of open) want.alone = true;
      await this.#round(open, load);
      for (const { failures } of open) if (failures.length >= FAILURES_MAX) throw failures.at(-1);
      open = open.filter(({ outcome }) => outcome === undefined);
    }
    return keys.map(({ id }) => wants.get(id)?.outcome as Outcome);
  }

  /** Drops what is kept under these keys: it turned out to be no answer. */
  forget(keys: readonly CacheKey[]): void {
    for (const key of keys) this.#tiers.delete(key);
  }

  /** Answers what can be: from L1, from the flights of others, by flights of its own, alone. */
  async #round(open: readonly Want[], load: Load): Promise<void> {
    const followed: Promise<void>[] = [];
    const led: Want[] = [];
    const alone: Want[] = [];
    for (const want of open) {
      if (want.alone) {
        alone.push(want);
      } else if (!this.#peek(want)) {
        const flight = this.#flights.find(want.key.id);
        if (flight === undefined) led.push(want);
        else followed.push(this.#follow(want, flight));
      }
    }
    for (const want of led) want.flight = this.#flights.begin(want.key.id);
    // Own loads wait for nobody, so two callers that wait for each other both land.
    await Promise.all([this.#lead({ led, alone, load }), ...followed]);
  }

  #peek(want: Want): boolean {
    const entry = this.#tiers.peek(want.key);
    if (entry === undefined) return false;
    want.outcome = { value: entry.value, how: 'l1', entry, stored: true };
    return true;
  }

  /** L2 and the load, both inside the flights: equal requests read Redis once as well. */
  async #lead({ led, alone, load }: {
    led: readonly Want[];
    alone: readonly Want[];
    load: Load;
  }): Promise<void> {
    try {
      if (led.length > 0) await this.#find(led);
      const missing = [...led, ...alone].filter(({ outcome }) => outcome === undefined);
      if (missing.length > 0) await this.#load(missing, load);
    } catch (error) {
      const isOwn = error instanceof Error && (error as LoadFailure).isOwn === true;
      const landing: Landing = isOwn ? { kind: 'uncacheable' } : { kind: 'failed', error };
      for (const { flight } of led) flight?.land(landing);
      throw error;
    }
  }

  async #find(led: readonly Want[]): Promise<void> {
    const found = await this.#tiers.get(led.map(({ key }) => key));
    for (const [at, want] of led.entries()) {
      const hit = found[at];
      if (hit === undefined) continue;
      const { entry, tier } = hit;
      want.outcome = { value: entry.value, how: tier, entry, stored: true };
      want.flight?.land({ kind: 'shared', entry, stored: true });
    }
  }

  async #load(missing: Want[], load: Load): Promise<void> {
    missing.sort((a, b) => a.index - b.index);
    const stamp = this.#horizon.position;
    const beganAt = this.#clock.now();
    this.stats.loads += 1;
    this.stats.loaded += missing.length;
    let fills: readonly Fill[];
    try {
      fills = await load(missing.map(({ index }) => index));
    } catch (error) {
      this.stats.loadsFailed += 1;
      throw error;
    }
    assert(fills.length === missing.length, 'a load gives one fill for each key');
    const loaded = { stamp, beganAt, loadMs: this.#clock.now() - beganAt };
    for (const [at, want] of missing.entries()) this.#settle(want, fills[at] as Fill, loaded);
  }

  /** Stores the fill, if it may be, and tells who waits for it. */
  #settle(want: Want, fill: Fill, loaded: Loaded): void {
    const { key, flight } = want;
    const { value } = fill;
    if (fill.ttlMs <= 0 || !fill.shareable) {
      want.outcome = { value, how: 'loaded', entry: undefined, stored: false };
      flight?.land({ kind: fill.ttlMs <= 0 ? 'uncacheable' : 'unshareable' });
      return;
    }
    const entry = entryOf(fill, loaded, this.#random);
    const stored = this.#tiers.set(key, entry) === 'current';
    want.outcome = { value, how: 'loaded', entry: stored ? entry : undefined, stored };
    flight?.land({ kind: 'shared', entry, stored });
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
      case 'unshareable':
        break;
      case 'uncacheable':
        want.alone = true;
        break;
      case 'failed':
        want.failures.push(landing.error);
        return;
      default:
        landing satisfies never;
    }
    this.stats.landingsRefused += 1;
  }
}

/** One of the keys that a caller asked for, and how far its answer has come. */
interface Want {
  readonly key: CacheKey;
  readonly index: number;
  /** It waits for no one, and no one for it. */
  alone: boolean;
  /** Its own flight; undefined as well where there were too many. */
  flight: Flight | undefined;
  outcome: Outcome | undefined;
  /** Of the loads of others that it waited for. */
  readonly failures: unknown[];
}

function wantsOf(keys: readonly CacheKey[], alone: boolean): ReadonlyMap<string, Want> {
  const wants = new Map<string, Want>();
  for (const [index, key] of keys.entries()) {
    if (wants.has(key.id)) continue;
    const want: Want = { key, index, alone, flight: undefined, outcome: undefined, failures: [] };
    wants.set(key.id, want);
  }
  return wants;
}
