import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import type { Position } from '../../src/invalidation/position.ts';
import {
  createSubscriber, type Subscriber, type SubscriberOptions,
} from '../../src/invalidation/subscriber.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { someMessage } from './log-contract.ts';

const open: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

interface Heard {
  readonly subscriber: Subscriber;
  readonly messages: InvalidationMessage[];
  readonly positions: (Position | undefined)[];
  readonly gaps: Position[];
}

async function subscribe(options: Partial<SubscriberOptions>): Promise<Heard> {
  const heard = { messages: [] as InvalidationMessage[], positions: [] as Heard['positions'] };
  const gaps: Position[] = [];
  const subscriber = createSubscriber({
    onMessage: (message, position) => {
      heard.messages.push(message);
      heard.positions.push(position);
    },
    onGap: (end) => {
      gaps.push(end);
    },
    ...options,
  });
  open.push(subscriber);
  await subscriber.ready();
  return { subscriber, ...heard, gaps };
}

function memoryLog(): MemoryLog {
  const log = new MemoryLog({ heartbeatMs: 10 });
  open.push(log);
  return log;
}

describe('the subscriber', () => {
  it('is told of what is new, in order, each with its position', async () => {
    const log = memoryLog();
    await log.append(someMessage());
    const { messages, positions, gaps, subscriber } = await subscribe({ log });
    const appended: InvalidationMessage[] = [];
    const places: Position[] = [];
    for (let round = 0; round < 20; round += 1) {
      const message = someMessage();
      appended.push(message);
      places.push(await log.append(message));
    }
    await until(() => messages.length === 20, { what: 'all are heard' });
    expect(messages).toEqual(appended);
    expect(positions).toEqual(places);
    expect(gaps).toEqual([]);
    await until(() => subscriber.position === places.at(-1), { what: 'it stands at the end' });
  });

  it('goes on after a position of an earlier run', async () => {
    const log = memoryLog();
    const from = await log.append(someMessage());
    const missed = [someMessage(), someMessage()];
    for (const message of missed) await log.append(message);
    const { messages, gaps } = await subscribe({ log, from });
    await until(() => messages.length === 2, { what: 'what was missed is heard' });
    expect(messages).toEqual(missed);
    expect(gaps).toEqual([]);
  });

  it('runs one callback at a time, and reads on only when it is done', async () => {
    const log = memoryLog();
    let running = 0;
    let most = 0;
    let done = 0;
    await subscribe({
      log,
      onMessage: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        done += 1;
      },
    });
    await Promise.all(Array.from({ length: 50 }, () => log.append(someMessage())));
    await until(() => done === 50, { what: 'all callbacks are done' });
    expect(most).toBe(1);
  });

  it('counts a callback that throws, and goes on', async () => {
    const log = memoryLog();
    const told: string[] = [];
    const { subscriber } = await subscribe({
      log,
      onMessage: (message) => {
        told.push(message.message_id);
        if (told.length === 1) throw new Error('a test');
        if (told.length === 2) return Promise.reject(new Error('a test'));
        return undefined;
      },
    });
    for (let round = 0; round < 3; round += 1) await log.append(someMessage());
    await until(() => told.length === 3, { what: 'all are heard' });
    await until(() => subscriber.stats.errors === 2, { what: 'both are counted' });
    expect(subscriber.stats.received).toBe(3);
  });

  it('says where it cannot go on', async () => {
    const log = new MemoryLog({ heartbeatMs: 10, recordsMax: 1 });
    open.push(log);
    const from = await log.append(someMessage());
    for (let round = 0; round < 5; round += 1) await log.append(someMessage());
    const { gaps, subscriber } = await subscribe({ log, from });
    await until(() => gaps.length === 1, { what: 'the gap is told' });
    expect(subscriber.stats.gaps).toBe(1);
  });

  it('is closed within a bound, though its callback never ends', async () => {
    const log = memoryLog();
    let started = false;
    const { subscriber } = await subscribe({
      log,
      onMessage: () => {
        started = true;
        return new Promise(() => undefined);
      },
    });
    await log.append(someMessage());
    await until(() => started, { what: 'the callback runs' });
    await subscriber.close(20);
  });
});

describe('the subscriber on Redis', () => {
  let server: RedisServer;
  let plain: Redis;
  beforeAll(async () => {
    server = await startRedis({ persistence: true });
    plain = new Redis(server.url);
  });
  afterAll(async () => {
    plain.disconnect();
    await server.stop();
  });
  beforeEach(() => plain.flushall());

  const logOn = () => {
    const log = new RedisLog({ redis: server.url });
    open.push(log);
    return log;
  };

  it('hears a foreign message once, whether or not somebody appends it', async () => {
    const { messages, positions, subscriber } = await subscribe({ redis: server.url });
    const log = logOn();
    const message = someMessage();
    await plain.publish('cache:invalidate', JSON.stringify(message));
    await until(() => messages.length === 1, { what: 'it is heard' });
    await log.append(message, { announce: false });
    const last = someMessage();
    await log.append(last);
    await until(() => messages.length === 2, { what: 'the next is heard' });
    expect(messages).toEqual([message, last]);
    expect(positions[0]).toBeUndefined();
    expect(positions[1]).toBeDefined();
    await plain.publish('cache:invalidate', 'no message');
    await until(() => subscriber.stats.rejected === 1, { what: 'the rejected one is counted' });
    expect(subscriber.stats).toMatchObject({ received: 2, foreign: 1, errors: 0, gaps: 0 });
  });

  it('replays what was appended while its connections were cut', async () => {
    const { messages, gaps } = await subscribe({ redis: server.url });
    const log = logOn();
    const expected: InvalidationMessage[] = [];
    for (let round = 0; round < 5; round += 1) {
      await plain.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      await plain.call('client', 'kill', 'type', 'pubsub');
      const message = someMessage();
      expected.push(message);
      await until(() => log.append(message).catch(() => undefined), { what: 'it is appended' });
    }
    await until(() => messages.length === 5, { what: 'all are heard' });
    expect(messages).toEqual(expected);
    expect(gaps).toEqual([]);
  });

  it('tells of a gap when the log is deleted', async () => {
    const { gaps } = await subscribe({ redis: server.url });
    await plain.del('cache:invalidate:log');
    await until(() => gaps.length > 0, { what: 'the gap is told' });
  });
});
