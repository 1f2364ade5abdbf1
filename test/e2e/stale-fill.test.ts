/**
 * The stale-fill race, forced: a read begins, an invalidation is applied, the read ends with the
 * old value. The subgraph is held open by the test; nothing depends on time.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

const QUERY = 'query Ask($id: ID!) { user(id: $id) { name } }';
const ENTITY_QUERY = 'query Ask($id: ID!) { post(id: $id) { author { name } } }';
const RENAME = 'mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { name } }';

let redis: RedisServer;
let client: Redis;
let world: World;
let nodes: readonly [TestNode, TestNode];

beforeAll(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
  world = await startWorld();
  const options = { subgraphs: world.subgraphs, redis: redis.url };
  nodes = await Promise.all([startTestNode(options), startTestNode(options)]);
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await world.stop();
  client.disconnect();
  await redis.stop();
});

/** As a service in another language sends it. */
function publish(message: Record<string, unknown>): Promise<number> {
  return client.publish('cache:invalidate', JSON.stringify({
    message_id: randomUUID(), entity_type: { Custom: 'batch' }, entity_id: null, pattern: null,
    entity_ids: null, action: 'Batch', timestamp: new Date().toISOString(),
    source_service: 'user-service', metadata: null, ...message,
  }));
}

/** Waits until the record of an invalidation is applied on every node. */
async function applied(before: readonly number[]): Promise<void> {
  await until(
    () => nodes.every((node, at) => received(node) > (before[at] ?? 0)),
    { what: 'both nodes apply the invalidation' },
  );
}

function received(node: TestNode): number {
  return node.gateway.status().invalidation.received;
}

interface Form {
  readonly name: string;
  /** Changes the user's name in the service and lets it be known, in this way. */
  readonly change: (id: string, name: string) => Promise<unknown>;
}

const FORMS: readonly Form[] = [
  {
    name: 'by Pub/Sub',
    change: (id, name) => {
      world.people.set(id, { id, name, email: '' });
      return publish({ entity_type: 'User', entity_id: id, action: 'Update' });
    },
  },
  {
    name: 'by a mutation on the same node',
    change: (id, name) => nodes[0].ask(RENAME, { variables: { id, name } }),
  },
  {
    name: 'by a mutation on the other node',
    change: (id, name) => nodes[1].ask(RENAME, { variables: { id, name } }),
  },
  {
    name: 'by a batch',
    change: (id, name) => {
      world.people.set(id, { id, name, email: '' });
      return publish({ entity_ids: [`user:${id}`, 'post:unrelated'] });
    },
  },
  {
    name: 'by a pattern of a type',
    change: (id, name) => {
      world.people.set(id, { id, name, email: '' });
      return publish({ action: 'Pattern', pattern: 'user:*', entity_type: { Custom: 'pattern' } });
    },
  },
  {
    name: 'by a pattern that is no prefix',
    change: (id, name) => {
      world.people.set(id, { id, name, email: '' });
      const pattern = `*${id.slice(2)}`;
      return publish({ action: 'Pattern', pattern, entity_type: { Custom: 'pattern' } });
    },
  },
];

describe.each(FORMS)('an invalidation $name, applied while a read is under way', ({ change }) => {
  test('refuses what a root field was read to be', async () => {
    const id = `u-${randomUUID()}`;
    world.people.set(id, { id, name: 'old', email: '' });
    const asking = { variables: { id } };
    await raceOn({ id, change, asks: () => nodes[0].ask(QUERY, asking), name: 'user' });
  });

  test('refuses what an entity was read to be', async () => {
    const id = `u-${randomUUID()}`;
    const postId = `p-${id}`;
    world.people.set(id, { id, name: 'old', email: '' });
    world.posts.set(postId, { id: postId, title: '', authorId: id });
    const asking = { variables: { id: postId } };
    await raceOn({ id, change, asks: () => nodes[0].ask(ENTITY_QUERY, asking), name: 'author' });
  });
});

interface Race {
  readonly id: string;
  readonly change: Form['change'];
  readonly asks: () => ReturnType<TestNode['ask']>;
  readonly name: 'user' | 'author';
}

async function raceOn({ id, change, asks, name }: Race): Promise<void> {
  const gate = world.users.hold({ when: ({ query }) => query.startsWith('query') });
  const early = asks();
  await gate.arrived;

  const before = nodes.map(received);
  await change(id, 'new');
  await applied(before);
  // It arrives after the invalidation, and finds a read of the same under way.
  const late = asks();
  await until(() => nodes[0].gateway.status().loads.loads >= 1, { what: 'the late one waits' });
  gate.release();

  const value = (answer: Awaited<typeof early>): string =>
    name === 'user' ? answer.data.user.name : answer.data.post.author.name;
  expect(value(await early)).toBe('old');
  expect((await early).headers.get('cache-status')).not.toContain('stored');
  expect(value(await late)).toBe('new');

  const next = await asks();
  expect(value(next)).toBe('new');
  expect((await asks()).cache).toBe('hit');
  // L2: the other node finds only what is new there.
  const other = await nodes[1].ask(
    name === 'user' ? QUERY : ENTITY_QUERY,
    { variables: { id: name === 'user' ? id : `p-${id}` } },
  );
  expect(value(other)).toBe('new');
}
