/** A service in another language: it has a connection to Redis, JSON, and nothing of ours. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { InvalidationNode } from '../../src/invalidation/node.ts';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { createSubscriber } from '../../src/invalidation/subscriber.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { RespClient } from '../support/resp.ts';
import { until } from '../support/until.ts';

const CHANNEL = 'cache:invalidate';
let redis: RedisServer;
let publisher: Publisher;
beforeAll(async () => {
  redis = await startRedis();
  publisher = createPublisher({ redis: redis.url, source: 'user-service' });
});
afterAll(async () => {
  await publisher.close();
  await redis.stop();
});

it('is heard by a node and by a subscriber, and what it says is in the log', async () => {
  const heard: string[] = [];
  const node = new InvalidationNode({ redis: { redis: redis.url }, settleMs: 0 });
  const subscriber = createSubscriber({
    redis: redis.url,
    onMessage: ({ message_id: id }) => {
      heard.push(id);
    },
  });
  await Promise.all([node.start(), subscriber.ready()]);
  await until(() => node.hears(systemClock.now()), { what: 'the node hears' });
  const service = new RespClient(redis.port);
  const stamp = node.position;
  const tag = entityTag('User', '123');
  expect(node.horizon.invalidatedSince(stamp, [tag])).toBe(false);

  const id = randomUUID();
  const receivers = await service.call('PUBLISH', CHANNEL, `{
    "message_id": "${id}", "entity_type": "User", "entity_id": "123", "pattern": null,
    "entity_ids": null, "action": "Update", "timestamp": "2026-03-01T12:00:00.123456789Z",
    "source_service": "a service in another language", "metadata": null
  }`);
  expect(receivers).toBe(2);
  await until(() => node.horizon.invalidatedSince(stamp, [tag]), { what: 'the node has purged' });
  await until(() => heard.includes(id), { what: 'the subscriber has heard it' });
  const entries = await until(async () => {
    const reply = await service.call('XRANGE', `${CHANNEL}:log`, '-', '+');
    return JSON.stringify(reply).includes(id) && reply;
  }, { what: 'it is in the log' });
  expect(JSON.stringify(entries).split(id)).toHaveLength(3);
  service.close();
  await Promise.all([node.close(), subscriber.close()]);
});

it('reads with a strict reader whatever this publisher says', async () => {
  const payloads: string[] = [];
  const service = new RespClient(redis.port, ([, , payload]) => payloads.push(String(payload)));
  await service.call('SUBSCRIBE', CHANNEL);
  const calls: (() => Promise<unknown>)[] = [
    () => publisher.invalidateUser('1'),
    () => publisher.invalidatePost(2, { action: 'Update', metadata: { version: 7 } }),
    () => publisher.invalidateComment('gid://shop/Comment/1'),
    () => publisher.invalidateNotification('\u{1F600} "quoted" \\ \n'),
    () => publisher.invalidateFeed('5', { metadata: { cascade: ['feed:5:*'], soft: true } }),
    () => publisher.invalidateCustom('session', 'abc'),
    () => publisher.invalidateBatch(['user:1', 'post:2']),
    () => publisher.invalidatePattern('feed:1:*'),
    () => publisher.created('Post', 9),
    () => Promise.all([publisher.invalidateUser('1'), publisher.invalidatePost('2')]),
  ];
  for (const call of calls) await call();
  await until(() => payloads.length === calls.length, { what: 'all are announced' });
  const read = payloads.map(strictlyRead);
  expect(read.map(({ action }) => action)).toEqual([
    'Delete', 'Update', 'Delete', 'Delete', 'Delete', 'Delete', 'Batch', 'Pattern', 'Update',
    'Batch',
  ]);
  expect(read[3]).toMatchObject({ entity_id: '\u{1F600} "quoted" \\ \n' });
  service.close();
});

const FIELDS = [
  'message_id', 'entity_type', 'entity_id', 'pattern', 'entity_ids', 'action', 'timestamp',
  'source_service', 'metadata',
] as const;
const TYPES: readonly unknown[] = ['User', 'Post', 'Comment', 'Notification', 'Feed'];

type Strict = Readonly<Record<(typeof FIELDS)[number], unknown>>;

/** As a language with types derives it from the declaration: all nine fields, and no others. */
function strictlyRead(payload: string): Strict {
  const fields = JSON.parse(payload) as Strict;
  expect(Object.keys(fields)).toEqual(FIELDS);
  const text = expect.any(String);
  const { entity_type: type, entity_id: id, pattern, entity_ids: keys, metadata } = fields;
  expect(fields).toMatchObject({ message_id: text, timestamp: text, source_service: text });
  expect(['Delete', 'Update', 'Batch', 'Pattern']).toContain(fields.action);
  if (!TYPES.includes(type)) expect(type).toEqual({ Custom: text });
  for (const optional of [id, pattern]) expect([text, null]).toContainEqual(optional);
  if (keys !== null) expect((keys as unknown[]).every((key) => typeof key === 'string')).toBe(true);
  expect(Array.isArray(keys)).toBe(fields.action === 'Batch');
  if (metadata !== null) expect(metadata).toBeTypeOf('object');
  expect(fields.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
  return fields;
}
