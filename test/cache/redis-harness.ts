/** A `RedisStore` on a private real Redis, and the plain client of some other program beside it. */
import { Redis } from 'ioredis';
import type { CacheKey } from '../../src/cache/key.ts';
import { READ_COMMANDS } from '../../src/cache/redis-scripts.ts';
import { RedisStore, type RedisStoreOptions } from '../../src/cache/redis-store.ts';
import { connectRedis, type RedisClient } from '../../src/invalidation/redis.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { entryOf } from './samples.ts';

/** Redis' clock does not stand still with ours: a slow test must not make writes come too late. */
const PATIENT_MS = 3_600_000;

export interface OpenRedisStore {
  readonly store: RedisStore;
  readonly client: RedisClient;
  readonly clock: ManualClock;
  close(): Promise<void>;
}

export async function openRedisStore(
  url: string,
  options: Partial<RedisStoreOptions> & { readonly clock?: ManualClock } = {},
): Promise<OpenRedisStore> {
  const { clock = new ManualClock() } = options;
  const client = connectRedis(url, { autoPipelining: true, unpipelined: READ_COMMANDS });
  const random = seededRandom('redis store');
  const writeDelayMsMax = PATIENT_MS;
  const store = new RedisStore({ redis: client, random, writeDelayMsMax, ...options, clock });
  await until(() => client.status === 'ready', { what: 'the connection is ready' });
  const close = async (): Promise<void> => {
    const closed = store.close();
    await clock.advanceAsync(1_000);
    await closed;
    client.disconnect();
  };
  return { store, client, clock, close };
}

/** What other programs of the system use: no scripts, no cache. */
export function plainClient(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => undefined);
  return client;
}

export const textOf = async (
  store: RedisStore,
  key: CacheKey,
): Promise<string | undefined> => (await store.get([key]))[0]?.value.toString();

/** Resolves when what the store writes can be read again. */
export async function healed(store: RedisStore, clock: ManualClock, key: CacheKey): Promise<void> {
  await until(
    async () => {
      clock.advance(1_000);
      store.set(key, entryOf('healed', { readAt: clock.now() }));
      await store.settled();
      return (await textOf(store, key)) === 'healed';
    },
    { what: 'the store stores again', everyMs: 20 },
  );
}
