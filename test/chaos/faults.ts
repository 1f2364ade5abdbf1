/** What can go wrong with one server, with the wires, and with a gateway. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { integerBelow, shuffle } from '../support/seeded-random.ts';
import { CLUSTER_FAULTS } from './faults-cluster.ts';
import { SENTINEL_FAULTS } from './faults-sentinel.ts';
import { WIRED } from './gateways.ts';
import type { Scene } from './scene.ts';
import { at, LOG, type TopologyName } from './topology.ts';

/** Makes it, keeps it up, and ends it. What it broke is whole again, or being repaired. */
export type Fault = (scene: Scene) => Promise<void>;
export type Faults = Readonly<Record<string, Fault>>;

const COMMON: Faults = {
  none: (scene) => scene.lasts(1_000, 1_000),
  'gateway killed': killGateway,
  'connections killed': killConnections,
  'flushed': flush,
  'partition: reset': async (scene) => partition(scene, 'cut'),
  'partition: silence': async (scene) => partition(scene, 'freeze'),
  'partition: delay': delay,
  'trimmed behind a partition': trim,
};

const SINGLE: Faults = {
  'killed, comes back empty': killEmpty,
  'killed, comes back with its data': killWithData,
  'killed, comes back at once': killAtOnce,
  'stopped (SIGSTOP)': stopRedis,
  'full, log evicted': evict,
};

/** By topology and name, in the order in which they are made. */
export const FAULTS: Readonly<Record<TopologyName, Faults>> = {
  single: withMix({ ...COMMON, ...SINGLE }),
  sentinel: withMix({ ...COMMON, ...SENTINEL_FAULTS }),
  cluster: withMix({ ...COMMON, ...CLUSTER_FAULTS }),
};

/** Of these no two are made at the same time: each takes Redis away from under the other. */
const OF_REDIS = new Set([
  ...Object.keys(SINGLE), ...Object.keys(SENTINEL_FAULTS), ...Object.keys(CLUSTER_FAULTS),
]);

function withMix(faults: Faults): Faults {
  return { ...faults, mixed: (scene) => mix(scene, faults) };
}

/** One that concerns Redis, and beside it two others, begun a little later each. */
async function mix(scene: Scene, faults: Faults): Promise<void> {
  const names = shuffle(scene.random, Object.keys(faults).filter((name) => name !== 'none'));
  const others = names.filter((name) => !OF_REDIS.has(name) && !name.includes('partition'));
  // One wire, one partition.
  const wires = names.filter((name) => name.includes('partition'));
  const chosen = [
    names.find((name) => OF_REDIS.has(name)), ...shuffle(scene.random, [others[0], wires[0]]),
  ];
  await Promise.all(chosen.map(async (name, index) => {
    await scene.lasts(0, index * 700);
    await faults[name ?? 'none']?.(scene);
  }));
}

async function killGateway(scene: Scene): Promise<void> {
  const node = integerBelow(scene.random, scene.gateways.length);
  await scene.killGateway(node);
  await scene.lasts(0, 1_000);
  await scene.gateways[node]?.start();
}

async function killConnections(scene: Scene): Promise<void> {
  for (let time = 0; time < 6; time += 1) {
    const type = time % 2 === 0 ? 'normal' : 'pubsub';
    await onAll(scene, (client) => client.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes'));
    await scene.lasts(50, 500);
  }
}

async function flush(scene: Scene): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    await onAll(scene, (client) => client.flushall());
    await scene.lasts(50, 800);
  }
}

async function partition(scene: Scene, how: 'cut' | 'freeze'): Promise<void> {
  const wires = scene.gateways[WIRED]!.wires!;
  wires[how]();
  await scene.deaf(1_500 + scene.random() * 2_000, [WIRED]);
  // What was dropped on the way does not arrive after all.
  if (how === 'freeze' && scene.random() < 0.5) wires.cut();
  wires.restore();
}

/** 20 to 250 ms each way: up to half of what a heartbeat may take. */
async function delay(scene: Scene): Promise<void> {
  const wires = scene.gateways[WIRED]!.wires!;
  wires.delay(20 + integerBelow(scene.random, 230));
  await scene.lasts(2_000, 4_000);
  wires.delay(0);
}

/** In full view, and while one node cannot see it. */
async function trim(scene: Scene): Promise<void> {
  const wires = scene.gateways[WIRED]!.wires!;
  const cut = (length: number) => onAll(scene, (client) => client.xtrim(LOG, 'MAXLEN', length));
  await cut(0);
  await scene.lasts(100, 500);
  await cut(1);
  wires.cut();
  await scene.deaf(1_500, [WIRED]);
  await cut(1);
  wires.restore();
}

/** On every server that answers; one that refuses (a replica, another slot) has no say. */
export async function onAll(
  { topology }: Pick<Scene, 'topology'>,
  work: (client: Redis) => Promise<unknown>,
): Promise<void> {
  await Promise.all(topology.servers.map((server) => at(server, work).catch(() => undefined)));
}

async function killEmpty(scene: Scene): Promise<void> {
  const server = scene.topology.servers[0]!;
  const [, directory] = await at(server, (client) => client.config('GET', 'dir'));
  await server.kill();
  await rm(join(directory!, 'appendonlydir'), { recursive: true, force: true });
  await scene.deaf(1_500 + scene.random() * 1_500);
  await server.restart();
}

async function killWithData(scene: Scene): Promise<void> {
  const server = scene.topology.servers[0]!;
  await server.kill();
  await scene.deaf(1_500 + scene.random() * 1_500);
  await server.restart();
}

async function killAtOnce(scene: Scene): Promise<void> {
  const server = scene.topology.servers[0]!;
  await server.kill();
  await server.restart();
}

/** For a moment, so that nobody is sure; and for long enough that all are. */
async function stopRedis(scene: Scene): Promise<void> {
  const server = scene.topology.servers[0]!;
  server.pause();
  await scene.lasts(100, 900);
  server.resume();
  await scene.lasts(500, 1_000);
  server.pause();
  await scene.deaf(2_000 + scene.random() * 2_000);
  server.resume();
}

/** Rubbish comes in until all else is driven out; then there is room for nothing at all. */
async function evict(scene: Scene): Promise<void> {
  await at(scene.topology.servers[0]!, async (client) => {
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await client.config('SET', 'maxmemory', String(used + 500_000));
    for (let batch = 0; batch < 40; batch += 1) {
      const pipeline = client.pipeline();
      for (let index = 0; index < 250; index += 1) {
        pipeline.set(`rubbish:${randomUUID()}`, 'r'.repeat(1_000));
      }
      await pipeline.exec();
      await scene.lasts(10, 60);
    }
    await client.config('SET', 'maxmemory', '1mb');
    await scene.lasts(200, 600);
    await client.config('SET', 'maxmemory', '0');
  });
}

