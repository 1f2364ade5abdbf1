/** Private, real Redis in the forms that spread over several servers: Cluster, and Sentinel. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { Redis } from 'ioredis';

import { end, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';
import { startRedis } from './redis.ts';
import type { RedisServer } from './redis.ts';
import { until } from './until.ts';

const SLOTS = 16_384;

export interface RedisCluster {
  /** Of all nodes, with commas between them. */
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  stop(): Promise<void>;
}

/** A Cluster of three masters. Resolves when every node says that it is complete. */
export async function startCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all([0, 1, 2].map(async () => startRedis({
    args: [
      '--cluster-enabled', 'yes', '--cluster-port', String(await freePort()),
      '--cluster-node-timeout', '2000',
    ],
  })));
  const clients = nodes.map(({ url }) => new Redis(url));
  const [first] = clients as [Redis, ...Redis[]];
  for (const [index, client] of clients.entries()) {
    const from = Math.ceil((SLOTS * index) / nodes.length);
    const to = Math.ceil((SLOTS * (index + 1)) / nodes.length) - 1;
    await client.call('cluster', 'addslotsrange', from, to);
    const own = nodes[index] as RedisServer;
    const bus = (await client.call('config', 'get', 'cluster-port')) as [string, string];
    if (index > 0) await first.call('cluster', 'meet', '127.0.0.1', own.port, bus[1]);
  }
  await until(async () => {
    const infos = await Promise.all(clients.map((client) => client.call('cluster', 'info')));
    return infos.every((info) => /cluster_state:ok[^]*cluster_known_nodes:3/.test(String(info)));
  }, { what: 'the Cluster is complete', deadlineMs: 20_000, everyMs: 50 });
  for (const client of clients) client.disconnect();
  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

export interface WatchedRedis {
  /** Where the Sentinel listens, and the name by which it knows the master. */
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly name: string;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  stop(): Promise<void>;
}

/** A master, its replica, and one Sentinel that makes the latter master within seconds. */
export async function startWatchedRedis(): Promise<WatchedRedis> {
  const name = 'main';
  const master = await startRedis();
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] });
  const port = await freePort();
  const file = join(temporaryDirectory('sentinel'), 'sentinel.conf');
  writeFileSync(file, [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${name} 500`,
    `sentinel failover-timeout ${name} 3000`,
    '',
  ].join('\n'));
  const child = spawnBound('redis-server', [file, '--sentinel']);
  await printed(child, /\+monitor master/, { name: 'redis-sentinel' });
  const client = new Redis({ port, host: '127.0.0.1' });
  await until(async () => {
    const [[, ...fields] = []] = (await client.call('sentinel', 'replicas', name)) as string[][];
    return fields.includes('slave') && fields.includes('ok');
  }, { what: 'the Sentinel knows the replica', deadlineMs: 20_000, everyMs: 50 });
  client.disconnect();
  return {
    sentinels: [{ host: '127.0.0.1', port }],
    name, master, replica,
    async stop() {
      await end(child, 'SIGTERM');
      await Promise.all([master.stop(), replica.stop()]);
    },
  };
}
