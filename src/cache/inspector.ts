/**
 * Looks into both tiers without using anything: for whoever asks what would be served, and why not.
 *
 * It promises: nothing that is asked here changes what is kept, for how long, what is dropped
 * first, or what is counted. What it gives are copies.
 */
import { pause, type Clock, type Millis } from '../invalidation/clock.ts';
import type { Tag } from '../invalidation/tag.ts';
import type { Departure } from './departures.ts';
import type { Entry } from './entry.ts';
import type { Freshness, Verdict } from './freshness.ts';
import { keyOf, type CacheKey } from './key.ts';
import type { MemoryStore } from './memory-store.ts';
import type { Tier } from './tiers.ts';

/** What is known of one key. */
export interface Sighting {
  readonly key: CacheKey;
  /** Where the entry was found; of two, the one that would be served. */
  readonly tier: Tier | undefined;
  readonly entry: Entry | undefined;
  readonly verdict: Verdict | undefined;
  /** Why it is not in memory, as far as that is remembered. */
  readonly departure: Departure | undefined;
}

/** Redis, as it is looked into: apart from the reads of requests and what is counted of them. */
export interface InspectedStore {
  get(keys: readonly CacheKey[]): Promise<readonly (Entry | undefined)[]>;
  /** The ways in which the entity at `home` is kept. Never rejects. */
  fieldsOf(home: string): Promise<readonly string[]>;
}

export interface InspectorOptions {
  readonly l1: MemoryStore;
  /** Default none. */
  readonly l2: InspectedStore | undefined;
  readonly freshness: Freshness;
  readonly clock: Clock;
}

export interface Holding {
  /** As many as are shown. */
  readonly sightings: readonly Sighting[];
  /** How many there are in memory and, where the tag is that of an entity, in Redis. */
  readonly count: number;
  readonly inMemory: number;
  /** Ways in which Redis keeps the entity that the tag names; undefined: there is no Redis. */
  readonly inRedis: number | undefined;
  /** In memory, those that carry a tag below it. */
  readonly below: number;
  /** False: not all that is in memory was looked at. */
  readonly isComplete: boolean;
}

const SHOWN_MAX = 100;
const SCANNED_MAX = 100_000;
/** The event loop is held for so long, and for one entry more. */
const SLICE_MS: Millis = 1;

export class Inspector {
  readonly #options: InspectorOptions;

  constructor(options: InspectorOptions) {
    this.#options = options;
  }

  /** One for each key, in order. Never rejects. */
  async look(keys: readonly CacheKey[]): Promise<readonly Sighting[]> {
    const { l1, l2 } = this.#options;
    const above = keys.map((key) => this.#judged(key, 'l1', l1.look(key)));
    const open = above.flatMap((one, index) => (one.verdict === 'current' ? [] : [index]));
    if (l2 === undefined || open.length === 0) return above;
    const found = await l2.get(open.map((index) => keys[index] as CacheKey));
    const all = [...above];
    for (const [at, index] of open.entries()) {
      const below = this.#judged(keys[index] as CacheKey, 'l2', found[at]);
      all[index] = betterOf(above[index] as Sighting, below);
    }
    return all;
  }

  /** What carries the tag: in memory, and what Redis keeps of the entity that it names. */
  async holding(tag: Tag): Promise<Holding> {
    const { l1, l2, clock } = this.#options;
    const sightings = new Map<string, Sighting>();
    const prefix = `${tag}:`;
    let [scanned, inMemory, below, sliceAt] = [0, 0, 0, clock.now()];
    for (const [id, entry] of l1.held()) {
      if (scanned === SCANNED_MAX) break;
      scanned += 1;
      if (clock.now() - sliceAt >= SLICE_MS) {
        await pause(clock, 0);
        sliceAt = clock.now();
      }
      if (entry.tags.some((one) => one.startsWith(prefix))) below += 1;
      if (!entry.tags.includes(tag)) continue;
      inMemory += 1;
      const key = keyOf(id);
      if (sightings.size < SHOWN_MAX) sightings.set(id, this.#judged(key, 'l1', entry));
    }
    const isComplete = scanned < SCANNED_MAX;
    let count = inMemory;
    const fields = await l2?.fieldsOf(tag) ?? [];
    const keys = fields.slice(0, SHOWN_MAX).map((field) => keyOf(`${tag}\n${field}`));
    for (const one of await this.look(keys)) {
      if (one.entry === undefined || sightings.has(one.key.id)) continue;
      sightings.set(one.key.id, one);
      count += 1;
    }
    const inRedis = l2 === undefined ? undefined : fields.length;
    const shown = [...sightings.values()];
    return { sightings: shown, count, inMemory, inRedis, below, isComplete };
  }

  #judged(key: CacheKey, tier: Tier, held: Entry | undefined): Sighting {
    const { l1, freshness } = this.#options;
    const departure = l1.departures.of(key.id);
    if (held === undefined) {
      return { key, tier: undefined, entry: undefined, verdict: undefined, departure };
    }
    // The rule remembers in an entry what it has found.
    const entry = { ...held };
    return { key, tier, entry, verdict: freshness.judge(entry), departure };
  }
}

/** What would be served, else what is past its TTL alone, else what is there at all. */
function betterOf(above: Sighting, below: Sighting): Sighting {
  if (below.verdict === 'current' || above.verdict === undefined) return below;
  return above.verdict !== 'expired' && below.verdict === 'expired' ? below : above;
}
