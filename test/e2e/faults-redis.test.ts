/**
 * Redis away, under load: no request fails for it or waits for it, nothing stale is served beyond
 * the promises, and all heals without a restart.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { freePort, startRedis, type RedisServer } from '../support/redis.ts';
import { expectUnharmed, startFaultFleet, type FaultFleet } from './fault-fleet.ts';

let redis: RedisServer | undefined;
let fleet: FaultFleet | undefined;

afterEach(async () => {
  await fleet?.stop();
  await redis?.stop();
  [fleet, redis] = [undefined, undefined];
});

test('Redis is absent when the nodes start, and comes later', async () => {
  const port = await freePort();
  fleet = await startFaultFleet({ url: `redis://127.0.0.1:${port}` }, { deaf: true });
  const load = fleet.startLoad();
  await fleet.bothDeaf();
  load.deaf([0, 1]);
  await fleet.underLoad(load);
  load.deaf([]);
  redis = await startRedis({ port });
  await fleet.healed();
  await expectUnharmed(load);
});

test.each([
  { comesBack: 'empty', persistence: false },
  { comesBack: 'with its data', persistence: true },
])('Redis is killed under load, and comes back $comesBack', async ({ persistence }) => {
  redis = await startRedis({ persistence });
  fleet = await startFaultFleet(redis);
  const load = fleet.startLoad();
  await fleet.underLoad(load);
  await redis.kill();
  await fleet.bothDeaf();
  load.deaf([0, 1]);
  await fleet.underLoad(load);
  load.deaf([]);
  await redis.restart();
  await fleet.healed();
  await fleet.underLoad(load);
  await expectUnharmed(load);
});

test('Redis is paused for ten seconds under load', async () => {
  redis = await startRedis();
  fleet = await startFaultFleet(redis);
  const load = fleet.startLoad();
  await fleet.underLoad(load);
  redis.pause();
  const tenSeconds = sleep(10_000);
  await fleet.bothDeaf();
  load.deaf([0, 1]);
  await tenSeconds;
  // Most reads did not even try: no wait of 50 ms for each request, let alone one without end.
  for (const { gateway } of fleet.nodes) {
    const { timeouts = 0, readsSkipped = 0 } = gateway.status().redis ?? {};
    expect(timeouts).toBeLessThan(100);
    expect(readsSkipped).toBeGreaterThan(timeouts);
  }
  load.deaf([]);
  redis.resume();
  await fleet.healed();
  await expectUnharmed(load);
}, 40_000);

test('Redis is full', async () => {
  redis = await startRedis();
  fleet = await startFaultFleet(redis);
  const client = new Redis(redis.url);
  const load = fleet.startLoad();
  await fleet.underLoad(load);
  await client.config('SET', 'maxmemory', '1mb');
  await expect(client.set('a', 'b')).rejects.toThrow('OOM');
  await fleet.underLoad(load);
  await client.config('SET', 'maxmemory', '0');
  client.disconnect();
  await fleet.healed();
  await expectUnharmed(load);
});

test('a node with maxStalenessMs 0 that cannot hear the log answers from the origin', async () => {
  redis = await startRedis();
  fleet = await startFaultFleet(redis, { cache: { maxStalenessMs: 0 } });
  const [node] = fleet.nodes;
  const query = '{ user(id: "1") { name } }';
  await node.ask(query);
  expect((await node.ask(query)).cache).toBe('hit');
  await redis.kill();
  await fleet.bothDeaf();
  for (let round = 0; round < 5; round += 1) {
    const { status, cache } = await node.ask(query);
    expect({ status, cache }).toEqual({ status: 200, cache: 'miss' });
  }
  await redis.restart();
  await fleet.healed();
});
