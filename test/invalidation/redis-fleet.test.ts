import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import type { RedisOptions } from '../../src/invalidation/redis-options.ts';
import {
  startCluster, startSentinel, type RedisCluster, type SentinelGroup,
} from '../support/redis-groups.ts';
import { until } from '../support/until.ts';
import { logContract, someMessage } from './log-contract.ts';

const open: InvalidationNode[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((node) => node.close()));
});

async function nodeOn(redis: RedisOptions): Promise<InvalidationNode> {
  const node = new InvalidationNode({
    settleMs: 0, redis: { redis, heartbeatMs: 50, commandTimeoutMs: 500 },
  });
  open.push(node);
  await node.start();
  await untilHears(node);
  return node;
}

async function untilHears(node: InvalidationNode): Promise<void> {
  await until(() => node.hears(systemClock.now()), { what: 'it hears', deadlineMs: 15_000 });
}

describe('a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  }, 30_000);
  afterAll(() => cluster.stop());

  describe('keeps the contract of the log', () => {
    let count = 0;
    logContract(() => {
      count += 1;
      // Another Stream for each, so that they lie on different nodes of the Cluster.
      const stream = count % 3 === 0 ? `{log ${count}}:stream` : `log ${count}`;
      return new RedisLog({ redis: cluster.url, heartbeatMs: 20, appendTimeoutMs: 2_000, stream });
    });
  });

  it('carries a foreign message, whichever node it is published at, to two nodes', async () => {
    const [a, b] = await Promise.all([nodeOn(cluster.url), nodeOn(cluster.url)]);
    for (const [index, { url }] of cluster.nodes.entries()) {
      const plain = new Redis(url);
      await plain.publish('cache:invalidate', JSON.stringify(someMessage()));
      await until(() => [a, b].every(({ stats }) => stats.received === index + 1), {
        what: 'both have followed it once',
      });
      plain.disconnect();
    }
    const position = await a.invalidate(someMessage());
    expect(await b.reached(position ?? a.position, 2_000)).toBe(true);
    expect(a.stats).toMatchObject({ foreign: 3, received: 4 });
  });
});

describe('a master that Sentinels name', () => {
  let watched: SentinelGroup;
  beforeAll(async () => {
    watched = await startSentinel();
  }, 30_000);
  afterAll(() => watched.stop());

  it('is followed, and so is the one that takes its place', async () => {
    const { sentinels, name } = watched;
    const [a, b] = await Promise.all([nodeOn({ sentinels, name }), nodeOn({ sentinels, name })]);
    const before = await a.invalidate(someMessage());
    expect(await b.reached(before ?? a.position, 2_000)).toBe(true);
    await watched.master.kill();
    const message = someMessage();
    await a.invalidate(message);
    await until(() => a.stats.outbox === 0, { what: 'the new master took it', deadlineMs: 20_000 });
    await Promise.all([untilHears(a), untilHears(b)]);
    const after = await a.invalidate(someMessage());
    expect(after !== undefined && before !== undefined && after > before).toBe(true);
    expect(await b.reached(after ?? a.position, 5_000)).toBe(true);
  }, 60_000);
});
