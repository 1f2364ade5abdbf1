/**
 * Two nodes over one private Redis that hold an answer of every kind that the messages of the wire
 * speak of, and the check that a message has had its effect and no other.
 */
import { Redis } from 'ioredis';
import { expect } from 'vitest';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { messagesIn } from '../support/log-entry.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startTestNode, type Answer, type TestNode } from './fleet.ts';
import {
  entityProbe, feedPageProbe, POSTS_PROBE, startWireWorld, type Probe,
} from './wire-world.ts';

export const CHANNEL = 'cache:invalidate';
const LOG = 'cache:invalidate:log';

/** All that the messages name, and neighbours of it: what they do not name stays. */
export const PROBES: readonly Probe[] = [
  ...['1', '2', '5', '8', '9', '10', '12', '123', '1234', 'gid', 'gid://shop/User/1', '*', 'a']
    .map((id) => entityProbe('User', id)),
  ...['9', '45', '123', '456'].map((id) => entityProbe('Post', id)),
  ...['c', 'c-9', 'c-90'].map((id) => entityProbe('Comment', id)),
  ...['n', 'n1'].map((id) => entityProbe('Notification', id)),
  ...['7', '77'].map((id) => entityProbe('Feed', id)),
  ...['abc', 'abc123'].map((id) => entityProbe('Session', id)),
  ...['12', '123', '1234'].map((id) => feedPageProbe(id)),
  POSTS_PROBE,
];

/** What both nodes answered before the change that a message then speaks of. */
export interface Changed {
  readonly before: readonly (readonly number[])[];
  readonly version: number;
  readonly records: number;
}

export interface LogMessage {
  readonly source_service: string;
  readonly metadata: object | null;
}

export interface WireFleet {
  readonly nodes: readonly [TestNode, TestNode];
  /** As a service has it that is not of this project. */
  readonly client: Redis;
  readonly publisher: Publisher;
  /** All that both nodes have logged. */
  readonly logLines: string[];
  /** Runs `change` and resolves when both nodes have applied one more invalidation. */
  applied<T>(change: () => Promise<T>): Promise<T>;
  /** Makes both nodes hold every probe, then changes all of it behind their backs. */
  warmUp(): Promise<Changed>;
  /** Both nodes answer `purged` anew, and all the rest from the cache as before. */
  expectPurged(purged: readonly Probe[], changed: Changed): Promise<void>;
  /** The records since `changed`, once both nodes have appended all that they have heard. */
  newRecords(changed: Changed): Promise<readonly LogMessage[]>;
  stop(): Promise<void>;
}

export async function startWireFleet(): Promise<WireFleet> {
  const world = await startWireWorld();
  const redis = await startRedis();
  const logLines: string[] = [];
  const options = {
    subgraphs: world.subgraphs,
    redis: redis.url,
    // What a message purges is asked here. On a busy machine a node may not hear for a moment, and
    // would then ask the origin again: the tests of faults are about that.
    cache: { maxStalenessMs: 60_000 },
    onLogLine: (line: string): void => void logLines.push(line),
  };
  const nodes = await Promise.all([startTestNode(options), startTestNode(options)]);
  const client = new Redis(redis.url);
  const publisher = createPublisher({ redis: redis.url, source: 'test-service' });
  return {
    nodes, client, publisher, logLines,
    applied: (change) => applied(nodes, change),
    async warmUp() {
      const before = await Promise.all(nodes.map(async (node) =>
        (await askAll(node)).map((answer) => versionIn(answer))));
      const records = (await foreignRecords(client)).length;
      return { before, version: world.change(), records };
    },
    expectPurged: (purged, changed) => expectPurged(nodes, purged, changed),
    async newRecords({ records }) {
      for (const node of nodes) await drained(node);
      return (await foreignRecords(client)).slice(records);
    },
    async stop() {
      await publisher.close();
      await Promise.all(nodes.map((node) => node.stop()));
      client.disconnect();
      await redis.stop();
      await world.stop();
    },
  };
}

export function rejectedBy(node: TestNode): number {
  return node.gateway.status().invalidation.rejected;
}

async function applied<T>(nodes: readonly TestNode[], change: () => Promise<T>): Promise<T> {
  const received = (node: TestNode): number => node.gateway.status().invalidation.received;
  const before = nodes.map(received);
  const result = await change();
  await until(
    () => nodes.every((node, at) => received(node) > (before[at] ?? 0)),
    { what: 'both nodes apply the invalidation' },
  );
  return result;
}

async function expectPurged(
  nodes: readonly TestNode[],
  purged: readonly Probe[],
  changed: Changed,
): Promise<void> {
  const isPurged = ({ tag }: Probe): boolean => purged.some((probe) => probe.tag === tag);
  for (const [at, node] of nodes.entries()) {
    // The second node may find in Redis what the first one has just read.
    const anew = at === 0 ? 'miss' : 'any';
    const answers = await askAll(node);
    const seen = PROBES.map((probe, index) => {
      const answer = answers[index] as Answer;
      const cache = isPurged(probe) && at > 0 ? anew : answer.cache;
      return [probe.tag, versionIn(answer), cache];
    });
    expect(seen).toEqual(PROBES.map((probe, index) => {
      if (isPurged(probe)) return [probe.tag, changed.version, anew];
      return [probe.tag, changed.before[at]?.[index], 'hit'];
    }));
  }
}

function askAll(node: TestNode): Promise<readonly Answer[]> {
  return Promise.all(PROBES.map(({ query, variables }) => node.ask(query, { variables })));
}

function versionIn({ status, data, errors }: Answer): number {
  expect({ status, errors }).toEqual({ status: 200, errors: undefined });
  return data.it.version as number;
}

/** A node appends in order, and answers a mutation when its own purge is in the log. */
async function drained(node: TestNode): Promise<void> {
  const { status } = await node.ask('mutation { touch(id: "barrier") { id } }');
  expect(status).toBe(200);
  expect(node.gateway.status().kept).toBe(0);
}

/** What is in the log and not from the gateway: neither fences nor purges of mutations. */
async function foreignRecords(client: Redis): Promise<readonly LogMessage[]> {
  const entries = await client.xrange(LOG, '-', '+');
  return entries
    .flatMap(([, fields]): readonly LogMessage[] => messagesIn(fields))
    .filter(({ source_service: source }) => source !== 'freshet');
}
