import { Redis } from 'ioredis';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveConfig } from '../../src/gateway/config/config.ts';
import { createNode } from '../../src/gateway/invalidation-node.ts';
import { systemClock, systemRandom } from '../../src/invalidation/clock.ts';
import { createPublisher } from '../../src/invalidation/publisher.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';

const STREAM = 'cache:invalidate:log';
const DAY_MS = 86_400_000;

let redis: RedisServer;
let plain: Redis;
beforeAll(async () => {
  redis = await startRedis();
  plain = new Redis(redis.url);
  await plain.config('SET', 'stream-node-max-entries', '1');
});
afterAll(async () => {
  plain.disconnect();
  await redis.stop();
});

it('keeps the log for as long as the gateway is configured, whoever publishes', async () => {
  const [seconds] = await plain.time();
  for (let at = 0; at < 10; at += 1) {
    const id = `${Number(seconds) * 1_000 - 3 * DAY_MS}-${at}`;
    await plain.xadd(STREAM, id, 'message', '{}', 'message_id', String(at), 'previous', '');
  }
  const config = resolveConfig({
    supergraph: 'unused', redis: redis.url, log: { retentionMs: 4 * DAY_MS },
  });
  const log = pino({ enabled: false });
  const node = createNode(config, { log, clock: systemClock, random: systemRandom });
  await node.start();
  await node.close();
  const publisher = createPublisher({ redis: redis.url, source: 'user-service' });
  expect((await publisher.invalidateUser(1)).position).toBeDefined();
  await publisher.close();
  expect(await plain.xlen(STREAM)).toBeGreaterThan(10);
});
