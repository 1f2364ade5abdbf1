import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FilePositionStore } from '../../src/invalidation/position-file.ts';
import { MemoryPositionStore } from '../../src/invalidation/position-memory.ts';
import { RedisPositionStore } from '../../src/invalidation/position-redis.ts';
import type { PositionStore } from '../../src/invalidation/position-store.ts';
import { ORIGIN, positionOf } from '../../src/invalidation/position.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { positionStoreContract } from './position-store-contract.ts';

describe('a position in a file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'position-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const path = () => join(folder, 'position');
  positionStoreContract(() => new FilePositionStore(path()));

  it('that was damaged is before everything, so that a gap is told of', async () => {
    writeFileSync(path(), 'no position');
    expect(await new FilePositionStore(path()).load()).toBe(ORIGIN);
  });

  it('cannot be read or saved where there is no such folder or no file', async () => {
    const lost = new FilePositionStore(join(folder, 'none', 'position'));
    await expect(lost.save(positionOf(1, 1))).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(path());
    await expect(new FilePositionStore(path()).load()).rejects.toMatchObject({ code: 'EISDIR' });
  });
});

describe('a position in memory', () => {
  let store: PositionStore;
  beforeEach(() => {
    store = new MemoryPositionStore();
  });
  positionStoreContract(() => store);
});

describe('a position in Redis', () => {
  let server: RedisServer;
  let plain: Redis;
  beforeAll(async () => {
    server = await startRedis();
    plain = new Redis(server.url);
  });
  afterAll(async () => {
    plain.disconnect();
    await server.stop();
  });
  beforeEach(() => plain.flushall());

  const make = (name = 'feed-service-1') => new RedisPositionStore({
    redis: server.url, name, timeoutMs: 500,
  });
  positionStoreContract(() => make());

  it('is one for each name', async () => {
    const [one, other] = [make('one'), make('other')];
    await one.save(positionOf(1, 1));
    expect(await other.load()).toBeUndefined();
    expect(await plain.get('cache:invalidate:position:one')).toBe('1-1');
    await Promise.all([one.close(), other.close()]);
  });

  it('that was damaged is before everything, so that a gap is told of', async () => {
    await plain.set('cache:invalidate:position:damaged', 'no position');
    const store = make('damaged');
    expect(await store.load()).toBe(ORIGIN);
    await store.close();
  });

  it('is waited for no longer than a bound, and comes back with Redis', async () => {
    const store = make('patient');
    await store.save(positionOf(2, 2));
    server.pause();
    await expect(store.load()).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    server.resume();
    await expect.poll(() => store.load().catch(() => undefined)).toBe(positionOf(2, 2));
    await store.close();
  });

  it('needs a name', () => {
    expect(() => make('')).toThrow(/a name was required/);
  });
});
