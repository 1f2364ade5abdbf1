/** What can go wrong with a master that a Sentinel watches: its replica takes its place. */
import { Redis } from 'ioredis';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import type { Faults } from './faults.ts';
import type { Scene } from './scene.ts';
import { at, SENTINEL_NAME } from './topology.ts';

const PROMOTION_MS = 30_000;

export const SENTINEL_FAULTS: Faults = {
  'master killed, replica promoted': killMaster,
  'master stopped, replica promoted': stopMaster,
  'failover ordered': orderFailover,
};

async function killMaster(scene: Scene): Promise<void> {
  const old = await masterOf(scene);
  await old.kill();
  await promoted(scene, old);
  await scene.lasts(0, 1_000);
  // It comes back empty, as a master that nobody is told of.
  await old.restart();
  await demoted(scene, old);
}

/** Continued, it takes itself for the master until the Sentinel tells it otherwise. */
async function stopMaster(scene: Scene): Promise<void> {
  const old = await masterOf(scene);
  old.pause();
  await promoted(scene, old);
  await scene.lasts(0, 2_000);
  old.resume();
  await demoted(scene, old);
}

async function orderFailover(scene: Scene): Promise<void> {
  const old = await masterOf(scene);
  await atSentinel(scene, (client) => until(async () => {
    if ((await masterOf(scene)) !== old) return true;
    // Refused for a while after the last one, and given up where the replica is slow to answer.
    await client.call('SENTINEL', 'FAILOVER', SENTINEL_NAME).catch(() => undefined);
    return false;
  }, { what: 'the Sentinel obeys', deadlineMs: PROMOTION_MS, everyMs: 100 }));
  await demoted(scene, old);
}

/** Resolves when the Sentinel names the other one, and that is ready to be replaced in turn. */
async function promoted(scene: Scene, old: RedisServer): Promise<void> {
  await until(async () => (await masterOf(scene)) !== old, {
    what: 'the replica is promoted', deadlineMs: PROMOTION_MS, everyMs: 50,
  });
}

/** The Sentinel takes some ten seconds to see to it; an operator is faster. */
async function demoted(scene: Scene, old: RedisServer): Promise<void> {
  const { port } = await masterOf(scene);
  await at(old, async (client) => {
    await until(async () => {
      const said = await client.info('replication');
      if (said.includes('master_link_status:up') && said.includes(`master_port:${port}`)) {
        return true;
      }
      await client.replicaof('127.0.0.1', port);
      return false;
    }, { what: 'the old master is a replica', deadlineMs: PROMOTION_MS, everyMs: 2_000 });
  });
  await atSentinel(scene, (client) => until(async () => {
    const replicas = (await client.call('SENTINEL', 'REPLICAS', SENTINEL_NAME)) as string[][];
    const said = (one: readonly string[], name: string) => one[one.indexOf(name) + 1];
    return replicas.some((one) => said(one, 'port') === String(old.port)
      && said(one, 'flags') === 'slave' && said(one, 'master-link-status') === 'ok');
  }, { what: 'the Sentinel knows its new replica', deadlineMs: PROMOTION_MS, everyMs: 100 }));
}

async function masterOf(scene: Scene): Promise<RedisServer> {
  const address = await atSentinel(scene, (client) =>
    client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', SENTINEL_NAME)) as [string, string];
  return scene.topology.servers.find(({ port }) => port === Number(address[1]))!;
}

async function atSentinel<T>(scene: Scene, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(scene.topology.sentinel!, '127.0.0.1');
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
