/** Makes the gateway's node on the log of what the configuration says about it. */
import { KeyMap } from '../invalidation/key-map.ts';
import { InvalidationNode } from '../invalidation/node.ts';
import type { RedisOptions } from '../invalidation/redis.ts';
import type { FreshetConfig } from './config/config.ts';
import type { GatewayDependencies } from './gateway.ts';

type RedisConfig = NonNullable<FreshetConfig['redis']>;

/** @throws REDIS_OPTIONS_INVALID, KEY_MAP_INVALID */
export function createNode(
  config: FreshetConfig,
  { log, clock, random, invalidationLog, siblings }: GatewayDependencies,
): InvalidationNode {
  const { redis, cache, keys } = config;
  return new InvalidationNode({
    clock,
    random,
    source: 'freshet',
    horizon: cache.horizon,
    keyMap: new KeyMap(keys),
    warn: (text) => log.warn(text),
    ...(invalidationLog !== undefined && { log: invalidationLog }),
    ...(siblings !== undefined && { siblings }),
    ...(redis !== undefined && invalidationLog === undefined && {
      redis: {
        redis: redisConnection(redis),
        appendTimeoutMs: redis.appendTimeoutMs,
        ...config.log,
        tellsLimits: true,
      },
    }),
  });
}

/** The part of the configuration that says where Redis is. */
export function redisConnection(redis: RedisConfig): RedisOptions {
  const { url, sentinels, sentinelName, username, password, tls } = redis;
  return {
    ...(url !== undefined && { url }),
    ...(sentinels !== undefined && { sentinels }),
    ...(sentinelName !== undefined && { name: sentinelName }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
  };
}
