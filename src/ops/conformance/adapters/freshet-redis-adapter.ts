/**
 * Publishes on the Redis channel of Freshet, as a service in any language does: nine fields of
 * JSON, no position, nothing of Freshet's own library.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Clock } from '../../../invalidation/clock.ts';
import type { Adapter, Change } from '../adapter.ts';

export interface FreshetRedisAdapterOptions {
  /** `redis://localhost:6379` */
  readonly url: string;
  /** Default `cache:invalidate`. */
  readonly channel?: string;
  readonly clock: Clock;
}

const CONNECT_MS_MAX = 3_000;
const COMMAND_MS_MAX = 3_000;

/** Rejects where Redis cannot be reached. */
export async function freshetRedisAdapter(options: FreshetRedisAdapterOptions): Promise<Adapter> {
  const { url, channel = 'cache:invalidate', clock } = options;
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_MS_MAX,
    commandTimeout: COMMAND_MS_MAX,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  });
  redis.on('error', () => undefined);
  await redis.connect();
  return {
    async purge(change) {
      await redis.publish(channel, JSON.stringify(messageOf(change, clock.wall())));
    },
    close: () => redis.disconnect(),
  };
}

function messageOf({ action, type, id }: Change, wall: number): Readonly<Record<string, unknown>> {
  return {
    message_id: randomUUID(),
    entity_type: { Custom: type.toLowerCase() },
    entity_id: id,
    pattern: null,
    entity_ids: null,
    action: action === 'deleted' ? 'Delete' : 'Update',
    timestamp: new Date(wall).toISOString(),
    source_service: 'freshet-conformance',
    metadata: action === 'created' ? { created: true } : null,
  };
}
