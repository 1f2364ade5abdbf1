import { Redis, type Cluster } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import type { RedisOptions } from '../../src/invalidation/redis-options.ts';
import { connectRedis } from '../../src/invalidation/redis.ts';
import {
  startCluster, startSentinel, type RedisCluster, type SentinelGroup,
} from '../support/redis-groups.ts';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { logContract, someMessage } from './log-contract.ts';

/** In a slot of the first third. */
const KEY = 'bar';
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
  await until(() => node.hears(systemClock.now()), { what: 'it hears' });
}

describe('a Redis Cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
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

  it('gives up a command that was sent on while its slot moves, and goes on', async () => {
    const [from, to] = cluster.nodes as [RedisServer, RedisServer];
    const [source, target] = [new Redis(from.url), new Redis(to.url)];
    const client = connectRedis(cluster.url) as Cluster;
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    try {
      await until(async () => {
        const answers = await Promise.all(client.nodes('master').map((node) => node.ping()));
        return client.status === 'ready' && answers.length === 3;
      }, { what: 'the client has a connection to each master' });
      const slot = await source.cluster('KEYSLOT', KEY);
      const [fromId, toId] = [await source.cluster('MYID'), await target.cluster('MYID')];
      await target.call('CLUSTER', 'SETSLOT', String(slot), 'IMPORTING', fromId);
      await source.call('CLUSTER', 'SETSLOT', String(slot), 'MIGRATING', toId);
      expect(await client.get(KEY)).toBeNull();
      to.pause();
      const asked = vi.fn();
      for (const node of client.nodes('master')) {
        const { asking } = node;
        node.asking = (...args) => {
          asked();
          return asking.apply(node, args);
        };
      }
      const answer = client.get(KEY).catch((error: unknown) => String(error));
      await until(() => asked.mock.calls.length > 0, { what: 'it is sent on' });
      client.disconnect();
      expect(await answer).toContain('closed');
      to.resume();
      for (const one of [source, target]) {
        await one.call('CLUSTER', 'SETSLOT', String(slot), 'STABLE');
      }
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      to.resume();
      process.off('unhandledRejection', unhandled);
      for (const one of [source, target, client]) one.disconnect();
    }
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
  });
  afterAll(() => watched.stop());

  it('is found again by a client that hears of a failover while it connects', async () => {
    const { sentinels, name } = watched;
    const client = connectRedis({ sentinels, name }) as Redis;
    const { connector } = client as unknown as { connector: { disconnect(): void } };
    await until(() => client.status === 'ready', { what: 'it is connected' });
    const ended = vi.fn();
    client.once('end', ended);
    // What the client itself does then, whatever its state.
    client.once('connecting', () => connector.disconnect());
    client.disconnect(true);
    await until(() => ended.mock.calls.length > 0, { what: 'it ends' });
    await until(() => client.status === 'ready', { what: 'it is connected again' });
    client.disconnect();
    await until(() => client.status === 'end', { what: 'its owner ends it' });
    await expect(client.ping()).rejects.toThrow('closed');
  });

  it('is followed, and so is the one that takes its place', async () => {
    const { sentinels, name } = watched;
    const [a, b] = await Promise.all([nodeOn({ sentinels, name }), nodeOn({ sentinels, name })]);
    const before = await a.invalidate(someMessage());
    expect(await b.reached(before ?? a.position, 2_000)).toBe(true);
    await watched.master.kill();
    const message = someMessage();
    await a.invalidate(message);
    await until(() => a.stats.outbox === 0, { what: 'the new master took it' });
    await Promise.all([untilHears(a), untilHears(b)]);
    const after = await a.invalidate(someMessage());
    expect(after !== undefined && before !== undefined && after > before).toBe(true);
    expect(await b.reached(after ?? a.position, 5_000)).toBe(true);
  });
});
