/**
 * L1 with the rule in front of it, put together as the gateway does, for what is measured without
 * HTTP. It is filled through the read path, as an answer of an origin is.
 */
import assert from 'node:assert/strict';
import { Freshness } from '../src/cache/freshness.ts';
import { responseKey, type CacheKey } from '../src/cache/key.ts';
import { MemoryStore } from '../src/cache/memory-store.ts';
import { ReadPath } from '../src/cache/read-path.ts';
import { Tiers } from '../src/cache/tiers.ts';
import { systemClock, systemRandom } from '../src/invalidation/clock.ts';
import { Horizon } from '../src/invalidation/horizon.ts';
import { readPattern } from '../src/invalidation/pattern.ts';
import { successor } from '../src/invalidation/position.ts';
import { collectionTag, entityTag, tagOf, type Tag } from '../src/invalidation/tag.ts';

const GIB = 1024 ** 3;
const TTL_MS = 3_600_000;

export interface CacheOptions {
  readonly entries: number;
  readonly bytes: number;
}

export class CacheInProcess {
  readonly store: MemoryStore;
  readonly #horizon = new Horizon();
  readonly #tiers: Tiers;
  readonly #readPath: ReadPath;
  readonly #options: CacheOptions;

  constructor(options: CacheOptions) {
    const [horizon, clock, random] = [this.#horizon, systemClock, systemRandom];
    const hearing = { hears: () => true };
    const freshness = new Freshness({ horizon, hearing, clock, maxStalenessMs: 5_000 });
    this.store = new MemoryStore({ clock, bytesMax: 16 * GIB, entriesMax: options.entries });
    this.#tiers = new Tiers({ l1: this.store, freshness });
    this.#readPath = new ReadPath({ tiers: this.#tiers, freshness, horizon, clock, random });
    this.#options = options;
  }

  /** From a text as an operator writes it to where every reader knows. */
  purge(pattern: string): void {
    this.#horizon.advance(successor(this.#horizon.position), [readPattern(pattern)]);
  }

  /** A reader's look, as a hit is one. False: it is not there, or stale. */
  holds(key: CacheKey): boolean {
    return this.#tiers.peek(key) !== undefined;
  }

  async fill(): Promise<void> {
    for (let n = 0; n < this.#options.entries; n += 1) await this.load(n);
    assert.equal(this.store.size, this.#options.entries, 'all of it is held');
  }

  /** Each tag and each value has memory of its own, as what comes out of an answer has. */
  async load(n: number): Promise<void> {
    const value = Buffer.alloc(this.#options.bytes, n % 256);
    const fill = { value, tags: tagsOf(n), ttlMs: TTL_MS, shareable: true };
    await this.#readPath.read([keyOf(n)], () => Promise.resolve([fill]));
  }
}

export function keyOf(n: number): CacheKey {
  return responseKey(['account', { id: n }]);
}

/** Ten: an entity, its type, a path below a list, and what many answers hold. */
function tagsOf(n: number): readonly Tag[] {
  const shared = Array.from({ length: 7 }, (_, at) => entityTag('Author', (n * 7 + at) % 5_000));
  const below = tagOf(['list', String(n % 1_000), 'rows']);
  return [collectionTag('Account'), entityTag('Account', n), below, ...shared];
}
