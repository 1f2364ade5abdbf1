/**
 * Redis away, under load: no request fails for it or waits for it, nothing stale is served beyond
 * the promises, and all heals without a restart. Each test has its servers to itself and mostly
 * waits, so they run at the same time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { freePort } from '../support/redis.ts';
import { expectUnharmed, fleetOver, redisFor } from './fault-fleet.ts';

describe.concurrent('under load', () => {
  test('Redis is paused for ten seconds under load', async (context) => {
    const redis = await redisFor(context);
    const fleet = await fleetOver(redis, context);
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
  });

  test('Redis is absent when the nodes start, and comes later', async (context) => {
    const port = await freePort();
    const fleet = await fleetOver({ url: `redis://127.0.0.1:${port}` }, context, { deaf: true });
    const load = fleet.startLoad();
    await fleet.bothDeaf();
    load.deaf([0, 1]);
    await fleet.underLoad(load);
    load.deaf([]);
    await redisFor(context, { port });
    await fleet.healed();
    await expectUnharmed(load);
  });

  test.for([
    { comesBack: 'empty', persistence: false },
    { comesBack: 'with its data', persistence: true },
  ])('Redis is killed under load, and comes back $comesBack', async ({ persistence }, context) => {
    const redis = await redisFor(context, { persistence });
    const fleet = await fleetOver(redis, context);
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

  test('Redis is full', async (context) => {
    const redis = await redisFor(context);
    const fleet = await fleetOver(redis, context);
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

  test('a node with maxStalenessMs 0 that cannot hear the log asks the origin', async (context) => {
    const redis = await redisFor(context);
    const fleet = await fleetOver(redis, context, { cache: { maxStalenessMs: 0 } });
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
});
