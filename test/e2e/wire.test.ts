/**
 * What services say on the channel, from end to end: each message has its effect on every node and
 * no other, and stands in the log once, however many nodes have heard it.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Publisher } from '../../src/invalidation/publisher.ts';
import { wireMessages, type WireMessage } from '../invalidation/wire-messages.ts';
import { until } from '../support/until.ts';
import {
  CHANNEL, PROBES, rejectedBy, startWireFleet, type LogMessage, type WireFleet,
} from './wire-fleet.ts';
import type { Probe } from './wire-world.ts';

let fleet: WireFleet;

beforeAll(async () => {
  fleet = await startWireFleet();
});

afterAll(() => fleet.stop());

describe.each(wireMessages)('the wire message "$name"', ({ payload, expect: expected }) => {
  const purged = PROBES.filter((probe) => isPurged(probe, expected));

  if (expected.rejected === true) {
    test('is counted on both nodes, changes nothing and is not in the log', async () => {
      const before = fleet.nodes.map(rejectedBy);
      const changed = await fleet.warmUp();
      await fleet.client.publish(CHANNEL, payload);
      await until(
        () => fleet.nodes.every((node, at) => rejectedBy(node) === (before[at] ?? 0) + 1),
        { what: 'both nodes refuse it' },
      );
      await fleet.expectPurged([], changed);
      expect(await fleet.newRecords(changed)).toEqual([]);
    });
    return;
  }

  test('purges what it names on both nodes, nothing else, and is in the log once', async () => {
    if (expected.purges?.length !== 0) expect(purged).not.toEqual([]);
    const changed = await fleet.warmUp();
    await fleet.applied(() => fleet.client.publish(CHANNEL, payload));
    await fleet.expectPurged(purged, changed);
    const records = await fleet.newRecords(changed);
    expect(records).toHaveLength(1);
    const { message_id: messageId } = JSON.parse(payload) as { message_id: string };
    expect(records[0]).toMatchObject({ message_id: messageId });
    const { metadata } = expected;
    if (metadata !== undefined) expect(records[0]).toMatchObject({ metadata });
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
});

interface OwnMessage {
  readonly name: string;
  readonly send: (publisher: Publisher) => Promise<{ position: string | undefined }>;
  readonly purges: readonly string[];
}

const OWN_MESSAGES: readonly OwnMessage[] = [
  { name: 'invalidateUser', send: (to) => to.invalidateUser('123'), purges: ['user:123'] },
  { name: 'invalidatePost', send: (to) => to.invalidatePost('456'), purges: ['post:456'] },
  { name: 'invalidateComment', send: (to) => to.invalidateComment('c-9'), purges: ['comment:c-9'] },
  {
    name: 'invalidateNotification',
    send: (to) => to.invalidateNotification('n1'),
    purges: ['notification:n1'],
  },
  { name: 'invalidateFeed', send: (to) => to.invalidateFeed('77'), purges: ['feed:77'] },
  {
    name: 'invalidateCustom',
    send: (to) => to.invalidateCustom('session', 'abc123'),
    purges: ['session:abc123'],
  },
  {
    name: 'invalidateUser, of an id like a path',
    send: (to) => to.invalidateUser('gid://shop/User/1'),
    purges: ['user:gid://shop/User/1'],
  },
  {
    name: 'invalidateUser, of an id like a pattern',
    send: (to) => to.invalidateUser('*'),
    purges: ['user:*'],
  },
  {
    name: 'invalidateBatch',
    send: (to) => to.invalidateBatch(['user:1', 'post:9']),
    purges: ['user:1', 'post:9'],
  },
  {
    name: 'invalidatePattern',
    send: (to) => to.invalidatePattern('feed:123:*'),
    purges: ['feed:123:home'],
  },
  { name: 'created', send: (to) => to.created('Post', '457'), purges: ['post'] },
];

describe.each(OWN_MESSAGES)('a message of our own, $name', ({ send, purges }) => {
  test('has its effect on both nodes, is in the log once, and announced once', async () => {
    const purged = PROBES.filter(({ tag }) => purges.includes(tag));
    expect(purged).toHaveLength(purges.length);
    const heard: string[] = [];
    const listener = fleet.client.duplicate();
    listener.on('message', (_channel, text) => heard.push(text));
    await listener.subscribe(CHANNEL);

    const changed = await fleet.warmUp();
    const { position } = await fleet.applied(() => send(fleet.publisher));
    await fleet.expectPurged(purged, changed);
    expect(await fleet.newRecords(changed)).toHaveLength(1);
    await listener.ping();
    listener.disconnect();
    const own = heard.map((text) => JSON.parse(text) as LogMessage)
      .filter(({ source_service: source }) => source === 'test-service');
    expect(own).toHaveLength(1);
    expect(position).toBeDefined();
    expect(own[0]?.metadata).toHaveProperty('position');
  });
});

function isPurged({ tag, variables }: Probe, expected: WireMessage['expect']): boolean {
  const { purges = [], purgesEntity, purgesPattern } = expected;
  if (purges.includes(tag)) return true;
  if (purgesPattern !== undefined && tag.startsWith(purgesPattern.slice(0, -1))) return true;
  const [type, id] = purgesEntity ?? [];
  return type !== undefined && tag.startsWith(`${type.toLowerCase()}:`) && variables['id'] === id;
}
