import { readFile } from 'node:fs/promises';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from './manual-clock.ts';
import { startCluster, startSentinel } from './redis-groups.ts';
import { freePort, startRedis } from './redis.ts';
import type { RedisServer } from './redis.ts';
import { seededRandom, shuffle } from './seeded-random.ts';
import { until } from './until.ts';

const ends: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function client(server: RedisServer): Redis {
  const redis = new Redis(server.url, { retryStrategy: () => 10 });
  // Broken connections are what these tests make; the commands show what comes of it.
  redis.on('error', () => undefined);
  ends.push(() => redis.disconnect());
  return redis;
}

describe('a private Redis server', () => {
  test('answers nothing while paused, and everything once resumed', async () => {
    const server = await startRedis({ password: 'p ä:@' });
    ends.push(() => server.stop());
    const redis = client(server);
    await redis.set('key', 'value');
    server.pause();
    let answered = false;
    const answer = redis.get('key').finally(() => (answered = true));
    await until(() => isStopped(server.pid), { what: 'the server is stopped' });
    expect(answered).toBe(false);
    server.resume();
    expect(await answer).toBe('value');
  });

  test('comes back on its port: empty after a kill, with its data where it persists', async () => {
    for (const persistence of [false, true]) {
      const server = await startRedis({ persistence });
      ends.push(() => server.stop());
      const redis = client(server);
      await redis.set('key', 'value');
      await server.kill();
      await server.restart();
      expect(await redis.get('key')).toBe(persistence ? 'value' : null);
    }
  });

  test('starts late on a port that was chosen before, and says so when it is taken', async () => {
    const port = await freePort();
    const server = await startRedis({ port });
    ends.push(() => server.stop());
    expect(server.port).toBe(port);
    await expect(startRedis({ port })).rejects.toThrow(/already in use/i);
  });

  test('ends in good order even while paused, and may be stopped twice', async () => {
    const server = await startRedis();
    server.pause();
    await server.stop();
    await server.stop();
    await expect(until(() => false, { what: 'never', deadlineMs: 20 })).rejects.toThrow(/never/);
  });
});

test('a cluster spreads its slots over three masters', async () => {
  const cluster = await startCluster();
  ends.push(() => cluster.stop());
  const redis = new Redis.Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })));
  ends.push(() => redis.disconnect());
  for (let index = 0; index < 32; index += 1) await redis.set(`key:${index}`, index);
  const sizes = await Promise.all(redis.nodes('master').map((node) => node.dbsize()));
  expect(sizes).toHaveLength(3);
  expect(sizes.every((size) => size > 0)).toBe(true);
});

test('a sentinel makes the replica the master when the master dies', async () => {
  const group = await startSentinel();
  ends.push(() => group.stop());
  const redis = new Redis({
    sentinels: [...group.sentinels],
    name: group.name,
    sentinelRetryStrategy: () => 50,
    retryStrategy: () => 50,
  });
  redis.on('error', () => undefined);
  ends.push(() => redis.disconnect());
  expect(await redis.set('key', 'value')).toBe('OK');
  await group.master.kill();
  const replica = client(group.replica);
  await until(async () => (await replica.role())[0] === 'master', {
    what: 'the replica is the master',
    everyMs: 50,
  });
  expect(await redis.set('key', 'after')).toBe('OK');
});

describe('a manual clock', () => {
  test('runs what is due in order, each task at its instant, and no more', () => {
    const clock = new ManualClock();
    const ran: [string, number][] = [];
    const note = (name: string) => (): void => void ran.push([name, clock.now()]);
    clock.after(20, note('later'));
    clock.after(10, () => {
      note('first')();
      clock.after(5, note('nested'));
    });
    const cancel = clock.after(12, note('cancelled'));
    cancel();
    clock.advance(19);
    expect(ran).toEqual([['first', 10], ['nested', 15]]);
    expect(clock.pending).toBe(1);
    clock.advance(1);
    expect(ran.at(-1)).toEqual(['later', 20]);
    expect(clock.pending).toBe(0);
  });

  test('lets promises settle between two tasks when asked to', async () => {
    const clock = new ManualClock();
    let loops = 0;
    void (async () => {
      for (; loops < 3; loops += 1) {
        await new Promise<void>((resolve) => void clock.after(10, resolve));
      }
    })();
    await clock.advanceAsync(100);
    expect(loops).toBe(3);
  });
});

test('chance from a seed is the same again, spread evenly, and another for another seed', () => {
  const numbers = (seed: number | string): number[] => {
    const random = seededRandom(seed);
    return Array.from({ length: 10_000 }, () => random());
  };
  expect(numbers('abc')).toEqual(numbers('abc'));
  expect(numbers('abc')).not.toEqual(numbers('abd'));
  const mean = numbers(1).reduce((sum, next) => sum + next, 0) / 10_000;
  expect(mean).toBeCloseTo(0.5, 1);
  expect(numbers(1).every((next) => next >= 0 && next < 1)).toBe(true);
  expect(shuffle(seededRandom(1), [1, 2, 3, 4]).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
});

/** Whether the kernel shows the process as stopped; elsewhere than on Linux it is taken as such. */
async function isStopped(pid: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return /\) T/.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
}
