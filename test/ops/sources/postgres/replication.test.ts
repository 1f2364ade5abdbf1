import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../../../src/invalidation/message.ts';
import {
  ReplicationSource, type ReplicationSourceOptions,
} from '../../../../src/ops/sources/postgres/replication-source.ts';
import { readTableMapping } from '../../../../src/ops/sources/postgres/table-mapping.ts';
import { until } from '../../../support/until.ts';
import { FaultyLog } from '../../../invalidation/faulty-log.ts';
import { collect, OpenThings } from '../source-contract.ts';
import { PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let log: FaultyLog;
let messages: InvalidationMessage[];
const warnings: string[] = [];
const open = new OpenThings();

beforeAll(async () => {
  world = await PostgresWorld.open('replication');
});
afterAll(() => world.close());

beforeEach(async () => {
  await world.prepare();
  await world.pool.query(`
    DROP TABLE IF EXISTS comments, bare, orders;
    CREATE TABLE comments (id int PRIMARY KEY, post_id text);
    CREATE TABLE bare (id int);
    CREATE TABLE orders (region text, number int, PRIMARY KEY (region, number));
  `);
  log = new FaultyLog(open.add(new MemoryLog({ heartbeatMs: 10 })));
  messages = collect(log, open);
  warnings.splice(0);
});
afterEach(() => open.closeAll());

function read(
  tables: readonly string[],
  options: Partial<ReplicationSourceOptions> = {},
): ReplicationSource {
  const source = open.add(new ReplicationSource({
    name: 'shop', sink: log, clock: systemClock, random: systemRandom,
    url: world.server.url, slot: 'freshet_shop', publication: 'freshet',
    mappings: tables.map(readTableMapping), standbyMs: 50,
    warn: (text) => warnings.push(text), ...options,
  }));
  source.start();
  return source;
}

async function working(source: ReplicationSource): Promise<void> {
  await until(() => source.stats.isWorking, { what: 'it works' });
}

/** Of the messages after the first `passed`: keys and patterns, without doubles. */
function keysAfter(passed: number): string[] {
  return [...new Set(messages.slice(passed).flatMap(({ entity_ids: keys, pattern }) =>
    keys ?? [pattern ?? '']))].toSorted();
}

async function keysAre(keys: readonly string[], passed: number): Promise<void> {
  await until(() => keysAfter(passed).length >= keys.length, { what: `${keys.join()} is told` });
  expect(keysAfter(passed)).toEqual(keys.toSorted());
}

describe('logical replication', () => {
  it('begins with all of the types, since it cannot know what was before', async () => {
    await working(read(['users=User:id', 'comments=Comment:id', 'comments~Post:post_id']));
    expect(messages.map(({ pattern, metadata }) => [pattern, metadata?.cascade])).toEqual([
      ['user:*', ['user']], ['comment:*', ['comment']], ['post:*', ['post']],
    ]);
  });

  it('tells of rows inserted, updated by either key, deleted and truncated', async () => {
    await working(read(['orders=Order:region,number']));
    await world.pool.query("INSERT INTO orders VALUES ('a:b', 7)");
    await keysAre(['order', 'order:a%3Ab:7'], 1);
    await world.pool.query('UPDATE orders SET number = 8');
    await keysAre(['order', 'order:a%3Ab:7', 'order:a%3Ab:8'], 1);
    const before = messages.length;
    await world.pool.query('DELETE FROM orders');
    await keysAre(['order:a%3Ab:8'], before);
    await world.pool.query('TRUNCATE orders');
    await keysAre(['order:*', 'order:a%3Ab:8'], before);
  });

  it('purges all of a type where an old row does not show its key, and says why', async () => {
    await working(read(['comments=Comment:id', 'comments~Post:post_id']));
    await world.pool.query("INSERT INTO comments VALUES (1, '9')");
    await keysAre(['comment', 'comment:1', 'post:9'], 2);
    const before = messages.length;
    await world.pool.query("UPDATE comments SET post_id = '10'");
    await keysAre(['comment:1', 'post:10', 'post:*'], before);
    expect(warnings.at(-1)).toContain('ALTER TABLE public.comments REPLICA IDENTITY FULL');
    await world.pool.query('ALTER TABLE comments REPLICA IDENTITY FULL');
    const after = messages.length;
    await world.pool.query("UPDATE comments SET post_id = '11'");
    await keysAre(['comment:1', 'post:10', 'post:11'], after);
  });

  it('refuses to publish a table that could then not be updated', async () => {
    read(['bare=User:id']);
    await until(() => warnings.length > 0, { what: 'it warns' });
    expect(warnings[0]).toContain(
      'table public.bare: a table with a primary key, or another replica identity was required');
    await world.pool.query('INSERT INTO bare VALUES (1); UPDATE bare SET id = 2');
  });

  it('begins anew where a table was not published before', async () => {
    const first = read(['users=User:id']);
    await working(first);
    await first.close();
    await world.pool.query("INSERT INTO comments VALUES (1, '9')");
    const before = messages.length;
    const second = read(['users=User:id', 'comments=Comment:id']);
    await working(second);
    await keysAre(['user:*', 'comment:*'], before);
    await world.pool.query("INSERT INTO comments VALUES (2, '9')");
    await keysAre(['user:*', 'comment:*', 'comment', 'comment:2'], before);
  });

  it('begins anew where the purge of the beginning did not get into the log', async () => {
    log.isDown = true;
    const source = read(['users=User:id']);
    await until(() => source.stats.failures > 1, { what: 'it cannot begin' });
    const { rows } = await world.pool.query(
      'SELECT FROM pg_replication_slots WHERE NOT temporary');
    expect(rows).toEqual([]);
    log.isDown = false;
    await working(source);
    await keysAre(['user:*'], 0);
  });

  it('purges all of a type after a transaction that touches very many', async () => {
    await working(read(['users=User:id']));
    await world.pool.query("INSERT INTO users SELECT 'u' || generate_series(1, 120000)");
    await until(() => messages.slice(1).some(({ pattern }) => pattern === 'user:*'), {
      what: 'all are purged',
    });
    await world.pool.query("INSERT INTO users VALUES ('next')");
    await until(() => keysAfter(1).includes('user:next'), {
      what: 'the next one is told',
    });
    expect(keysAfter(1).length).toBeLessThan(50_010);
  });

  it('lets go of what other tables have written, so that nothing is retained', async () => {
    await working(read(['users=User:id']));
    const confirmed = async () => {
      const { rows } = await world.pool.query<{ behind: string }>(`SELECT
          pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) AS behind
        FROM pg_replication_slots`);
      return Number(rows[0]?.behind);
    };
    await world.pool.query('INSERT INTO bare SELECT generate_series(1, 50000)');
    await until(async () => await confirmed() < 100_000, {
      what: 'it is confirmed', everyMs: 100,
    });
  });

  it('needs no more than the right to replicate, where an owner has made the publication',
    async () => {
      await world.pool.query(`DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN REPLICATION`);
      const url = world.server.url.replace('freshet@', 'reader@');
      const source = read(['users=User:id'], { url });
      await until(() => source.stats.failures > 0, { what: 'it may not make one' });
      expect(warnings[0]).toContain('permission denied');
      await world.pool.query(
        'CREATE PUBLICATION freshet FOR TABLE users WITH (publish_via_partition_root = true)');
      await working(source);
      await world.pool.query("INSERT INTO users VALUES ('1')");
      await keysAre(['user', 'user:1'], 1);
    });

  it('reads a publication of the mapped columns alone', async () => {
    await world.pool.query('CREATE PUBLICATION freshet FOR TABLE users (id)');
    await working(read(['users=User:id', 'users~Name:name']));
    await world.pool.query("INSERT INTO users VALUES ('1', 'a'); DELETE FROM users");
    await keysAre(['name:*', 'user', 'user:1'], 2);
  });

  it('is given up with the lock, and taken up again', async () => {
    const source = read(['users=User:id']);
    await working(source);
    await world.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    await until(() => source.stats.failures > 0, { what: 'it notices' });
    await working(source);
    await world.pool.query("INSERT INTO users VALUES ('after')");
    await keysAre(['user', 'user:after'], 1);
  });

  it('takes one connection for replication, however many stand by', async () => {
    await working(read(['users=User:id']));
    for (let count = 0; count < 12; count += 1) read(['users=User:id']);
    const others = async () => (await world.pool.query(`SELECT FROM pg_stat_activity
      WHERE application_name = 'freshet-source' AND backend_type = 'client backend'`)).rowCount;
    await until(async () => await others() === 13, { what: 'all stand by' });
    const { rows } = await world.pool.query(
      "SELECT FROM pg_stat_activity WHERE backend_type = 'walsender'");
    expect(rows).toHaveLength(1);
    expect(warnings.filter((text) => text.includes('tried again'))).toEqual([]);
  });

  it('begins anew where the server has given the slot up', async () => {
    const first = read(['users=User:id']);
    await working(first);
    await first.close();
    await world.pool.query("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'");
    await world.pool.query('SELECT pg_reload_conf()');
    const isLost = async () => {
      await world.pool.query('INSERT INTO bare VALUES (1)');
      await world.pool.query('SELECT pg_switch_wal()');
      await world.pool.query('CHECKPOINT');
      const { rows } = await world.pool.query<{ wal_status: string }>(
        'SELECT wal_status FROM pg_replication_slots');
      return rows[0]?.wal_status === 'lost';
    };
    await until(isLost, { what: 'the slot is lost' });
    await world.pool.query("ALTER SYSTEM RESET max_slot_wal_keep_size");
    await world.pool.query('SELECT pg_reload_conf()');
    await world.pool.query("INSERT INTO users VALUES ('missed')");
    const before = messages.length;
    await working(read(['users=User:id']));
    await keysAre(['user:*'], before);
    await world.pool.query("INSERT INTO users VALUES ('next')");
    await keysAre(['user', 'user:*', 'user:next'], before);
  });

  it('tells of the rows of partitions', async () => {
    await world.pool.query(`DROP TABLE IF EXISTS parts;
      CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10)`);
    await working(read(['parts=User:id']));
    await world.pool.query('INSERT INTO parts VALUES (1); INSERT INTO parts_low VALUES (2)');
    await world.pool.query(`CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (10) TO (20);
      INSERT INTO parts VALUES (11)`);
    await keysAre(['user', 'user:1', 'user:2', 'user:11'], 1);
  });

  it('warns where the server keeps much for it', async () => {
    const source = read(['users=User:id'], { retainedBytesMax: 100_000, retainedEveryMs: 50 });
    await working(source);
    log.isDown = true;
    await world.pool.query("INSERT INTO users SELECT 'u' || generate_series(1, 20000)");
    await until(() => warnings.some((text) => text.includes('MiB of WAL for slot freshet_shop')), {
      what: 'it warns',
    });
  });

  it('leaves alone a slot that is somebody else\'s', async () => {
    await world.pool.query(
      "SELECT pg_create_logical_replication_slot('freshet_shop', 'test_decoding')");
    read(['users=User:id']);
    await until(() => warnings.length > 0, { what: 'it warns' });
    expect(warnings[0]).toContain('a slot of the plugin pgoutput in this database was required');
  });
});
