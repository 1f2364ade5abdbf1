/** What can go wrong with a Cluster: slots move while they are used, masters are lost. */
import type { Redis } from 'ioredis';
import { integerBelow, pick } from '../support/seeded-random.ts';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import type { Faults } from './faults.ts';
import type { Scene } from './scene.ts';
import { at, LOG } from './topology.ts';

const SLOTS = 16_384;
const REPAIR_MS = 30_000;
/** Slots that are moved besides that of the log; of those that hold something. */
const SLOTS_MOVED = 12;

export const CLUSTER_FAULTS: Faults = {
  'log and cache resharded': reshard,
  'master of the log killed': async (scene) => loseMaster(scene, await ownerOfLog(scene), 'kill'),
  'another master killed': async (scene) => loseMaster(scene, await another(scene), 'kill'),
  'master of the log stopped': async (scene) => loseMaster(scene, await ownerOfLog(scene), 'stop'),
  'master killed, comes back at once': restartMaster,
};

interface Member {
  readonly id: string;
  readonly server: RedisServer;
  readonly isMaster: boolean;
  /** Of a master: the slots that it serves. */
  readonly owns: (slot: number) => boolean;
}

async function reshard(scene: Scene): Promise<void> {
  const slots = [await slotOfLog(scene)];
  for (const { server } of (await membersOf(scene)).filter(({ isMaster }) => isMaster)) {
    slots.push(...await at(server, (client) => slotsInUse(client, SLOTS_MOVED / 3)));
  }
  for (const slot of slots) {
    const masters = (await membersOf(scene)).filter(({ isMaster }) => isMaster);
    const from = masters.find(({ owns }) => owns(slot));
    if (from === undefined) continue;
    const to = pick(scene.random, masters.filter((one) => one !== from));
    await move(scene, slot, { from, to, masters });
  }
}

/** As `redis-cli --cluster reshard` does, with pauses in which clients meet the half-way state. */
async function move(
  scene: Scene,
  slot: number,
  { from, to, masters }: { from: Member; to: Member; masters: readonly Member[] },
): Promise<void> {
  const set = (member: Member, ...how: string[]): Promise<unknown> =>
    at(member.server, (client) => client.call('CLUSTER', 'SETSLOT', String(slot), ...how));
  await set(to, 'IMPORTING', from.id);
  await set(from, 'MIGRATING', to.id);
  await at(from.server, async (client) => {
    for (;;) {
      await scene.lasts(0, 60);
      const keys = (await client.call('CLUSTER', 'GETKEYSINSLOT', String(slot), '20')) as string[];
      if (keys.length === 0) return;
      const target = ['127.0.0.1', String(to.server.port), '', '0', '2000', 'REPLACE', 'KEYS'];
      await client.call('MIGRATE', ...target, ...keys);
    }
  });
  await scene.lasts(0, 60);
  await set(to, 'NODE', to.id);
  await set(from, 'NODE', to.id);
  await Promise.all(masters.filter((one) => one !== from && one !== to)
    .map((one) => set(one, 'NODE', to.id)));
}

/** Resolves when its replica serves in its place and the lost one is a replica of that. */
async function loseMaster(scene: Scene, lost: Member, how: 'kill' | 'stop'): Promise<void> {
  if (how === 'kill') await lost.server.kill();
  else lost.server.pause();
  await until(async () => (await membersOf(scene, lost)).filter(({ isMaster, server }) =>
    isMaster && server !== lost.server).length === 3, {
    what: 'a replica is promoted', deadlineMs: REPAIR_MS, everyMs: 50,
  });
  await scene.lasts(0, 1_500);
  if (how === 'kill') await lost.server.restart();
  else lost.server.resume();
  await whole(scene);
}

/** Before anybody has missed it: with nothing in it, which its replica then takes over. */
async function restartMaster(scene: Scene): Promise<void> {
  const { server } = await ownerOfLog(scene);
  await server.kill();
  await server.restart();
  await whole(scene);
}

/** All servers take part, and each replica has its master. */
async function whole({ topology: { servers } }: Scene): Promise<void> {
  const isWhole = (state: string): boolean => state.includes('cluster_state:ok')
    && state.includes(state.includes('role:master') ? 'connected_slaves:1' : 'link_status:up');
  const all = { what: 'the Cluster is whole again', deadlineMs: REPAIR_MS, everyMs: 50 };
  await Promise.all(servers.map((server) => at(server, async (client) => {
    let state = '';
    await until(async () => {
      state = `${await client.cluster('INFO')} ${await client.info('replication')}`;
      return isWhole(state);
    }, all).catch(async (cause: unknown) => {
      const nodes = await client.cluster('NODES').catch(String);
      throw new Error(`${server.port}: ${state}\n${String(nodes)}`, { cause });
    });
  })));
}

async function ownerOfLog(scene: Scene): Promise<Member> {
  const slot = await slotOfLog(scene);
  return (await membersOf(scene)).find(({ isMaster, owns }) => isMaster && owns(slot))!;
}

async function another(scene: Scene): Promise<Member> {
  const owner = await ownerOfLog(scene);
  const masters = (await membersOf(scene)).filter(({ isMaster }) => isMaster);
  return pick(scene.random, masters.filter(({ id }) => id !== owner.id));
}

async function slotOfLog({ topology }: Scene): Promise<number> {
  return at(topology.servers[0]!, (client) => client.cluster('KEYSLOT', LOG));
}

/** As a member sees it that is not `without`. */
async function membersOf({ topology }: Scene, without?: Member): Promise<readonly Member[]> {
  const witness = topology.servers.find((server) => server !== without?.server)!;
  const lines = await at(witness, async (client) => String(await client.cluster('NODES')));
  return lines.trim().split('\n').map((line) => {
    const [id, address, flags, , , , , , ...ranges] = line.split(' ');
    const port = Number(/:(\d+)@/.exec(address!)?.[1]);
    const bounds = ranges.filter((range) => !range.startsWith('['))
      .map((range) => range.split('-').map(Number) as [number, number?]);
    return {
      id: id!,
      server: topology.servers.find((server) => server.port === port)!,
      isMaster: flags!.includes('master') && !flags!.includes('fail') && bounds.length > 0,
      owns: (slot) => bounds.some(([first, last = first]) => slot >= first && slot <= last),
    };
  });
}

/** Some slots that hold keys, found by keys that are there. */
async function slotsInUse(client: Redis, count: number): Promise<readonly number[]> {
  const slots = new Set<number>();
  for (let attempt = 0; attempt < count * 4 && slots.size < count; attempt += 1) {
    const key = await client.randomkey();
    slots.add(key === null ? integerBelow(Math.random, SLOTS)
      : await client.cluster('KEYSLOT', key));
  }
  return [...slots];
}
