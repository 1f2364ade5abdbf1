import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisLogArchive, type Reach } from '../../../src/invalidation/log-redis-archive.ts';
import { RedisLog } from '../../../src/invalidation/log-redis.ts';
import { ORIGIN, positionOf } from '../../../src/invalidation/position.ts';
import { overtakingOf, watchOvertaking } from '../../../src/ops/audit/overtaking.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { someMessage } from '../../invalidation/log-contract.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const NOW_MS = 1_000 * HOUR_MS;
const LIMITS = { retentionMs: 24 * HOUR_MS, recordsMax: 1_000 };
const ago = (ms: number) => positionOf(NOW_MS - ms, 0);

function warningOf(readMsAgo: number, reach: Partial<Reach>): string | undefined {
  const all = { timeMs: NOW_MS, oldest: ago(24 * HOUR_MS), next: undefined, unread: 0, ...reach };
  return overtakingOf(ago(readMsAgo), all, LIMITS);
}

describe('the warning before the log overtakes the audit', () => {
  it('does not come while all is written, or soon will be', () => {
    expect(warningOf(40 * HOUR_MS, {})).toBeUndefined();
    expect(warningOf(2 * HOUR_MS, { next: ago(HOUR_MS), unread: 400 })).toBeUndefined();
    const next = ago(1_000);
    expect(warningOf(40 * HOUR_MS, { next, oldest: next, unread: 1 })).toBeUndefined();
  });

  it('comes when half of the time that the log keeps records is over', () => {
    expect(warningOf(13 * HOUR_MS, { next: ago(12 * HOUR_MS), unread: 3 }))
      .toMatch(/3 records and 720 min behind the log.*lost in 720 min/);
  });

  it('comes when half of what the log has room for waits', () => {
    expect(warningOf(2 * MINUTE_MS, { next: ago(MINUTE_MS), unread: 500 })).toMatch(/500 records/);
  });

  it('says when it is too late', () => {
    const next = ago(5 * MINUTE_MS);
    expect(warningOf(HOUR_MS, { next, oldest: next, unread: 3 })).toMatch(/some may be lost/);
  });

  it('comes without a place in the log as well, while the log has only what may be waiting', () => {
    const unknown = (reach: Partial<Reach>): string | undefined =>
      overtakingOf(ORIGIN, { timeMs: NOW_MS, oldest: reach.next, next: undefined, unread: 0,
        ...reach }, LIMITS);
    expect(unknown({ next: ago(HOUR_MS), unread: 400 })).toBeUndefined();
    expect(unknown({ next: ago(12 * HOUR_MS), unread: 3 }))
      .toMatch(/may be 3 records and 720 min behind the log.*lost in 720 min/);
  });

  it('is looked for again and again, also while Redis is away', async () => {
    const clock = new ManualClock();
    const stop = new AbortController();
    const warnings: string[] = [];
    let looks = 0;
    const watching = watchOvertaking({
      ...LIMITS, clock, warn: (text) => void warnings.push(text), position: () => ago(HOUR_MS),
      reach: () => {
        looks += 1;
        if (looks === 1) return Promise.reject(new Error('away'));
        return Promise.resolve({
          timeMs: NOW_MS, oldest: undefined, next: ago(20 * HOUR_MS), unread: 1,
        });
      },
    }, stop.signal);
    await until(() => {
      clock.advance(MINUTE_MS);
      return warnings.length >= 2;
    }, { what: 'it has warned twice' });
    stop.abort();
    await watching;
    expect(looks).toBeGreaterThanOrEqual(3);
  });
});

describe('how near a reader is to what a log in Redis forgets', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('is told by its oldest entry, the next one, and how many wait', async () => {
    const log = new RedisLog({ redis: redis.url, appendTimeoutMs: 5_000 });
    const archive = new RedisLogArchive({ redis: redis.url, stream: 'cache:invalidate:log' });
    try {
      expect(await archive.reach(ORIGIN)).toMatchObject({ oldest: undefined, unread: 0 });
      const first = await log.append(someMessage());
      const several = await Promise.all([1, 2, 3].map(() => log.append(someMessage())));
      const last = await log.append(someMessage());
      expect(await archive.reach(ORIGIN))
        .toMatchObject({ oldest: first, next: first, unread: 5 });
      expect(await archive.reach(first))
        .toMatchObject({ oldest: first, next: several[2], unread: 4 });
      expect(await archive.reach(last)).toMatchObject({ next: undefined, unread: 0 });
    } finally {
      archive.close();
      await log.close();
    }
  });
});
