import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { readMessage } from '../../src/invalidation/message.ts';
import { formatPosition } from '../../src/invalidation/position.ts';
import {
  createPublisher, type Publisher, type PublisherOptions,
} from '../../src/invalidation/publisher.ts';
import { messagesIn } from '../support/log-entry.ts';
import { freePort, startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { FaultyLog } from './faulty-log.ts';
import { someMessage, TestFollower } from './log-contract.ts';

const open: Publisher[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((publisher) => publisher.close(100)));
});

function make(options: Partial<PublisherOptions>): Publisher {
  const publisher = createPublisher({ source: 'user-service', ...options });
  open.push(publisher);
  return publisher;
}

describe('the publisher', () => {
  it('says what each method is for', async () => {
    const log = new MemoryLog();
    const publisher = make({ log });
    const follower = new TestFollower(log);
    const results = [
      await publisher.invalidateUser('1'),
      await publisher.invalidatePost(2, { action: 'Update', metadata: { version: 7 } }),
      await publisher.invalidateComment('3'),
      await publisher.invalidateNotification('4'),
      await publisher.invalidateFeed('5'),
      await publisher.invalidateCustom('session', 'abc'),
      await publisher.invalidateBatch(['user:1', 'post:2'], { reason: 'a test' }),
      await publisher.invalidatePattern('feed:1:*'),
      await publisher.created('Post', 9),
      await publisher.publish(someMessage({ entity_id: '10' })),
    ];
    const { records } = await follower.records(results.length);
    follower.abort();
    expect(records.map(({ position, message }) => ({ position, message_id: message.message_id })))
      .toEqual(results);
    expect(new Set(results.map(({ message_id }) => message_id)).size).toBe(results.length);
    expect(records.map(({ message }) => message)).toMatchObject([
      { entity_type: 'User', entity_id: '1', action: 'Delete', metadata: null },
      { entity_type: 'Post', entity_id: '2', action: 'Update', metadata: { version: 7 } },
      { entity_type: 'Comment', entity_id: '3' },
      { entity_type: 'Notification', entity_id: '4' },
      { entity_type: 'Feed', entity_id: '5' },
      { entity_type: { Custom: 'session' }, entity_id: 'abc' },
      { action: 'Batch', entity_ids: ['user:1', 'post:2'], metadata: { reason: 'a test' } },
      { action: 'Pattern', pattern: 'feed:1:*' },
      { entity_type: 'Post', entity_id: '9', metadata: { created: true } },
      { entity_id: '10' },
    ]);
    for (const { message } of records.slice(0, -1)) {
      expect(message.source_service).toBe('user-service');
      expect(message.timestamp).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    }
    expect(publisher.stats).toMatchObject({ published: 10, kept: 0, outbox: 0 });
    expect(publisher.stats.publishLatency.count).toBe(10);
    await log.close();
  });

  it('tells of arguments that no cache could act upon', async () => {
    const publisher = make({ log: new MemoryLog() });
    await expect(publisher.invalidateUser(undefined as unknown as string))
      .rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    await expect(publisher.invalidatePattern('')).rejects.toMatchObject({
      code: 'PATTERN_INVALID',
    });
    await expect(publisher.publish(someMessage({ entity_id: null })))
      .rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    await expect(publisher.invalidateBatch(Array.from({ length: 10_001 }, String)))
      .rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    expect(publisher.stats).toMatchObject({ published: 0, kept: 0, outbox: 0 });
  });

  it('fails no caller for trouble with the log, unless it is strict', async () => {
    const log = new FaultyLog(new MemoryLog());
    log.isDown = true;
    const [lenient, strict] = [make({ log }), make({ log, strict: true })];
    const { position, message_id } = await lenient.invalidateUser('1');
    expect(position).toBeUndefined();
    await expect(strict.invalidateUser('2')).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    expect([lenient.stats.outbox, strict.stats.outbox]).toEqual([1, 1]);
    log.isDown = false;
    const follower = new TestFollower(log);
    const { records } = await follower.records(2);
    follower.abort();
    expect(records.map(({ message }) => message.message_id)).toContain(message_id);
  });

  it('takes nothing once it is closed, and says what it could not append', async () => {
    const log = new FaultyLog(new MemoryLog());
    log.isDown = true;
    const publisher = make({ log });
    await publisher.invalidateUser('1');
    expect(await publisher.close(50)).toBe(1);
    await expect(publisher.invalidateUser('2')).rejects.toMatchObject({ code: 'LOG_CLOSED' });
  });

  it('needs Redis or a log', () => {
    expect(() => createPublisher({ source: 's' })).toThrow(/a URL or an object, or a log/);
  });
});

describe('the publisher on Redis', () => {
  let server: RedisServer;
  let plain: Redis;
  beforeAll(async () => {
    server = await startRedis({ password: 'a p@ssword' });
    plain = new Redis(server.url);
  });
  afterAll(async () => {
    plain.disconnect();
    await server.stop();
  });
  beforeEach(() => plain.flushall());

  it('appends and announces in one step, for every reader of the channel', async () => {
    const listener = new Redis(server.url);
    const heard: string[] = [];
    listener.on('message', (_channel, payload: string) => heard.push(payload));
    await listener.subscribe('cache:invalidate');
    const { position, message_id } = await make({ redis: server.url }).invalidateUser('1');
    await until(() => heard.length === 1, { what: 'it is announced' });
    const message = readMessage(heard[0] as string);
    expect(Object.keys(JSON.parse(heard[0] as string) as object)).toHaveLength(9);
    expect(message).toMatchObject({
      message_id, entity_id: '1', metadata: { position: formatPosition(position ?? '' as never) },
    });
    listener.disconnect();
  });

  it('uses the names that it is given', async () => {
    await make({ redis: server.url, channel: 'c', stream: 's' }).invalidateUser('1');
    await make({ redis: server.url, channel: 'd' }).invalidateUser('1');
    expect((await plain.keys('*')).filter((key) => !key.includes('seen')).toSorted())
      .toEqual(['d:log', 's']);
  });

  it('keeps in order what Redis does not take, and delivers it when Redis is there', async () => {
    const port = await freePort();
    const publisher = make({ redis: `redis://127.0.0.1:${port}`, appendTimeoutMs: 50 });
    for (let id = 0; id < 20; id += 1) {
      expect((await publisher.invalidateUser(id)).position).toBeUndefined();
    }
    const late = await startRedis({ port });
    await until(() => publisher.stats.outbox === 0, { what: 'all is delivered' });
    const other = new Redis(late.url);
    const entries = await other.xrange('cache:invalidate:log', '-', '+');
    const ids = entries.flatMap(([, fields]) => messagesIn(fields)).map((one) => one.entity_id);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, id) => String(id)));
    other.disconnect();
    await publisher.close();
    await late.stop();
  });
});
