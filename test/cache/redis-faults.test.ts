/** Redis slow, away, emptied, full, or holding what nobody can read: nothing fails for it. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Redis } from 'ioredis';
import { entityKey, FORMAT_VERSION, responseKey } from '../../src/cache/key.ts';
import { RedisStore } from '../../src/cache/redis-store.ts';
import { systemClock } from '../../src/invalidation/clock.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { healed, openRedisStore, plainClient, textOf } from './redis-harness.ts';
import type { OpenRedisStore } from './redis-harness.ts';
import { entryOf } from './samples.ts';

let server: RedisServer;
let plain: Redis;
let opened: OpenRedisStore;
let store: RedisStore;
let clock: ManualClock;
const key = responseKey(['a']);

beforeEach(async () => {
  server = await startRedis();
  plain = plainClient(server.url);
  opened = await openRedisStore(server.url);
  ({ store, clock } = opened);
});
afterEach(async () => {
  await opened.close();
  plain.disconnect();
  await server.stop();
});

/** What a read gives when nothing answers: the clock is moved just to the bound. */
async function readInVain(): Promise<unknown> {
  const reading = store.get([key]);
  await clock.advanceAsync(50);
  return reading;
}

describe('a Redis that does not answer', () => {
  it('makes a read wait for its bound, no longer, and find nothing', async () => {
    store.set(key, entryOf('A'));
    await store.settled();
    server.pause();
    const reading = store.get([key]);
    let ended = false;
    void reading.then(() => {
      ended = true;
    });
    await clock.advanceAsync(49);
    expect(ended).toBe(false);
    await clock.advanceAsync(1);
    expect(await reading).toEqual([undefined]);
    expect(store.stats.timeouts).toBe(1);
    server.resume();
  });

  it('is one that has answered, where the process stood still and has not read it', async () => {
    const busy = new RedisStore({ redis: opened.client, clock: systemClock, random: Math.random });
    busy.set(key, entryOf('A', { readAt: systemClock.now() }));
    await busy.settled();
    await plain.client('PAUSE', 20);
    const reading = busy.get([key]);
    // From here timers come before sockets.
    await turn();
    const end = performance.now() + 500;
    while (performance.now() < end);
    expect((await reading)[0]?.value.toString()).toBe('A');
    expect(busy.stats.timeouts).toBe(0);
    await busy.close();
  });

  it('is not asked any more after several times, but now and then', async () => {
    server.pause();
    for (let time = 0; time < 3; time += 1) expect(await readInVain()).toEqual([undefined]);
    expect(store.circuitOpen).toBe(true);
    expect(clock.pending).toBe(0);
    expect(await store.get([key])).toEqual([undefined]);
    expect(store.stats.readsSkipped).toBe(1);
    clock.advance(1_000);
    const probe = store.get([key]);
    expect(await store.get([key])).toEqual([undefined]);
    await clock.advanceAsync(50);
    await probe;
    expect(store.stats.timeouts).toBe(4);
    server.resume();
    await healed(store, clock, key);
    expect(store.circuitOpen).toBe(false);
  });

  it('is not taken to have recovered because of answers that come too late', async () => {
    for (let time = 0; time < 3; time += 1) {
      server.pause();
      const before = store.stats.timeouts;
      await readInVain();
      expect(store.stats.timeouts).toBe(before + 1);
      server.resume();
      await plain.ping();
      await clock.advanceAsync(0);
    }
    expect(store.circuitOpen).toBe(true);
  });

  it('holds up no write, and of writes that wait there are no more than the limit', async () => {
    await opened.close();
    opened = await openRedisStore(server.url, { writesMax: 3 });
    ({ store, clock } = opened);
    server.pause();
    for (let n = 0; n < 10; n += 1) store.set(responseKey([n]), entryOf('value'));
    expect(store.stats.writes).toBe(3);
    expect(store.stats.writesDropped).toBe(7);
    server.resume();
    await store.settled();
    await healed(store, clock, key);
  });

  it('has no more bytes waiting for it than the limit', async () => {
    await opened.close();
    opened = await openRedisStore(server.url, { writeBytesMax: 10_000, valueBytesMax: 5_000 });
    ({ store, clock } = opened);
    server.pause();
    for (let n = 0; n < 10; n += 1) store.set(responseKey([n]), entryOf(Buffer.alloc(4_000)));
    expect(store.stats.writes).toBe(2);
    server.resume();
    await store.settled();
  });

  it('does not keep the store from being closed', async () => {
    server.pause();
    store.set(key, entryOf('A'));
    const closing = store.close();
    await clock.advanceAsync(250);
    await closing;
    server.resume();
  });
});

describe('a Redis that goes', () => {
  it('fails nothing while it is away, and is used again when it is back', async () => {
    store.set(key, entryOf('A'));
    await store.settled();
    const underWay = Array.from({ length: 50 }, () => store.get([key]));
    await server.kill();
    await clock.advanceAsync(50);
    await Promise.all(underWay);
    await until(() => opened.client.status !== 'ready', { what: 'the loss is noticed' });
    expect(await store.get([key])).toEqual([undefined]);
    store.set(key, entryOf('B'));
    store.delete(key);
    store.unlink(['user:1']);
    await store.settled();
    await server.restart();
    await healed(store, clock, key);
  });

  it('fails nothing if it was never there', async () => {
    await opened.close();
    await server.stop();
    const { client } = opened;
    expect(client.status).toBe('end');
    const absent = openRedisStore(server.url);
    await server.restart();
    opened = await absent;
    ({ store, clock } = opened);
    await healed(store, clock, key);
  });

  it('fails nothing when it is emptied, forgets its scripts and cuts connections', async () => {
    store.set(key, entryOf('A'));
    await store.settled();
    await plain.flushall();
    expect(await textOf(store, key)).toBeUndefined();
    await plain.script('FLUSH');
    store.set(key, entryOf('B'));
    await store.settled();
    expect(await textOf(store, key)).toBe('B');
    await plain.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await healed(store, clock, key);
  });
});

describe('what somebody else has put into Redis', () => {
  const entity = entityKey('user:1', ['a']);

  it('is not there if it is no entry', async () => {
    const time = '0000001772366400';
    const foreign = ['', 'x', '{"id":1}', time, `${time}${String.fromCharCode(FORMAT_VERSION)}`];
    for (const value of [...foreign, `${time}${'x'.repeat(100)}`, 'x'.repeat(100)]) {
      await plain.set(key.home, value);
      await plain.hset('user:1', entity.field ?? '', value);
      expect(await store.get([key, entity])).toEqual([undefined, undefined]);
    }
    expect(store.stats.undecodable).toBe(14);
    expect(store.stats.errors).toBe(0);
    store.set(key, entryOf('A'));
    await store.settled();
    expect(await textOf(store, key)).toBe('A');
  });

  it('is left alone where it is of another type, and does not open the circuit', async () => {
    await plain.set('user:1', 'a profile of the other service');
    await plain.lpush(key.home, 'x');
    store.set(responseKey(['b']), entryOf('B'));
    await store.settled();
    for (let time = 0; time < 5; time += 1) {
      const found = await store.get([entity, key, responseKey(['b'])]);
      expect(found.map((entry) => entry?.value.toString())).toEqual([undefined, undefined, 'B']);
    }
    store.set(entity, entryOf('A'));
    await store.settled();
    expect(await plain.get('user:1')).toBe('a profile of the other service');
    expect(store.stats.errors).toBeGreaterThan(0);
    expect(store.circuitOpen).toBe(false);
  });
});

describe('a Redis that is full', () => {
  it('keeps what it has, and writes that it refuses are counted', async () => {
    store.set(key, entryOf('A'));
    await store.settled();
    await plain.config('SET', 'maxmemory', '1');
    store.set(responseKey(['b']), entryOf('B'));
    await store.settled();
    expect(store.stats.errors).toBe(1);
    expect(await textOf(store, key)).toBe('A');
    await plain.config('SET', 'maxmemory', '0');
    await healed(store, clock, responseKey(['b']));
  });
});
