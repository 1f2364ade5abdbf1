import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { entityKey, responseKey } from '../../src/cache/key.ts';
import type { RedisStore } from '../../src/cache/redis-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startCluster, type RedisCluster } from '../support/redis-groups.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { openRedisStore, plainClient, textOf, type OpenRedisStore } from './redis-harness.ts';
import { entryOf } from './samples.ts';
import { describeStore } from './store-contract.ts';

let server: RedisServer;
let plain: Redis;

beforeAll(async () => {
  server = await startRedis();
  plain = plainClient(server.url);
});
beforeEach(() => plain.flushall());
afterAll(async () => {
  plain.disconnect();
  await server.stop();
});

describeStore('RedisStore', async () => {
  const { store, clock, close } = await openRedisStore(server.url);
  return { store, clock, settled: () => store.settled(), end: close };
});

describe('on a Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  describeStore('RedisStore on a Cluster', async () => {
    for (const node of cluster.nodes) {
      const client = plainClient(node.url);
      await client.flushall();
      client.disconnect();
    }
    const { store, clock, close } = await openRedisStore(cluster.url);
    return { store, clock, settled: () => store.settled(), end: close };
  });
});

describe('what is in Redis', () => {
  let opened: OpenRedisStore;
  let store: RedisStore;
  const [a, b] = [entityKey('user:1', ['a']), entityKey('user:1', ['b'])];

  beforeEach(async () => {
    opened = await openRedisStore(server.url);
    store = opened.store;
  });
  afterEach(() => opened.close());

  it('is a hash for an entity, with a field for each way of asking; a DEL drops all', async () => {
    store.set(a, entryOf('A'));
    store.set(b, entryOf('B'));
    store.set(responseKey(['r']), entryOf('R'));
    await store.settled();
    expect(new Set(await plain.hkeys('user:1'))).toEqual(new Set([a.field, b.field]));
    expect(await plain.type(responseKey(['r']).home)).toBe('string');
    await plain.del('user:1');
    expect(await store.get([a, b])).toEqual([undefined, undefined]);
    expect(await textOf(store, responseKey(['r']))).toBe('R');
  });

  it('bears the prefix that was configured', async () => {
    const other = await openRedisStore(server.url, { prefix: 'shop:' });
    other.store.set(a, entryOf('A'));
    await other.store.settled();
    expect(await plain.keys('*')).toEqual(['shop:user:1']);
    expect(await textOf(other.store, a)).toBe('A');
    expect(await textOf(store, a)).toBeUndefined();
    await other.close();
  });

  it('lives as long as the longest-lived field', async () => {
    store.set(a, entryOf('A', { ttlMs: 60_000 }));
    store.set(b, entryOf('B', { ttlMs: 1_000, staleWhileRevalidateMs: 1_000 }));
    await store.settled();
    expect(await plain.pttl('user:1')).toBeGreaterThan(30_000);
    store.set(b, entryOf('B', { ttlMs: 90_000 }));
    await store.settled();
    expect(await plain.pttl('user:1')).toBeGreaterThan(60_000);
  });

  it('never lives for ever, even in a hash that somebody else made without an end', async () => {
    await plain.hset('user:1', 'foreign', 'field');
    store.set(a, entryOf('A', { ttlMs: 60_000 }));
    await store.settled();
    expect(await plain.pttl('user:1')).toBeGreaterThan(0);
  });

  it('is aged by the clock of Redis, and by what the writer knew of its age', async () => {
    opened.clock.advance(700);
    store.set(a, entryOf('A', { readAt: 0, ttlMs: 60_000 }));
    await store.settled();
    const reader = await openRedisStore(server.url);
    const old = (await plain.hget('user:1', a.field ?? ''))?.length;
    expect(old).toBeGreaterThan(16);
    const stored = await plain.hgetBuffer('user:1', a.field ?? '') as Buffer;
    const writtenAt = Number(stored.toString('latin1', 0, 16)) - 30_000;
    const earlier = Buffer.from(String(writtenAt).padStart(16, '0'));
    await plain.hset('user:1', a.field ?? '', Buffer.concat([earlier, stored.subarray(16)]));
    const [found] = await reader.store.get([a]);
    expect(found?.readAt).toBeLessThanOrEqual(-30_700);
    expect(found?.readAt).toBeGreaterThan(-60_000);
    expect((found?.staleAt ?? 0) - (found?.readAt ?? 0)).toBe(60_000);
    await reader.close();
  });

  it('is not used if it seems to have been written in the future', async () => {
    store.set(a, entryOf('A'));
    await store.settled();
    const stored = await plain.hgetBuffer('user:1', a.field ?? '') as Buffer;
    const later = Buffer.from(String(Number(stored.toString('latin1', 0, 16)) + 60_000));
    const padded = Buffer.from(later.toString().padStart(16, '0'));
    await plain.hset('user:1', a.field ?? '', Buffer.concat([padded, stored.subarray(16)]));
    expect(await textOf(store, a)).toBeUndefined();
  });

  it('holds no more ways of asking than its limit: a full hash is dropped first', async () => {
    const small = await openRedisStore(server.url, { fieldsMax: 4 });
    const keys = [1, 2, 3, 4, 5].map((n) => entityKey('user:1', [n]));
    for (const key of keys.slice(0, 4)) small.store.set(key, entryOf('value'));
    small.store.set(keys[0] ?? a, entryOf('again'));
    await small.store.settled();
    expect(await plain.hlen('user:1')).toBe(4);
    small.store.set(keys[4] ?? a, entryOf('fifth'));
    await small.store.settled();
    expect(await plain.hlen('user:1')).toBe(1);
    expect((await small.store.get(keys)).map((entry) => entry?.value.toString()))
      .toEqual([undefined, undefined, undefined, undefined, 'fifth']);
    await small.close();
  });

  it('asks for more ways at once than one hash may hold, and gets them all', async () => {
    const keys = Array.from({ length: 200 }, (_, n) => entityKey('user:1', [n % 60, 'way']));
    for (const key of keys.slice(0, 60)) store.set(key, entryOf(key.id));
    await store.settled();
    const found = await store.get(keys);
    expect(found.map((entry) => entry?.value.toString())).toEqual(keys.map(({ id }) => id));
  });

  it('is nothing larger than the limit, and nothing larger is fetched', async () => {
    const small = await openRedisStore(server.url, { valueBytesMax: 1_000 });
    small.store.set(a, entryOf(Buffer.alloc(1_001)));
    small.store.set(b, entryOf('B', { tags: [`user:${'x'.repeat(1_000)}`] }));
    await small.store.settled();
    expect(small.store.stats.oversized).toBe(2);
    expect(await plain.keys('*')).toEqual([]);
    store.set(a, entryOf(Buffer.alloc(2_000)));
    await store.settled();
    expect(await textOf(small.store, a)).toBeUndefined();
    expect(small.store.stats.undecodable).toBe(0);
    expect((await store.get([a]))[0]?.value.byteLength).toBe(2_000);
    await small.close();
  });

  it('is dropped with the homes that are unlinked', async () => {
    store.set(a, entryOf('A'));
    store.set(entityKey('user:2', ['a']), entryOf('A of 2'));
    await store.settled();
    store.unlink(['user:1', 'user:none']);
    await store.settled();
    expect(await plain.keys('*')).toEqual(['user:2']);
  });

  it('is read in one round trip, however many keys and readers', async () => {
    const keys = Array.from({ length: 50 }, (_, n) => entityKey(`user:${n}`, ['a']));
    for (const key of keys) store.set(key, entryOf(key.id));
    await store.settled();
    await plain.config('RESETSTAT');
    const [all, one] = await Promise.all([store.get(keys), store.get(keys.slice(0, 1))]);
    expect(all.every((entry) => entry !== undefined)).toBe(true);
    expect(one[0]).toBeDefined();
    const reads = /total_reads_processed:(\d+)/.exec(await plain.info('stats'));
    // Our batch, and the plain client's INFO.
    expect(Number(reads?.[1])).toBeLessThanOrEqual(2);
  });
});

describe('what is read in one turn', () => {
  let opened: OpenRedisStore;
  let store: RedisStore;

  beforeEach(async () => {
    opened = await openRedisStore(server.url);
    store = opened.store;
  });
  afterEach(() => opened.close());

  /** How often Redis was told to run a script, and what `work` gave. */
  async function scriptsRun<T>(work: () => Promise<T>): Promise<readonly [number, T]> {
    await plain.config('RESETSTAT');
    const result = await work();
    const stats = await plain.info('commandstats');
    const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)];
    return [calls.reduce((sum, [, count]) => sum + Number(count), 0), result];
  }

  it('is read by one command, whoever asks', async () => {
    const keys = Array.from({ length: 30 }, (_, n) =>
      (n % 2 === 0 ? responseKey([n]) : entityKey(`user:${n % 6}`, [n])));
    for (const key of keys) store.set(key, entryOf(key.id));
    await store.settled();
    const [commands, found] = await scriptsRun(() =>
      Promise.all(keys.map((key) => textOf(store, key))));
    expect(found).toEqual(keys.map(({ id }) => id));
    expect(commands).toBe(1);
    expect(store.stats.reads).toBe(30);
  });

  it('is fetched once, however many want it', async () => {
    const key = responseKey(['wanted']);
    store.set(key, entryOf('x'.repeat(1_000)));
    store.set(entityKey('user:1', ['a']), entryOf('A'));
    await store.settled();
    const wanted = [key, entityKey('user:1', ['a']), responseKey(['none'])];
    await plain.config('RESETSTAT');
    const found = await Promise.all(Array.from({ length: 20 }, () => store.get(wanted)));
    for (const entries of found) {
      expect(entries.map((entry) => entry?.value.length)).toEqual([1_000, 1, undefined]);
    }
    const sent = /total_net_output_bytes:(\d+)/.exec(await plain.info('stats'));
    expect(Number(sent?.[1])).toBeLessThan(3_000);
  });

  it('is read by many commands where the values are large: no one holds Redis up', async () => {
    const keys = Array.from({ length: 32 }, (_, n) => responseKey(['large', n]));
    const small = await openRedisStore(server.url, { packBytesMin: 5 * 1024 * 1024 });
    for (const key of keys) small.store.set(key, entryOf(Buffer.alloc(100_000, key.id)));
    await small.store.settled();
    const read = () => small.store.get(keys);
    const [, first] = await scriptsRun(read);
    expect(first.every((entry) => entry?.value.length === 100_000)).toBe(true);
    const [commands, again] = await scriptsRun(read);
    expect(again.every((entry) => entry?.value.length === 100_000)).toBe(true);
    expect(commands).toBeGreaterThan(3);
    await small.close();
  });

  it('does not fail where one of its keys is of another type, or no entry', async () => {
    const [a, b, c] = [responseKey(['a']), responseKey(['b']), responseKey(['c'])];
    store.set(c, entryOf('C'));
    await store.settled();
    await plain.lpush(a.home, 'x');
    await plain.set(b.home, 'x');
    const found = await Promise.all([a, b, c].map((key) => textOf(store, key)));
    expect(found).toEqual([undefined, undefined, 'C']);
    expect([store.stats.errors, store.stats.undecodable]).toEqual([1, 1]);
  });
});

describe('a large value', () => {
  const large = Buffer.from('{"name":"Ada"},'.repeat(3_000));
  const huge = Buffer.from('{"name":"Ada"},'.repeat(60_000));
  const key = responseKey(['large']);
  let opened: OpenRedisStore;
  let store: RedisStore;

  beforeEach(async () => {
    opened = await openRedisStore(server.url);
    store = opened.store;
  });
  afterEach(() => opened.close());

  it.each([large, huge])('is packed in Redis, and read as it was', async (value) => {
    store.set(key, entryOf(value));
    await store.settled();
    expect(await plain.strlen(key.home)).toBeLessThan(value.length / 4);
    const [found] = await store.get([key]);
    expect(found?.value.equals(value)).toBe(true);
    expect(store.stats.packed).toBe(1);
  });

  it('that gains nothing is stored as it is', async () => {
    const random = seededRandom('noise');
    const noise = Buffer.from(Array.from({ length: 20_000 }, () => integerBelow(random, 256)));
    store.set(key, entryOf(noise));
    await store.settled();
    expect(store.stats.packed).toBe(0);
    expect((await store.get([key]))[0]?.value.equals(noise)).toBe(true);
  });

  it('is not written after what came later for the same key', async () => {
    store.set(key, entryOf(large));
    store.set(key, entryOf('later'));
    const gone = entityKey('user:1', ['gone']);
    store.set(gone, entryOf(large));
    store.delete(gone);
    const kept = entityKey('user:2', ['kept']);
    store.set(kept, entryOf(large));
    store.unlink(['user:2']);
    store.set(kept, entryOf('kept'));
    await store.settled();
    expect(await Promise.all([key, gone, kept].map((one) => textOf(store, one))))
      .toEqual(['later', undefined, 'kept']);
  });

  it('is aged by the time that it took to pack it', async () => {
    store.set(key, entryOf(large));
    opened.clock.advance(700);
    await store.settled();
    const [found] = await store.get([key]);
    expect(found?.readAt).toBeLessThanOrEqual(0);
    expect((found?.staleAt ?? 0) - (found?.readAt ?? 0)).toBe(60_000);
  });

  it('is of no use to a reader who may hold no more than less', async () => {
    store.set(key, entryOf(large));
    await store.settled();
    const small = await openRedisStore(server.url, { valueBytesMax: large.length - 1 });
    expect(await textOf(small.store, key)).toBeUndefined();
    await small.close();
  });
});

describe('a write that Redis gets to do late', () => {
  it('is of an entry that has aged until then', async () => {
    const opened = await openRedisStore(server.url);
    const key = responseKey(['delayed']);
    expect(await textOf(opened.store, key)).toBeUndefined();
    await plain.call('client', 'pause', 400, 'WRITE');
    opened.store.set(key, entryOf('delayed'));
    await opened.store.settled();
    const [found] = await opened.store.get([key]);
    expect(found?.readAt).toBeLessThanOrEqual(-300);
    await opened.close();
  });
});

describe('a write that Redis gets to do too late', () => {
  it('is not done: the entry would seem younger than it is', async () => {
    const clock = new ManualClock();
    const opened = await openRedisStore(server.url, { clock, writeDelayMsMax: 200 });
    const key = responseKey(['late']);
    expect(await textOf(opened.store, key)).toBeUndefined();
    server.pause();
    opened.store.set(key, entryOf('late'));
    const begin = performance.now();
    await until(() => performance.now() - begin > 500, { what: 'the write is late' });
    server.resume();
    await opened.store.settled();
    expect(opened.store.stats.writesDropped).toBe(1);
    expect(await plain.exists(key.home)).toBe(0);
    await opened.close();
  });
});
