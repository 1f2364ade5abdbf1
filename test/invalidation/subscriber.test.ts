import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../src/invalidation/callbacks.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { MemoryPositionStore } from '../../src/invalidation/position-memory.ts';
import { RedisPositionStore } from '../../src/invalidation/position-redis.ts';
import type { PositionStore } from '../../src/invalidation/position-store.ts';
import { ORIGIN, type Position } from '../../src/invalidation/position.ts';
import {
  createSubscriber, type Subscriber, type SubscriberOptions,
} from '../../src/invalidation/subscriber.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { someMessage } from './log-contract.ts';
import { wireMessages } from './wire-messages.ts';

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
  const onMessage = (message: InvalidationMessage, position: Position | undefined): void => {
    heard.messages.push(message);
    heard.positions.push(position);
  };
  const subscriber = createSubscriber({
    ...(options.onBatch === undefined && { onMessage }),
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

function nothing(): void {
  // A callback that is never called.
}

describe('the subscriber with batches', () => {
  it('is told of many at once, in order, and no more than it asked for', async () => {
    const log = memoryLog();
    const from = await log.append(someMessage());
    const places: Position[] = [];
    for (let round = 0; round < 25; round += 1) places.push(await log.append(someMessage()));
    const batches: (readonly Delivery[])[] = [];
    const { subscriber } = await subscribe({
      log, from,
      batchLengthMax: 10,
      onBatch: (deliveries) => {
        batches.push(deliveries);
      },
    });
    await until(() => subscriber.position === places.at(-1), { what: 'all are heard' });
    expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
    expect(batches.flat().map(({ position }) => position)).toEqual(places);
    expect(subscriber.stats.callbackLatency.count).toBe(3);
  });

  it('calls a batch again that threw, as often as was asked for, and then passes on', async () => {
    const log = memoryLog();
    const calls: string[] = [];
    const { subscriber } = await subscribe({
      log,
      attemptsMax: 3,
      onBatch: ([first]) => {
        calls.push(first?.message.entity_id ?? '');
        if (calls.length === 1 || first?.message.entity_id === 'never') throw new Error('a test');
      },
    });
    await log.append(someMessage({ entity_id: 'once' }));
    await until(() => calls.length === 2, { what: 'the first is called again' });
    const last = await log.append(someMessage({ entity_id: 'never' }));
    expect(await subscriber.reached(last, 5_000)).toBe(true);
    expect(calls).toEqual(['once', 'once', 'never', 'never', 'never']);
    expect(subscriber.stats).toMatchObject({ errors: 4, received: 2 });
  });

  it.each([
    [{}, /one of onMessage and onBatch was required, got neither/],
    [{ onMessage: nothing, onBatch: nothing }, /got both/],
    [{ onMessage: nothing, attemptsMax: 0 }, /attemptsMax: a whole number/],
    [{ onBatch: nothing, batchLengthMax: 1.5 }, /batchLengthMax: a whole number/],
  ])('refuses options that cannot work', (options, message) => {
    expect(() => createSubscriber({ log: memoryLog(), ...options })).toThrow(message);
  });
});

describe('the subscriber that keeps its position', () => {
  it('goes on where the one before it was, and hears nothing twice', async () => {
    const log = memoryLog();
    const positions = new MemoryPositionStore();
    await log.append(someMessage());
    const first = await subscribe({ log, positions });
    const heard = await log.append(someMessage());
    expect(await first.subscriber.reached(heard)).toBe(true);
    await first.subscriber.close();
    expect(await positions.load()).toBe(heard);
    const missed = [someMessage(), someMessage()];
    for (const message of missed) await log.append(message);
    const second = await subscribe({ log, positions });
    await until(() => second.messages.length === 2, { what: 'what was missed is heard' });
    expect(second.messages).toEqual(missed);
    expect(second.gaps).toEqual([]);
  });

  it('hears again what its callback was not done with', async () => {
    const log = memoryLog();
    const positions = new MemoryPositionStore();
    let calls = 0;
    const first = await subscribe({
      log, positions,
      attemptsMax: 1_000,
      onMessage: () => {
        calls += 1;
        throw new Error('a test');
      },
    });
    const message = someMessage();
    await log.append(message);
    await until(() => calls > 0, { what: 'it is called back' });
    await first.subscriber.close();
    const second = await subscribe({ log, positions });
    await until(() => second.messages.length === 1, { what: 'it is heard again' });
    expect(second.messages).toEqual([message]);
  });

  it('saves now and then, and one at a time', async () => {
    const log = memoryLog();
    const saved: Position[] = [];
    let saving = 0;
    const positions: PositionStore = {
      load: () => Promise.resolve(undefined),
      save: async (position) => {
        expect((saving += 1)).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        saved.push(position);
        saving -= 1;
      },
      close: () => Promise.resolve(),
    };
    const { subscriber } = await subscribe({ log, positions, saveEveryMs: 1 });
    let last = await log.append(someMessage());
    await until(() => saved.length > 1, { what: 'a position is saved' });
    for (let round = 0; round < 100; round += 1) last = await log.append(someMessage());
    await until(() => saved.at(-1) === last, { what: 'the last position is saved' });
    expect(saved).toEqual([...saved].sort());
    expect(subscriber.stats.errors).toBe(0);
  });

  it('waits for a store that cannot be reached, since nobody knows what was missed', async () => {
    const log = memoryLog();
    const from = await log.append(someMessage());
    const missed = someMessage();
    await log.append(missed);
    let attempts = 0;
    const positions: PositionStore = {
      load: () => {
        attempts += 1;
        return attempts < 3 ? Promise.reject(new Error('a test')) : Promise.resolve(from);
      },
      save: () => Promise.reject(new Error('a test')),
      close: () => Promise.resolve(),
    };
    const { messages, subscriber } = await subscribe({ log, positions });
    await until(() => messages.length === 1, { what: 'what was missed is heard' });
    expect(messages).toEqual([missed]);
    await until(() => subscriber.stats.errors >= 3, { what: 'what failed is counted' });
  });

  it('is told of a gap where the position is one of another log', async () => {
    const positions = new MemoryPositionStore();
    await positions.save(ORIGIN);
    const { gaps } = await subscribe({ log: memoryLog(), positions });
    await until(() => gaps.length === 1, { what: 'the gap is told' });
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

  it.each(wireMessages)('hears what services send: $name', async ({ payload, expect: made }) => {
    const { messages, subscriber } = await subscribe({ redis: server.url });
    await plain.publish('cache:invalidate', payload);
    if (made.rejected === true) {
      await until(() => subscriber.stats.rejected === 1, { what: 'it is counted' });
      expect(messages).toEqual([]);
      return;
    }
    await until(() => messages.length === 1, { what: 'it is heard' });
    const { message_id: messageId } = JSON.parse(payload) as { message_id: string };
    expect(messages).toMatchObject([{ message_id: messageId }]);
  });

  it('tells of a gap where its callback is too slow for the channel', async () => {
    const held = Promise.withResolvers<void>();
    let heard = 0;
    const { gaps, subscriber } = await subscribe({
      redis: server.url,
      onBatch: async (deliveries) => {
        heard += deliveries.length;
        await held.promise;
      },
    });
    const payloads = Array.from({ length: 1_500 }, () => JSON.stringify(someMessage()));
    await plain.publish('cache:invalidate', payloads.pop() ?? '');
    await until(() => heard === 1, { what: 'the callback runs' });
    await Promise.all(payloads.map((payload) => plain.publish('cache:invalidate', payload)));
    await until(() => subscriber.stats.dropped > 0, { what: 'some had no room' });
    held.resolve();
    await until(() => gaps.length === 1, { what: 'the gap is told' });
    const { received, dropped } = subscriber.stats;
    expect(received + dropped).toBe(1_500);
    await until(() => heard === received, { what: 'the others are heard' });
    expect(dropped).toBeLessThan(500);
  });

  it('goes on in another process where its position was saved, also after an outage', async () => {
    const positions = new RedisPositionStore({ redis: server.url, name: 'feed-service-1' });
    open.push(positions);
    const log = logOn();
    const first = await subscribe({ redis: server.url, positions });
    const position = await log.append(someMessage());
    expect(await first.subscriber.reached(position)).toBe(true);
    await first.subscriber.close();
    const missed = [someMessage(), someMessage()];
    for (const message of missed) await log.append(message);
    server.pause();
    const second = createSubscriber({
      redis: server.url, positions,
      onBatch: (deliveries) => {
        heard.push(...deliveries.map(({ message }) => message));
      },
    });
    open.push(second);
    const heard: InvalidationMessage[] = [];
    await until(() => second.stats.errors > 0, { what: 'it could not read its position' });
    server.resume();
    await until(() => heard.length === 2, { what: 'what was missed is heard' });
    expect(heard).toEqual(missed);
  });

  const cutChannel = () => plain.call('client', 'kill', 'type', 'pubsub');
  const listeners = async () => {
    const [, count] = await plain.call('pubsub', 'numsub', 'cache:invalidate') as [string, number];
    return count;
  };

  it('tells of a gap when it listens again, of which the log proves nothing', async () => {
    const { messages, gaps, subscriber } = await subscribe({ redis: server.url });
    expect(gaps).toEqual([]);
    // At once, so that nobody listens and nobody can append it.
    const [, published] = await plain.multi()
      .call('client', 'kill', 'type', 'pubsub')
      .publish('cache:invalidate', JSON.stringify(someMessage()))
      .exec() ?? [];
    expect(published).toEqual([null, 0]);
    await until(() => gaps.length === 1, { what: 'the gap is told' });
    const message = someMessage();
    await until(async () => await listeners() === 1, { what: 'it listens' });
    await plain.publish('cache:invalidate', JSON.stringify(message));
    await until(() => messages.length > 0, { what: 'it hears again' });
    expect(messages).toEqual([message]);
    expect(subscriber.stats.gaps).toBe(1);
  });

  it('tells of a gap before it is ready, where an earlier run has listened', async () => {
    const from = await logOn().append(someMessage());
    const { gaps } = await subscribe({ redis: server.url, from });
    expect(gaps).toEqual([from]);
    const trusting = await subscribe({ redis: server.url, from, trustOtherNodes: true });
    const deaf = await subscribe({ redis: server.url, from, listen: false });
    expect([trusting.gaps, deaf.gaps]).toEqual([[], []]);
  });

  it('tells of no gap where other nodes were listening', async () => {
    const { gaps, messages } = await subscribe({ redis: server.url, trustOtherNodes: true });
    await cutChannel();
    await until(async () => await listeners() === 1, { what: 'it listens again' });
    await plain.publish('cache:invalidate', JSON.stringify(someMessage()));
    await until(() => messages.length === 1, { what: 'it hears again' });
    expect(gaps).toEqual([]);
  });

  it('replays what was appended while its connections were cut', async () => {
    const { messages, gaps } = await subscribe({ redis: server.url, trustOtherNodes: true });
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
