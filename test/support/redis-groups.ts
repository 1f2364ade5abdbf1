/**
 * The smallest Redis Cluster and the smallest Sentinel group that clients can be tested against:
 * three masters, without replicas unless asked for; one master, one replica and one sentinel that
 * alone decides.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { end, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';
import { startRedis } from './redis.ts';
import type { RedisServer } from './redis.ts';
import { until } from './until.ts';

export interface RedisCluster {
  /** The comma-separated list of URLs that Freshet takes for a cluster. */
  readonly url: string;
  /** The masters at the start, and then their replicas, in the same order. */
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

export interface SentinelGroup {
  /** Name of the master that the sentinel watches. */
  readonly name: string;
  readonly sentinels: readonly { host: string; port: number }[];
  /** Master at the start; a failover makes `replica` the master. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

const SLOTS = 16_384;

const MASTERS = 3;

/** Resolves when every node says that the cluster is whole, and each replica has its master. */
export async function startCluster({ replicas = false } = {}): Promise<RedisCluster> {
  const count = replicas ? MASTERS * 2 : MASTERS;
  const buses: number[] = [];
  while (buses.length < count) buses.push(await freePort());
  const args = (bus: number): string[] => [
    '--cluster-enabled',
    'yes',
    '--cluster-port',
    String(bus),
    '--cluster-node-timeout',
    '1000',
  ];
  const nodes = await Promise.all(buses.map((bus) => startRedis({ args: args(bus) })));
  const clients = nodes.map((node) => new Redis(node.url));
  try {
    for (const [index, client] of clients.entries()) {
      if (index < MASTERS) {
        const [first, next] = [index, index + 1].map((at) => Math.floor((at * SLOTS) / MASTERS));
        await client.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String((next ?? 0) - 1));
      }
      await client.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
      const { port } = nodes[0] as RedisServer;
      if (index > 0) await client.cluster('MEET', '127.0.0.1', port, buses[0] as number);
    }
    const deadlineMs = 15_000;
    await until(() => allWhole(clients), { what: 'the cluster is whole', deadlineMs });
    for (const [index, client] of clients.entries()) {
      if (index < MASTERS) continue;
      const master = String(await clients[index - MASTERS]?.call('CLUSTER', 'MYID'));
      await client.call('CLUSTER', 'REPLICATE', master);
      await until(() => hasMaster(client), { what: 'a replica has its master', deadlineMs });
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
  return {
    url: nodes.map((node) => node.url).join(','),
    nodes,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

async function hasMaster(client: Redis): Promise<boolean> {
  return (await client.info('replication')).includes('master_link_status:up');
}

/** Resolves when the sentinel knows the replica, so that a failover can follow at once. */
export async function startSentinel(): Promise<SentinelGroup> {
  const name = 'freshet';
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  const port = await freePort();
  const file = join(temporaryDirectory('sentinel'), 'sentinel.conf');
  // A sentinel keeps what it learns in its configuration file, so it takes no arguments instead.
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${name} 300`,
      `sentinel failover-timeout ${name} 3000`,
      '',
    ].join('\n'),
  );
  const sentinel = spawnBound('redis-server', [file, '--sentinel']);
  await printed(sentinel, /\+monitor master/, { name: 'the sentinel' });
  const client = new Redis(port, '127.0.0.1');
  try {
    const deadlineMs = 15_000;
    await until(
      async () => ((await client.call('SENTINEL', 'REPLICAS', name)) as unknown[]).length > 0,
      { what: 'the sentinel knows the replica', deadlineMs, everyMs: 50 },
    );
  } finally {
    client.disconnect();
  }
  return {
    name,
    sentinels: [{ host: '127.0.0.1', port }],
    master,
    replica,
    stop: async () => {
      await Promise.all([end(sentinel, 'SIGKILL'), master.stop(), replica.stop()]);
    },
  };
}

async function allWhole(clients: readonly Redis[]): Promise<boolean> {
  const infos = await Promise.all(clients.map((client) => client.cluster('INFO')));
  return infos.every((info) =>
    [/cluster_state:ok/, /cluster_slots_ok:16384/, `cluster_known_nodes:${clients.length}\r`].every(
      (sign) => info.search(sign) >= 0,
    ),
  );
}
