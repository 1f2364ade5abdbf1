/**
 * A node that is stopped and continued, as by a debugger, a hypervisor or a suspended machine: what
 * was said meanwhile it has not heard, and its clocks have gone on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { expectUnharmed, healed, loadedNode, MAX_STALENESS_MS, underLoad } from './fault-fleet.ts';
import { FaultLoad } from './fault-load.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startNodeProcess, type NodeProcess } from './node-process.ts';
import { person, startWorld, type World } from './world.ts';

/** Longer than a node trusts an old proof that it hears the log. */
const STOPPED_MS = 2_000;
const ASK = 'query ($id: ID!) { user(id: $id) { name } }';
const IDS = Array.from({ length: 20 }, (_, index) => `stopped-${index}`);

let redis: RedisServer;
let client: Redis;
let world: World;
let running: TestNode;
let stopped: NodeProcess;

beforeEach(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  world = await startWorld();
  const { subgraphs } = world;
  [running, stopped] = await Promise.all([
    startTestNode({ subgraphs, redis: redis.url, cache: { maxStalenessMs: MAX_STALENESS_MS } }),
    startNodeProcess({
      subgraphs,
      redis: redis.url,
      environment: { FRESHET_CACHE_MAX_STALENESS_MS: String(MAX_STALENESS_MS) },
    }),
  ]);
});

afterEach(async () => {
  await stopped.stop();
  await running.stop();
  await world.stop();
  client.disconnect();
  await redis.stop();
});

test('a node is stopped and continued under load, with messages meanwhile', async () => {
  const nodes = [loadedNode(running), stopped];
  const load = new FaultLoad({
    nodes, world, redisUrl: redis.url, maxStalenessMs: MAX_STALENESS_MS,
  });
  await underLoad(load);
  for (const id of IDS) {
    world.people.set(id, { ...person(id), name: 'before' });
    await stopped.ask(ASK, { variables: { id } });
    expect((await stopped.ask(ASK, { variables: { id } })).cache).toBe('hit');
  }
  const { invalidation: { received } } = await stopped.status();

  await load.excuse(1);
  stopped.pause();
  for (const id of IDS) {
    world.people.set(id, { ...person(id), name: 'after' });
    await client.publish('cache:invalidate', JSON.stringify({
      message_id: id, entity_type: 'User', entity_id: id, action: 'Update',
      timestamp: new Date().toISOString(), source_service: 'user-service',
    }));
  }
  await sleep(STOPPED_MS);
  // Asked of a node that is stopped, and answered when it is continued.
  const early = IDS.map((id) => stopped.ask(ASK, { variables: { id } }));
  stopped.resume();
  const late = IDS.map((id) => stopped.ask(ASK, { variables: { id } }));
  for (const answer of await Promise.all([...early, ...late])) {
    const { status, errors, data } = answer;
    expect({ status, errors, name: data.user.name }).toEqual({ status: 200, name: 'after' });
  }
  load.continued(1);
  await healed(nodes, { world, redisUrl: redis.url });
  await underLoad(load);
  // It has read what it missed, every record of it.
  const now = await stopped.status();
  expect(now.invalidation.received - received).toBeGreaterThanOrEqual(IDS.length);
  await expectUnharmed(load);
});
