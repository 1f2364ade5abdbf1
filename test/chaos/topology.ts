/**
 * The three ways in which Redis is run, each started here: one server, a master that a Sentinel
 * watches, a Cluster of three masters with a replica each.
 */
import { Redis } from 'ioredis';
import type { RedisOptions } from '../../src/invalidation/redis.ts';
import { startCluster, startSentinel } from '../support/redis-groups.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

export type TopologyName = 'single' | 'sentinel' | 'cluster';

export interface Topology {
  readonly name: TopologyName;
  /** `redis` in the configuration of a gateway. */
  readonly configured: object;
  /** The same for the project's own clients. */
  readonly options: RedisOptions;
  readonly servers: readonly RedisServer[];
  /** Whatever a gateway may connect to. */
  readonly ports: readonly number[];
  /** Port of the Sentinel, where there is one. */
  readonly sentinel: number | undefined;
  stop(): Promise<void>;
}

export const LOG = 'cache:invalidate:log';
export const SENTINEL_NAME = 'freshet';

export async function startTopology(name: TopologyName): Promise<Topology> {
  switch (name) {
    case 'single': {
      // Its data survives a kill; a fault that wants it empty deletes the file.
      const server = await startRedis({ persistence: true, args: ['--appendfsync', 'everysec'] });
      const { url } = server;
      return {
        name, configured: { url }, options: url, servers: [server], ports: [server.port],
        sentinel: undefined, stop: () => server.stop(),
      };
    }
    case 'sentinel': {
      const { sentinels, master, replica, stop } = await startSentinel();
      const servers = [master, replica];
      const ports = [...sentinels, ...servers].map(({ port }) => port);
      return {
        name, configured: { sentinels, sentinelName: SENTINEL_NAME }, servers, ports, stop,
        options: { sentinels, name: SENTINEL_NAME }, sentinel: sentinels[0]?.port,
      };
    }
    case 'cluster': {
      const { url, nodes: servers, stop } = await startCluster({ replicas: true });
      const ports = servers.map(({ port }) => port);
      return {
        name, configured: { url }, options: url, servers, ports, sentinel: undefined, stop,
      };
    }
    default:
      return name satisfies never;
  }
}

/** What `work` makes of a connection of its own to this one server, which is there. */
export async function at<T>(server: RedisServer, work: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(server.url, { commandTimeout: 5_000, retryStrategy: () => 50 });
  client.on('error', () => undefined);
  try {
    return await work(client);
  } finally {
    client.disconnect();
  }
}
