import { setImmediate as macrotask } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import { RedisLoadLock } from '../../src/cache/redis-load-lock.ts';
import { connectRedis, type RedisClient } from '../../src/invalidation/redis.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startCluster, type RedisCluster } from '../support/redis-groups.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { describeLoadLock, type OpenLoadLock } from './load-lock-contract.ts';
import { MemoryLoadLock } from './memory-load-lock.ts';
import { plainClient } from './redis-harness.ts';

const key = responseKey(['a']);
let prefixes = 0;

describeLoadLock('memory', async () => {
  const clock = new ManualClock();
  const lock = new MemoryLoadLock(clock);
  return { here: lock, there: lock, tick: () => clock.advance(5), end: async () => undefined };
});

async function lockOf(url: string, options: { owner: string; prefix: string }): Promise<{
  lock: RedisLoadLock;
  clock: ManualClock;
  client: RedisClient;
}> {
  const clock = new ManualClock();
  const client = connectRedis(url, { autoPipelining: true });
  await until(() => client.status === 'ready', { what: 'the connection is ready' });
  const random = seededRandom('lock');
  return { lock: new RedisLoadLock({ redis: client, clock, random, ...options }), clock, client };
}

async function openPair(url: string): Promise<OpenLoadLock> {
  prefixes += 1;
  const prefix = `p${prefixes}:`;
  const here = await lockOf(url, { owner: 'here', prefix });
  const there = await lockOf(url, { owner: 'there', prefix });
  const end = async (): Promise<void> => {
    for (const { client } of [here, there]) client.disconnect();
  };
  return { here: here.lock, there: there.lock, tick: () => undefined, end };
}

describe('with a Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  describeLoadLock('Redis', () => openPair(server.url));

  describe('in trouble', () => {
    let opened: Awaited<ReturnType<typeof lockOf>>;
    beforeEach(async () => {
      prefixes += 1;
      opened = await lockOf(server.url, { owner: 'here', prefix: `p${prefixes}:` });
      return () => opened.client.disconnect();
    });

    it('lets everybody load, within the bound, when it does not answer', async () => {
      const { lock, clock } = opened;
      server.pause();
      const leases = Promise.all([lock.acquire([key], 60_000), lock.acquire([key], 60_000)]);
      await macrotask();
      await clock.advanceAsync(50);
      expect((await leases).flat().map(({ kind }) => kind)).toEqual(['held', 'held']);
      expect(lock.stats.faults).toBe(2);
      server.resume();
      // What was set too late for anybody is released as soon as that is known.
      const plain = plainClient(server.url);
      const isGone = async (): Promise<boolean> =>
        (await plain.keys(`p${prefixes}:lock:*`)).length === 0;
      await plain.ping();
      await until(async () => {
        await clock.advanceAsync(1_000);
        return isGone();
      }, { what: 'the late lock is released' });
      plain.disconnect();
    });

    it('lets everybody load when it is gone, and locks again when it is back', async () => {
      const { lock, clock } = opened;
      await server.kill();
      await until(() => opened.client.status !== 'ready', { what: 'the connection is lost' });
      const leases = [await lock.acquire([key], 1_000), await lock.acquire([key], 1_000)];
      expect(leases.flat().map(({ kind }) => kind)).toEqual(['held', 'held']);
      expect(await lock.held([key])).toEqual([false]);
      await server.restart();
      const isLocked = async (): Promise<boolean> => {
        clock.advance(1_000);
        await lock.acquire([key], 60_000);
        return (await lock.acquire([key], 60_000))[0]?.kind === 'taken';
      };
      await until(isLocked, { what: 'the lock works again', everyMs: 20 });
    });
  });
});

describe('with a Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  describeLoadLock('a Cluster', () => openPair(cluster.url));

  it('locks keys that live on different masters in one call', async () => {
    const { here, there, end } = await openPair(cluster.url);
    const keys = Array.from({ length: 30 }, (_, n) => responseKey([n]));
    const kinds = new Set((await here.acquire(keys, 60_000)).map(({ kind }) => kind));
    expect(kinds).toEqual(new Set(['held']));
    expect(new Set(await there.held(keys))).toEqual(new Set([true]));
    await end();
  });
});
