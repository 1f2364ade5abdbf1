import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { isFence } from '../../src/invalidation/fence.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { readMessage, type InvalidationMessage } from '../../src/invalidation/message.ts';
import {
  InvalidationNode, type InvalidationNodeOptions, type NodeRedisOptions,
} from '../../src/invalidation/node.ts';
import { positionOf } from '../../src/invalidation/position.ts';
import { entityTag, type Tag } from '../../src/invalidation/tag.ts';
import { messagesIn } from '../support/log-entry.ts';
import { freePort, startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { FaultyLog } from './faulty-log.ts';
import { someMessage } from './log-contract.ts';
import { wireMessages } from './wire-messages.ts';

const CHANNEL = 'cache:invalidate';
const STREAM = 'cache:invalidate:log';

const open: InvalidationNode[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((node) => node.close()));
});

type Overrides = Partial<NodeRedisOptions> & Omit<InvalidationNodeOptions, 'redis'>;

/** A node that is on the log in `url`, and hears. */
async function nodeOn(url: string, overrides: Overrides = {}): Promise<InvalidationNode> {
  const node = makeNode(url, overrides);
  await node.start();
  await untilHears(node);
  return node;
}

function makeNode(url: string, { settleMs = 0, warn, outboxRecordsMax, ...redis }: Overrides = {}) {
  const node = new InvalidationNode({
    settleMs,
    ...(warn !== undefined && { warn }),
    ...(outboxRecordsMax !== undefined && { outboxRecordsMax }),
    redis: {
      redis: url, heartbeatMs: 50, commandTimeoutMs: 300, appendTimeoutMs: 150, ...redis,
    },
  });
  open.push(node);
  return node;
}

const hears = (node: InvalidationNode): boolean => node.hears(systemClock.now());

async function untilHears(node: InvalidationNode): Promise<void> {
  // It hears, and stands where its own forgetting ends: from now on an entry can be current.
  await until(() => hears(node) && node.horizon.position >= node.horizon.floor, {
    what: 'the node hears',
  });
}

/** Whether what was read now, and touches `tags`, would be current. */
function isStorable(node: InvalidationNode, tags: readonly Tag[] = []): boolean {
  return !node.horizon.invalidatedSince(node.horizon.position, tags);
}

async function recordsOf(redis: Redis): Promise<InvalidationMessage[]> {
  const entries = await redis.xrange(STREAM, '-', '+');
  return entries
    .flatMap(([, fields]) => messagesIn(fields))
    .filter((message) => !isFence(message));
}

describe('a node whose log is in memory', () => {
  it('hears at once, and has applied and logged what it invalidated', async () => {
    const node = new InvalidationNode();
    open.push(node);
    await node.start();
    await until(() => hears(node), { what: 'it hears' });
    const before = node.horizon.position;
    const position = await node.invalidate(someMessage({ entity_id: '1' }));
    expect(node.horizon.invalidatedSince(before, [entityTag('User', '1')])).toBe(true);
    expect(await node.reached(position ?? before, 1_000)).toBe(true);
    expect(isStorable(node, [entityTag('User', '1')])).toBe(true);
    expect(node.stats).toMatchObject({ published: 1, received: 1, kept: 0, outbox: 0 });
  });

  it('applies what the log does not take, and keeps it', async () => {
    const log = new FaultyLog(new MemoryLog());
    const node = new InvalidationNode({ log });
    open.push(node);
    await node.start();
    const before = node.horizon.position;
    log.isDown = true;
    expect(await node.invalidate(someMessage({ entity_id: '1' }))).toBeUndefined();
    expect(node.horizon.invalidatedSince(before, [entityTag('User', '1')])).toBe(true);
    expect(node.stats).toMatchObject({ kept: 1, outbox: 1 });
    // Whatever its stamp, until the log has a place for it.
    const late = positionOf(Date.now() + 1_000_000, 0);
    expect(node.horizon.invalidatedSince(late, [entityTag('User', '1')])).toBe(true);
    const told: string[] = [];
    node.onRecords((records) => told.push(...records.map(({ message }) => message.message_id)));
    log.isDown = false;
    await until(() => told.length === 1, { what: 'it is appended and followed' });
    expect(node.stats.outbox).toBe(0);
    expect(node.horizon.invalidatedSince(late, [entityTag('User', '1')])).toBe(false);
  });
});

describe('two nodes on one Redis', () => {
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

  const pair = () => Promise.all([nodeOn(server.url), nodeOn(server.url)]);

  it('tell of each move of their position, be it a fence or a gap', async () => {
    const [a, b] = await pair();
    const told: string[] = [];
    let moves = 0;
    b.onRecords((records) => told.push(...records.map(({ message }) => message.message_id)));
    const end = b.onMoved(() => {
      moves += 1;
    });
    await a.forget();
    await until(() => moves > 0, { what: 'b follows the fence' });
    const [afterFence, { gaps }] = [moves, b.stats];
    await plain.del('cache:invalidate:log');
    await until(() => b.stats.gaps > gaps, { what: 'b notices the gap' });
    expect(moves).toBeGreaterThan(afterFence);
    expect(told).toEqual([]);
    end();
    const ended = moves;
    const position = await a.invalidate(someMessage());
    expect(await b.reached(position ?? b.position, 2_000)).toBe(true);
    expect(moves).toBe(ended);
  });

  it('both apply what one invalidates, once', async () => {
    const [a, b] = await pair();
    const told: InvalidationMessage[] = [];
    b.onRecords((records) => told.push(...records.map(({ message }) => message)));
    const before = b.horizon.position;
    const message = someMessage({ entity_id: '1' });
    const position = await a.invalidate(message);
    expect(await b.reached(position ?? before, 2_000)).toBe(true);
    expect(b.horizon.invalidatedSince(before, [entityTag('User', '1')])).toBe(true);
    expect(b.horizon.invalidatedSince(before, [entityTag('User', '2')])).toBe(false);
    expect(told).toEqual([message]);
    // Announced on the channel as well, and known there as no foreign message.
    expect(a.stats.foreign + b.stats.foreign).toBe(0);
  });

  it('both apply a foreign message, and put it in the log once', async () => {
    const [a, b] = await pair();
    const before = [a.horizon.position, b.horizon.position];
    const messages = Array.from({ length: 20 }, (_, id) => someMessage({ entity_id: `${id}` }));
    for (const message of messages) await plain.publish(CHANNEL, JSON.stringify(message));
    await until(() => a.stats.received + b.stats.received >= 40, { what: 'all are followed' });
    const logged = await recordsOf(plain);
    expect(logged.map(({ message_id }) => message_id).toSorted())
      .toEqual(messages.map(({ message_id }) => message_id).toSorted());
    for (const [index, node] of [a, b].entries()) {
      const tags = messages.map(({ entity_id }) => entityTag('User', entity_id as string));
      const since = before[index] ?? node.position;
      expect(tags.every((tag) => node.horizon.invalidatedSince(since, [tag]))).toBe(true);
      expect(node.stats.foreign).toBe(20);
    }
  });

  it('give every message that services send its effect, exactly once in the log', async () => {
    const [a, b] = await pair();
    const accepted = wireMessages.filter((wire) => wire.expect.rejected !== true);
    const rejected = wireMessages.length - accepted.length;
    for (const { payload } of wireMessages) await plain.publish(CHANNEL, payload);
    await until(() => a.stats.foreign + a.stats.rejected >= wireMessages.length
      && b.stats.foreign + b.stats.rejected >= wireMessages.length, { what: 'all are heard' });
    const contents = accepted.map(({ payload }) => JSON.stringify(readMessage(payload)));
    const logged = await until(async () => {
      const records = await recordsOf(plain);
      return records.length >= contents.length && records;
    }, { what: 'all are in the log' });
    // Two of them are read as the same, and were sent as two.
    expect(logged.map((record) => JSON.stringify(record)).toSorted()).toEqual(contents.toSorted());
    for (const node of [a, b]) {
      expect(node.stats).toMatchObject({ rejected, foreign: accepted.length });
    }
  });

  it.each(wireMessages.filter(({ expect: { purges } }) => purges !== undefined))(
    'purge what "$name" says on both',
    async ({ payload, expect: { purges = [] } }) => {
      const nodes = await pair();
      const since = nodes.map((node) => node.horizon.position);
      await plain.publish(CHANNEL, payload);
      for (const [index, { horizon }] of nodes.entries()) {
        const at = since[index] ?? horizon.position;
        await until(() => purges.every((tag) => horizon.invalidatedSince(at, [tag as Tag])), {
          what: `${purges.join()} is purged on node ${index}`,
        });
        expect(horizon.invalidatedSince(at, [entityTag('Other', 'x')])).toBe(false);
      }
    },
  );

  it('both apply what is sent twice, and can keep what it touches afterwards', async () => {
    const nodes = await pair();
    const payload = JSON.stringify(someMessage({ entity_id: '1' }));
    const tags = [entityTag('User', '1')];
    for (let sent = 1; sent <= 3; sent += 1) {
      const since = nodes.map((node) => node.position);
      await plain.publish(CHANNEL, payload);
      for (const [at, node] of nodes.entries()) {
        await until(
          () => node.stats.foreign === sent
            && node.horizon.invalidatedSince(since[at] ?? node.position, tags)
            && !node.horizon.invalidatedSince(node.position, tags),
          { what: `node ${at} has applied it, and what is read from now on can be kept` },
        );
      }
    }
    expect(await recordsOf(plain)).toHaveLength(1);
  });

  it('are not stopped or changed by a flood of what is no message', async () => {
    const warnings: string[] = [];
    const node = await nodeOn(server.url, { warn: (text) => warnings.push(text) });
    const before = node.horizon.position;
    const flood = ['', '{', 'null', '[]', '{"message_id":1}', 'SECRET'.repeat(1_000), '\u0000',
      JSON.stringify(someMessage({ action: 'Nothing' as 'Delete' })), '9'.repeat(2 ** 21)];
    for (let round = 0; round < 50; round += 1) {
      await Promise.all(flood.map((payload) => plain.publish(CHANNEL, payload)));
    }
    await plain.publish(CHANNEL, Buffer.from([0xff, 0xfe, 0x7b, 0x7d]));
    await until(() => node.stats.rejected === 50 * flood.length + 1, { what: 'all are rejected' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).not.toContain('SECRET');
    expect(hears(node)).toBe(true);
    expect(node.horizon.position).toBe(before);
    expect(await recordsOf(plain)).toEqual([]);
    await plain.publish(CHANNEL, JSON.stringify(someMessage({ entity_id: '1' })));
    await until(() => node.horizon.invalidatedSince(before, [entityTag('User', '1')]), {
      what: 'a message after the flood has its effect',
    });
  });

  it('replay what one missed while it could not read', async () => {
    const a = await nodeOn(server.url);
    const position = await a.invalidate(someMessage({ entity_id: '1' }));
    const b = await nodeOn(server.url, { trustOtherNodes: true });
    expect(await b.reached(position ?? a.position, 1_000)).toBe(true);
    // An entry in the shared Redis from before the invalidation is not served by the new node.
    expect(b.horizon.invalidatedSince(position ?? a.position, [])).toBe(false);
    expect(b.stats.received).toBe(1);
  });
});

describe('what a node cannot have heard on the channel', () => {
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

  const cutChannel = () => plain.call('client', 'kill', 'type', 'pubsub');

  it('it treats as invalidated: from before its start', async () => {
    const first = await nodeOn(server.url);
    const entry = first.horizon.position;
    const second = await nodeOn(server.url);
    expect(second.horizon.invalidatedSince(entry, [])).toBe(true);
    expect(isStorable(second)).toBe(true);
  });

  it('it treats as invalidated: from before its channel was cut and came back', async () => {
    const node = await nodeOn(server.url);
    const entry = node.horizon.position;
    expect(node.horizon.invalidatedSince(entry, [])).toBe(false);
    await cutChannel();
    await until(() => node.horizon.invalidatedSince(entry, []), { what: 'it has forgotten' });
    await untilHears(node);
    await until(() => isStorable(node), { what: 'it stands where it can store again' });
    const message = someMessage({ entity_id: 'after' });
    await plain.publish(CHANNEL, JSON.stringify(message));
    await until(() => node.stats.foreign === 1, { what: 'it hears foreign messages again' });
  });

  it('it tells all nodes of, since perhaps none has heard it', async () => {
    const other = await nodeOn(server.url);
    await untilHears(other);
    const before = other.position;
    const node = await nodeOn(server.url);
    await untilHears(node);
    await until(() => other.horizon.silentSince(before), { what: 'the other one is told' });
    expect(other.horizon.invalidatedSince(before, [])).toBe(false);
  });

  it('it leaves to other nodes where it may trust them', async () => {
    const node = await nodeOn(server.url, { trustOtherNodes: true });
    const entry = node.horizon.position;
    await cutChannel();
    await until(() => !hears(node), { what: 'the cut is noticed' });
    await untilHears(node);
    expect(node.horizon.invalidatedSince(entry, [])).toBe(false);
  });

  it('does not matter to a node that does not listen', async () => {
    const node = await nodeOn(server.url, { listen: false });
    await plain.publish(CHANNEL, JSON.stringify(someMessage()));
    await node.invalidate(someMessage());
    expect(node.stats.foreign).toBe(0);
    expect(await plain.call('pubsub', 'numsub', CHANNEL)).toEqual([CHANNEL, 0]);
  });
});

describe('a node when Redis fails', () => {
  let server: RedisServer;
  afterEach(() => server.stop());

  it('starts without Redis, applies and keeps, and heals when it comes', async () => {
    const port = await freePort();
    const node = makeNode(`redis://127.0.0.1:${port}`);
    await node.start();
    expect(hears(node)).toBe(false);
    const messages = [someMessage(), someMessage(), someMessage()];
    for (const message of messages) expect(await node.invalidate(message)).toBeUndefined();
    expect(node.horizon.invalidatedSince(node.position, [
      entityTag('User', messages[0]?.entity_id as string),
    ])).toBe(true);
    server = await startRedis({ port });
    await untilHears(node);
    await until(() => node.stats.outbox === 0, { what: 'what was kept is appended' });
    const plain = new Redis(server.url);
    expect(await recordsOf(plain)).toEqual(messages);
    plain.disconnect();
  });

  it('is killed under load: every call is bounded, and no invalidation is lost', async () => {
    server = await startRedis({ persistence: true });
    const [a, b] = await Promise.all([nodeOn(server.url), nodeOn(server.url)]);
    const told = new Set<string>();
    const all: string[] = [];
    b.onRecords((records) => records.forEach(({ message }) => told.add(message.message_id)));
    const load = (async () => {
      for (let round = 0; round < 200; round += 1) {
        const message = someMessage();
        all.push(message.message_id);
        await a.invalidate(message);
      }
    })();
    await until(() => told.size > 20, { what: 'the load runs' });
    await server.kill();
    await until(() => !hears(a) && !hears(b), { what: 'both nodes notice' });
    await server.restart();
    await load;
    await until(() => a.stats.outbox === 0, { what: 'all is appended' });
    await Promise.all([untilHears(a), untilHears(b)]);
    const last = await a.invalidate(someMessage());
    expect(await b.reached(last ?? a.position, 2_000)).toBe(true);
    expect(all.filter((id) => !told.has(id))).toEqual([]);
    // The one at its start.
    expect(b.stats.gaps).toBe(1);
  });

  it('is stopped for three seconds: it does not claim to hear, and heals', async () => {
    server = await startRedis();
    const node = await nodeOn(server.url);
    const entry = node.horizon.position;
    server.pause();
    const threeSeconds = sleep(3_000);
    await until(() => !hears(node), { what: 'it notices', deadlineMs: 2_500 });
    const message = someMessage({ entity_id: '1' });
    expect(await node.invalidate(message)).toBeUndefined();
    expect(node.horizon.invalidatedSince(entry, [entityTag('User', '1')])).toBe(true);
    await threeSeconds;
    server.resume();
    await untilHears(node);
    await until(() => node.stats.outbox === 0, { what: 'what was kept is appended' });
    const plain = new Redis(server.url);
    expect((await recordsOf(plain)).map(({ message_id }) => message_id))
      .toEqual([message.message_id]);
    plain.disconnect();
  });

  it('is flushed: everything read before is forgotten, and it goes on', async () => {
    server = await startRedis();
    const plain = new Redis(server.url);
    const [a, b] = await Promise.all([nodeOn(server.url), nodeOn(server.url)]);
    const [atA, atB] = [a.horizon.position, b.horizon.position];
    await plain.flushall();
    await until(() => a.horizon.invalidatedSince(atA, []) && b.horizon.invalidatedSince(atB, []), {
      what: 'both have forgotten',
    });
    await Promise.all([untilHears(a), untilHears(b)]);
    const position = await a.invalidate(someMessage());
    expect(await b.reached(position ?? atA, 2_000)).toBe(true);
    plain.disconnect();
  });

  it('ends all connections again and again: it heals, and forgets at most', async () => {
    server = await startRedis();
    const plain = new Redis(server.url);
    const node = await nodeOn(server.url);
    for (let round = 0; round < 3; round += 1) {
      await plain.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      await plain.call('client', 'kill', 'type', 'pubsub');
      await until(() => !hears(node), { what: 'the cut is noticed' });
      await untilHears(node);
    }
    const position = await node.invalidate(someMessage());
    expect(position).toBeDefined();
    plain.disconnect();
  });

  it('is gone when the node is closed: that is bounded, and says what is lost', async () => {
    server = await startRedis();
    const warnings: string[] = [];
    const node = await nodeOn(server.url, { warn: (text) => warnings.push(text) });
    await server.kill();
    await node.invalidate(someMessage());
    await node.close();
    expect(warnings).toEqual(['1 invalidations could not be appended to the log']);
    await expect(node.invalidate(someMessage())).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });
});
