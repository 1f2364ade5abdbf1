/**
 * Redis as an operator looks into it: with a store of its own on the same connection, so that what
 * requests have learnt of Redis, and what is counted of them, is left as it is.
 */
import type { Cluster, Redis } from 'ioredis';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { within } from '../invalidation/within.ts';
import type { Entry } from './entry.ts';
import type { InspectedStore } from './inspector.ts';
import type { CacheKey } from './key.ts';
import { RedisStore } from './redis-store.ts';

export interface RedisInspectionOptions {
  readonly redis: Redis | Cluster;
  readonly clock: Clock;
  readonly random: Random;
  readonly prefix: string;
  readonly readTimeoutMs: Millis;
}

export class RedisInspection implements InspectedStore {
  readonly #options: RedisInspectionOptions;
  readonly #store: RedisStore;

  constructor(options: RedisInspectionOptions) {
    this.#options = options;
    this.#store = new RedisStore(options);
  }

  get(keys: readonly CacheKey[]): Promise<readonly (Entry | undefined)[]> {
    return this.#store.get(keys);
  }

  async fieldsOf(home: string): Promise<readonly string[]> {
    const { redis, prefix, readTimeoutMs: timeoutMs, clock } = this.#options;
    if (redis.status !== 'ready') return [];
    // Away, slow, or something else under that name: nothing is known to be there.
    return within(redis.hkeys(prefix + home), { timeoutMs, clock }).catch(() => []);
  }
}
