/** Two nodes over one private Redis, and what must be true of them after a fault. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, type TestContext } from 'vitest';
import { startRedis, type RedisOptions, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { FaultLoad, type LoadedNode } from './fault-load.ts';
import { startTestNode, type NodeOptions, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

/** Short, so that a test can see it pass. */
export const MAX_STALENESS_MS = 500;

const ASK = 'query ($id: ID!) { user(id: $id) { name } }';

export interface FaultFleet {
  readonly nodes: readonly [TestNode, TestNode];
  readonly world: World;
  startLoad(): FaultLoad;
  /** That load runs, and finds something in the cache. */
  underLoad(load: FaultLoad): Promise<void>;
  /** Resolves when neither node hears the log. */
  bothDeaf(): Promise<void>;
  /** Both nodes hear, keep, share and forget again, without a restart. */
  healed(): Promise<void>;
  stop(): Promise<void>;
}

export interface FaultFleetOptions extends NodeOptions {
  /** Where the second node finds Redis, if elsewhere than the first one. */
  readonly secondRedisUrl?: string;
}

async function startFaultFleet(
  redis: Pick<RedisServer, 'url'>,
  { secondRedisUrl = redis.url, ...options }: FaultFleetOptions = {},
): Promise<FaultFleet> {
  const world = await startWorld();
  const node = (url: string): Promise<TestNode> => startTestNode({
    subgraphs: world.subgraphs, redis: url, cache: { maxStalenessMs: MAX_STALENESS_MS }, ...options,
  });
  const nodes = await Promise.all([node(redis.url), node(secondRedisUrl)]);
  const loaded = nodes.map(loadedNode);
  return {
    nodes,
    world,
    startLoad: () => new FaultLoad({
      nodes: loaded, world, redisUrl: redis.url, maxStalenessMs: MAX_STALENESS_MS,
    }),
    underLoad,
    bothDeaf: () => deaf(nodes),
    healed: () => healed(loaded, { world, redisUrl: redis.url }),
    async stop() {
      await Promise.all(nodes.map((one) => one.stop()));
      await world.stop();
    },
  };
}

/** A server of its own for a test; what a test starts is stopped after it, the last first. */
export async function redisFor(
  { onTestFinished }: TestContext,
  options: RedisOptions = {},
): Promise<RedisServer> {
  const redis = await startRedis(options);
  onTestFinished(() => redis.stop());
  return redis;
}

/** A fleet of its own for a test. */
export async function fleetOver(
  redis: Pick<RedisServer, 'url'>,
  { onTestFinished }: TestContext,
  options: FaultFleetOptions = {},
): Promise<FaultFleet> {
  const fleet = await startFaultFleet(redis, options);
  onTestFinished(() => fleet.stop());
  return fleet;
}

export function loadedNode(node: TestNode): LoadedNode {
  return { ask: (query, ask) => node.ask(query, ask), status: () => node.gateway.status() };
}

export async function deaf(nodes: readonly TestNode[]): Promise<void> {
  await until(
    () => nodes.every((node) => !node.gateway.status().hears),
    { what: 'the nodes notice that they are deaf' },
  );
}

/** Waits until the load has found more in the cache, and written in every way. */
export async function underLoad(load: FaultLoad): Promise<void> {
  const { hits, writes } = load.progress;
  await until(
    () => load.progress.hits >= hits + 10 && load.progress.writes >= writes + 4,
    { what: 'the load finds answers in the cache' },
  );
}

export async function healed(
  nodes: readonly LoadedNode[],
  { world, redisUrl }: { world: World; redisUrl: string },
): Promise<void> {
  const id = `healed-${randomUUID()}`;
  const client = new Redis(redisUrl);
  try {
    for (const [at, node] of nodes.entries()) {
      const hears = async (): Promise<boolean> => (await node.status()).hears;
      await until(hears, { what: `node ${at} hears the log again` });
    }
    world.people.set(id, { ...person(id), name: 'before' });
    for (const [at] of nodes.entries()) await untilHit(nodes, at, { id, name: 'before' });
    world.people.set(id, { ...person(id), name: 'after' });
    await client.publish('cache:invalidate', JSON.stringify({
      message_id: randomUUID(), entity_type: 'User', entity_id: id, pattern: null,
      entity_ids: null, action: 'Update', timestamp: new Date().toISOString(),
      source_service: 'healing', metadata: null,
    }));
    for (const [at] of nodes.entries()) await untilHit(nodes, at, { id, name: 'after' });
    // What one node reads, the other finds in Redis.
    const shared = `shared-${randomUUID()}`;
    world.people.set(shared, { ...person(shared), name: 'shared' });
    await untilHit(nodes, 0, { id: shared, name: 'shared' });
    await until(
      async () => (await nodes[1]?.ask(ASK, { variables: { id: shared } }))?.cache === 'hit',
      { what: 'the second node finds what the first has read' },
    );
  } finally {
    client.disconnect();
  }
}

async function untilHit(
  nodes: readonly LoadedNode[],
  at: number,
  { id, name }: { id: string; name: string },
): Promise<void> {
  await until(
    async () => {
      const answer = await nodes[at]?.ask(ASK, { variables: { id } });
      return answer?.cache === 'hit' && answer.data.user.name === name;
    },
    { what: `node ${at} answers ${name} from its cache` },
  );
}

/** Ends the load, and holds it to what was promised. */
export async function expectUnharmed(load: FaultLoad): Promise<void> {
  const { complaints, reads, hits, writes } = await load.end();
  expect(complaints).toEqual([]);
  expect(reads).toBeGreaterThan(50);
  expect(hits).toBeGreaterThan(20);
  expect(writes).toBeGreaterThan(8);
}
