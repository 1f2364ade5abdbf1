import type { PoolClient } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { RedisLog } from '../../../../src/invalidation/log-redis.ts';
import { startRedis } from '../../../support/redis.ts';
import { runTransactions } from '../../../support/transactions.ts';
import { until } from '../../../support/until.ts';
import { collect, OpenThings, usersIn } from '../source-contract.ts';
import { PostgresWorld, type Way } from './postgres-world.ts';

const ROWS = 100_000;

/** A third each is inserted, updated and deleted; the others are there before. */
async function change(client: PoolClient, ids: readonly string[]): Promise<void> {
  const third = (rest: number): string[] => ids.filter((id) => Number(id.slice(1)) % 3 === rest);
  await client.query('INSERT INTO users SELECT unnest($1::text[])', [third(0)]);
  await client.query("UPDATE users SET name = 'new' WHERE id = ANY ($1)", [third(1)]);
  await client.query('DELETE FROM users WHERE id = ANY ($1)', [third(2)]);
}

describe.each(['triggers', 'replication'] satisfies Way[])('%s', (way) => {
  let world: PostgresWorld;
  const open = new OpenThings();
  beforeAll(async () => {
    world = await PostgresWorld.open(way);
    await world.prepare();
  });
  afterAll(async () => {
    await open.closeAll();
    await world.close();
  });

  it('tell exactly of what 8 concurrent transactions at a time have committed', async () => {
    await world.pool.query(`INSERT INTO users
      SELECT 'u' || id FROM generate_series(0, ${ROWS - 1}) AS ids (id) WHERE id % 3 > 0`);
    await world.pool.query('TRUNCATE freshet_outbox');
    const redis = await startRedis();
    open.add({ close: () => redis.stop() });
    const log = open.add(new RedisLog({
      redis: redis.url, appendTimeoutMs: 2_000, heartbeatMs: 50,
    }));
    const messages = collect(log, open);
    const sources = [1, 2].map(() => open.add(world.create({
      name: 'shop', sink: log, clock: systemClock, random: systemRandom, warn: () => undefined,
    })));
    for (const source of sources) source.start();
    const working = () => sources.find(({ stats }) => stats.isWorking);
    await until(() => working(), { what: 'one reads' });
    const writing = runTransactions({ pool: world.pool, ids: ROWS, seed: way, write: change });
    // While they write: Redis stands still, the one that reads ends, its follower is cut off.
    await until(() => usersIn(messages).length > 2_000, {
      what: 'some are in the log',
    });
    redis.pause();
    await until(() => sources.some(({ stats }) => stats.failures > 0), {
      what: 'Redis is missed',
    });
    redis.resume();
    await until(() => working(), { what: 'one reads again' });
    await working()?.close();
    await until(() => working(), { what: 'the other one reads' });
    await world.cutOff();
    const committed = await writing;
    await until(() => new Set(usersIn(messages)).size >= committed.size, {
      what: 'all are heard', everyMs: 100,
    });
    expect(new Set(usersIn(messages))).toEqual(committed);
    expect(committed.size).toBeGreaterThan(50_000);
  });
});
