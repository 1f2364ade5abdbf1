/** Redis away while services publish. The whole minute of it is `bench/invalidation-outage.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createPublisher, type Publisher } from '../../src/invalidation/publisher.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { readCoverage } from './coverage.ts';

const APPEND_TIMEOUT_MS = 100;
const KEPT_MAX = 500;
/** A wait that does not end within this is not bounded: a machine under load takes its time. */
const HUNG_MS = 5_000;

let redis: RedisServer;
let publisher: Publisher;
beforeEach(async () => {
  redis = await startRedis({ persistence: true });
  publisher = createPublisher({
    redis: redis.url, source: 'user-service',
    appendTimeoutMs: APPEND_TIMEOUT_MS, outboxRecordsMax: KEPT_MAX,
  });
});
afterEach(async () => {
  await publisher.close(0);
  await redis.stop();
});

const OUTAGES = [
  {
    name: 'stands still',
    begin: () => Promise.resolve(redis.pause()),
    end: () => Promise.resolve(redis.resume()),
  },
  { name: 'is killed', begin: () => redis.kill(), end: () => redis.restart() },
] as const;

describe.each(OUTAGES)('while Redis $name', ({ begin, end }) => {
  it('no caller waits for long, memory is bounded, and nothing is lost', async () => {
    const published: string[] = [];
    const waits: Promise<number>[] = [];
    let keptMax = 0;
    const publish = (): void => {
      const id = String(published.length);
      published.push(id);
      const startedAt = performance.now();
      waits.push(publisher.invalidateUser(id, { action: id.endsWith('0') ? 'Update' : 'Delete' })
        .then(() => performance.now() - startedAt));
      keptMax = Math.max(keptMax, publisher.stats.outbox);
    };
    const publishUntil = async (isEnough: () => boolean): Promise<void> => {
      while (!isEnough()) {
        publish();
        publish();
        await sleep(1);
      }
    };
    await publishUntil(() => publisher.stats.published > 200);
    await begin();
    const before = published.length;
    await publishUntil(() =>
      publisher.stats.outbox > KEPT_MAX && published.length > before + 1_500);
    await end();
    await publishUntil(() => publisher.stats.outbox === 0);
    await until(() => publisher.stats.outbox === 0, { what: 'nothing is kept any more' });

    expect(Math.max(...await Promise.all(waits))).toBeLessThan(HUNG_MS);
    expect(keptMax).toBeLessThanOrEqual(KEPT_MAX + 1);
    const coverage = await readCoverage(redis.url);
    expect(published.filter((id) => !coverage.covers('User', id))).toEqual([]);
    expect(coverage.wide).toBeGreaterThan(0);
  });
});
