/** Two gateway nodes over one private Redis, and the ways in which services make things stale. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { parsePosition } from '../../src/invalidation/position.ts';
import {
  createPublisher, type Published, type Publisher,
} from '../../src/invalidation/publisher.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import {
  startTestNode, type Answer, type AskOptions, type NodeOptions, type TestNode,
} from './fleet.ts';

export interface Pair {
  readonly nodes: readonly [TestNode, TestNode];
  readonly redis: Redis;
  /** As a service in another language publishes; resolves when both nodes have applied it. */
  publish(message: Record<string, unknown>): Promise<void>;
  /** As a service does that uses this project's library; resolves likewise. */
  tell(say: (publisher: Publisher) => Promise<Published>): Promise<void>;
  /** A mutation through one of the nodes; resolves when the other has applied it as well. */
  mutate(node: TestNode, mutation: string, options?: AskOptions): Promise<Answer>;
  stop(): Promise<void>;
}

/** What these tests await to be served is there however busy the machine is. */
const PATIENT = { maxStalenessMs: 600_000, defaultTtlSeconds: 3_600 };

export async function startPair(options: NodeOptions): Promise<Pair> {
  const server = await startRedis();
  const cache = { ...PATIENT, ...options.cache };
  const configured = { ...options, redis: server.url, cache };
  const nodes = await Promise.all([startTestNode(configured), startTestNode(configured)]);
  const redis = new Redis(server.url);
  const publisher = createPublisher({ redis: server.url, source: 'test-service' });
  return {
    nodes,
    redis,
    async publish(message) {
      const sent = foreign(message);
      await redis.publish('cache:invalidate', JSON.stringify(sent));
      await reached(nodes, await positionOf(redis, sent.message_id));
    },
    async tell(say) {
      const { message_id } = await say(publisher);
      await reached(nodes, await positionOf(redis, message_id));
    },
    async mutate(node, mutation, ask) {
      const answer = await node.ask(mutation, ask);
      await reached(nodes, answer.headers.get('freshet-position') ?? '');
      return answer;
    },
    async stop() {
      await publisher.close();
      await Promise.all(nodes.map((node) => node.stop()));
      redis.disconnect();
      await server.stop();
    },
  };
}

/** All nine fields, as every existing service writes them. */
function foreign(message: Record<string, unknown>) {
  return {
    message_id: randomUUID(), entity_type: { Custom: 'batch' }, entity_id: null, pattern: null,
    entity_ids: null, action: 'Batch', timestamp: new Date().toISOString(),
    source_service: 'foreign-service', metadata: null, ...message,
  };
}

/** Where the log has the message: whoever heard it on the channel has appended it. */
function positionOf(redis: Redis, messageId: string): Promise<string> {
  return until(
    async () => {
      const latest = await redis.xrevrange('cache:invalidate:log', '+', '-', 'COUNT', 20);
      return latest.find(([, fields]) => fields.some((text) => text.includes(messageId)))?.[0];
    },
    { what: `message ${messageId} is in the log` },
  );
}

async function reached(nodes: readonly TestNode[], position: string): Promise<void> {
  const wanted = parsePosition(position) ?? '';
  const stands = ({ gateway }: TestNode): boolean =>
    (parsePosition(gateway.status().position) ?? '') >= wanted;
  await until(() => nodes.every(stands), { what: `both nodes stand at ${position}` });
}
