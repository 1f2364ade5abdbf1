import { Client, Pool, type PoolClient } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { RedisLog } from '../../../src/invalidation/log-redis.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { formatPosition } from '../../../src/invalidation/position.ts';
import {
  OutboxRelay, outboxSql, PostgresOutbox, type Invalidation, type OutboxRelayOptions,
} from '../../../src/invalidation/postgres/index.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres.ts';
import { startRedis } from '../../support/redis.ts';
import { runTransactions } from '../../support/transactions.ts';
import { until } from '../../support/until.ts';
import { FaultyLog } from '../faulty-log.ts';
import { TestFollower } from '../log-contract.ts';

let server: PostgresServer;
let pool: Pool;
const outbox = new PostgresOutbox({ source: 'user-service' });
const open: { close(): Promise<unknown> }[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

beforeEach(async () => {
  pool = new Pool({ connectionString: server.url, max: 12 });
  // A server that is stopped breaks the connections that wait in the pool.
  pool.on('error', () => undefined);
  await pool.query(`DROP TABLE IF EXISTS freshet_outbox; ${outboxSql()}`);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
  await pool.end();
});

function connect(): Client {
  return new Client({ connectionString: server.url });
}

function relayTo(log: Log, options: Partial<OutboxRelayOptions> = {}): OutboxRelay {
  const relay = new OutboxRelay({ connect, log, pollMs: 100, ...options });
  open.push(relay);
  relay.start();
  return relay;
}

function memoryLog(): MemoryLog {
  const log = new MemoryLog({ heartbeatMs: 10, recordsMax: 200_000 });
  open.push(log);
  return log;
}

/** What the log holds and will hold, as it comes. */
function collect(log: Log): InvalidationMessage[] {
  const messages: InvalidationMessage[] = [];
  const follower = new TestFollower(log);
  open.push({ close: () => Promise.resolve(follower.abort()) });
  void (async () => {
    for (let event = await follower.next(); event; event = await follower.next()) {
      if (event.kind !== 'records') continue;
      messages.push(...event.records.map(({ message }) => message));
    }
  })();
  return messages;
}

/** Runs `work` in a transaction of its own, which `end` commits or rolls back. */
async function transaction(
  work: (client: PoolClient) => Promise<unknown>,
  end: 'COMMIT' | 'ROLLBACK' = 'COMMIT',
): Promise<void> {
  const client = await pool.connect();
  await client.query('BEGIN');
  await work(client);
  await client.query(end);
  client.release();
}

const user = (id: string | number): Invalidation => ({ type: 'User', id });
const idsOf = (messages: readonly InvalidationMessage[]) =>
  messages.map(({ entity_id: id }) => id);

async function waiting(): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(
    'SELECT count(*) FROM freshet_outbox WHERE done_at IS NULL');
  return Number(rows[0]?.count);
}

describe('the outbox in a transaction', () => {
  it('publishes what was committed, whatever it says, and nothing rolled back', async () => {
    const log = memoryLog();
    const messages = collect(log);
    await transaction((client) => outbox.enqueue(client, user('rolled back')), 'ROLLBACK');
    await transaction(async (client) => {
      await outbox.enqueue(client, { type: 'Post', id: 9, action: 'Create' });
      await outbox.enqueue(client, [
        { type: 'user', id: 'gid://shop/User/1', action: 'Update', metadata: { version: 3 } },
        { keys: ['user:1', 'post:2'], metadata: { reason: 'a \u0000 test' } },
        { pattern: 'feed:1:*' },
      ]);
      await outbox.enqueue(client, []);
    });
    const relay = relayTo(log);
    await until(() => messages.length === 4, { what: 'all are in the log' });
    expect(messages).toMatchObject([
      { entity_type: 'Post', entity_id: '9', action: 'Update', metadata: { created: true } },
      { entity_type: 'User', entity_id: 'gid://shop/User/1', metadata: { version: 3 } },
      { action: 'Batch', entity_ids: ['user:1', 'post:2'], metadata: { reason: 'a \u0000 test' } },
      { action: 'Pattern', pattern: 'feed:1:*', source_service: 'user-service' },
    ]);
    await until(() => relay.stats.delivered === 4, { what: 'all are marked' });
    expect(relay.stats).toMatchObject({ isWorking: true, refused: 0, failures: 0 });
    expect(relay.stats.delay.count).toBe(4);
  });

  it('refuses what no cache could act upon, before anything is written', async () => {
    await transaction(async (client) => {
      await expect(outbox.enqueue(client, [user(1), { pattern: '' }]))
        .rejects.toMatchObject({ code: 'PATTERN_INVALID' });
      await expect(outbox.enqueue(client, user(undefined as unknown as string)))
        .rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    });
    expect(await waiting()).toBe(0);
  });

  it('names the position at which the log has each row', async () => {
    const log = memoryLog();
    relayTo(log);
    await transaction((client) => outbox.enqueue(client, user(1)));
    const row = await until(async () => {
      const { rows } = await pool.query<{ position: string | null }>(
        'SELECT position FROM freshet_outbox WHERE done_at IS NOT NULL');
      return rows[0];
    }, { what: 'it is marked' });
    const { records: [record] } = await new TestFollower(log).records(1);
    expect(row.position).toBe(formatPosition(record!.position));
  });
});

describe('the relay', () => {
  it('is woken by a commit', async () => {
    const log = memoryLog();
    const messages = collect(log);
    const relay = relayTo(log, { pollMs: 3_600_000 });
    await until(() => relay.stats.isWorking, { what: 'it works' });
    for (let round = 1; round <= 3; round += 1) {
      await transaction((client) => outbox.enqueue(client, user(round)));
      await until(() => messages.length === round, { what: 'it is in the log' });
    }
  });

  it('looks now and then where it is not woken', async () => {
    await pool.query(`DROP TABLE freshet_outbox; ${outboxSql({ notify: false })}`);
    const log = memoryLog();
    const messages = collect(log);
    const relay = relayTo(log, { pollMs: 10 });
    await until(() => relay.stats.isWorking, { what: 'it works' });
    await transaction((client) => outbox.enqueue(client, user(1)));
    await until(() => messages.length === 1, { what: 'it is in the log' });
  });

  it('takes a row that was written first and committed last, and waits for nobody', async () => {
    const log = memoryLog();
    const messages = collect(log);
    relayTo(log, { batchLength: 1 });
    const late = await pool.connect();
    await late.query('BEGIN');
    await outbox.enqueue(late, user('late'));
    for (let id = 0; id < 3; id += 1) {
      await transaction((client) => outbox.enqueue(client, user(id)));
    }
    await until(() => messages.length === 3, { what: 'those that committed are in the log' });
    await late.query('COMMIT');
    late.release();
    await until(() => messages.length === 4, { what: 'the late one is in the log' });
    expect(idsOf(messages)).toEqual(['0', '1', '2', 'late']);
  });

  it('keeps the order of transactions that followed one another', async () => {
    const log = memoryLog();
    const ids = Array.from({ length: 300 }, (_, id) => String(id));
    for (const id of ids) await transaction((client) => outbox.enqueue(client, user(id)));
    const messages = collect(log);
    relayTo(log, { batchLength: 7 });
    await until(() => messages.length === ids.length, { what: 'all are in the log' });
    expect(idsOf(messages)).toEqual(ids);
  });

  it('marks what is no message, and goes on', async () => {
    await pool.query("INSERT INTO freshet_outbox (message) VALUES ('no message')");
    await transaction((client) => outbox.enqueue(client, user(1)));
    const log = memoryLog();
    const messages = collect(log);
    const warnings: string[] = [];
    const relay = relayTo(log, { warn: (text) => warnings.push(text) });
    await until(() => messages.length === 1, { what: 'the message is in the log' });
    await until(() => relay.stats.refused === 1, { what: 'the other one is counted' });
    const { rows } = await pool.query('SELECT refused FROM freshet_outbox ORDER BY sequence');
    expect(rows).toEqual([{ refused: 'MESSAGE_INVALID' }, { refused: null }]);
    expect(warnings).toEqual(['a row of freshet_outbox holds no message (MESSAGE_INVALID)']);
  });

  it('deletes what has been done for long, and nothing that waits', async () => {
    const log = memoryLog();
    await pool.query(`
      INSERT INTO freshet_outbox (message, done_at)
      SELECT 'old', now() - interval '2 hours' FROM generate_series(1, 12000);
      INSERT INTO freshet_outbox (message, done_at) VALUES ('new', now());
    `);
    await transaction((client) => outbox.enqueue(client, user(1)));
    relayTo(log, { pollMs: 5 });
    await until(async () => {
      const { rows } = await pool.query<{ count: string }>('SELECT count(*) FROM freshet_outbox');
      return rows[0]?.count === '2';
    }, { what: 'the old rows are gone' });
  });

  it('waits for a table that is made later, and says what it misses', async () => {
    await pool.query('DROP TABLE freshet_outbox');
    const log = memoryLog();
    const messages = collect(log);
    const warnings: string[] = [];
    const relay = relayTo(log, { warn: (text) => warnings.push(text) });
    await until(() => relay.stats.failures > 1, { what: 'it tries again' });
    expect(warnings).toEqual([expect.stringMatching(/outboxSql\(\) have made was required/)]);
    await pool.query(outboxSql());
    await transaction((client) => outbox.enqueue(client, user(1)));
    await until(() => messages.length === 1, { what: 'it is in the log' });
  });

  it('leaves the work to one of several, and another takes over', async () => {
    const log = memoryLog();
    const relays = [relayTo(log), relayTo(log), relayTo(log)];
    const working = () => relays.filter(({ stats }) => stats.isWorking);
    await until(() => working().length === 1, { what: 'one works' });
    const [first] = working();
    await first?.close();
    await until(() => working().some((relay) => relay !== first), { what: 'another works' });
    expect(working()).toHaveLength(1);
  });

  it('loses nothing while the log is away, and keeps the order', async () => {
    const log = new FaultyLog(memoryLog());
    const messages = collect(log);
    const relay = relayTo(log);
    log.isDown = true;
    const ids = Array.from({ length: 50 }, (_, id) => String(id));
    for (const id of ids) await transaction((client) => outbox.enqueue(client, user(id)));
    await until(() => relay.stats.failures > 1, { what: 'it cannot append' });
    log.isDown = false;
    await until(() => messages.length === ids.length, { what: 'all are in the log' });
    expect(idsOf(messages)).toEqual(ids);
    await until(async () => await waiting() === 0, { what: 'all are marked' });
  });

  it('goes on after the database was away', async () => {
    const log = memoryLog();
    const messages = collect(log);
    const relay = relayTo(log);
    await transaction((client) => outbox.enqueue(client, user('before')));
    await until(() => messages.length === 1, { what: 'the first is in the log' });
    await server.restart();
    await until(() => transaction((client) => outbox.enqueue(client, user('after')))
      .then(() => true), { what: 'the database is there again' });
    await until(() => messages.length === 2, { what: 'the second is in the log' });
    expect(idsOf(messages)).toEqual(['before', 'after']);
    expect(relay.stats.failures).toBeGreaterThan(0);
  });
});

describe('a table by another name', () => {
  it('has its own relay, and can be made twice', async () => {
    const table = 'shop.outbox';
    await pool.query(`CREATE SCHEMA shop; ${outboxSql({ table })} ${outboxSql({ table })}`);
    const log = memoryLog();
    const messages = collect(log);
    relayTo(memoryLog());
    relayTo(log, { table, pollMs: 3_600_000 });
    const shop = new PostgresOutbox({ source: 'shop', table });
    await transaction((client) => shop.enqueue(client, user(1)));
    await until(() => messages.length === 1, { what: 'it is in the log' });
  });

  it.each(['', 'Outbox', 'a b', 'a.b.c', 'outbox; DROP TABLE users', 'x'.repeat(60)])(
    'cannot be %s',
    (table) => {
      expect(() => outboxSql({ table })).toThrow(/Outbox, table: a name of lower-case letters/);
      expect(() => new PostgresOutbox({ source: 's', table })).toThrow();
      expect(() => new OutboxRelay({ connect, table, log: memoryLog() })).toThrow();
    },
  );
});

describe('a server that keeps the time of commits', () => {
  it('gives the relay their order, also of transactions that overlapped', async () => {
    await pool.query('ALTER SYSTEM SET track_commit_timestamp = on');
    await server.restart();
    const clients = await until(
      () => Promise.all(['a', 'b', 'c'].map(() => pool.connect())),
      { what: 'the database is there again' },
    );
    for (const [index, client] of clients.entries()) {
      await client.query('BEGIN');
      await outbox.enqueue(client, [user(`${index}, first`), user(`${index}, second`)]);
    }
    for (const client of clients.toReversed()) {
      await client.query('COMMIT');
      client.release();
    }
    const log = memoryLog();
    const messages = collect(log);
    relayTo(log);
    await until(() => messages.length === 6, { what: 'all are in the log' });
    expect(idsOf(messages)).toEqual([2, 1, 0].flatMap((at) => [`${at}, first`, `${at}, second`]));
    await pool.query('ALTER SYSTEM RESET track_commit_timestamp');
    await server.restart();
  });
});

describe('100,000 rows', () => {
  it('of 8 concurrent transactions at a time are delivered if they committed', async () => {
    const redis = await startRedis();
    open.push({ close: () => redis.stop() });
    const log = new RedisLog({ redis: redis.url, appendTimeoutMs: 2_000, heartbeatMs: 50 });
    open.push(log);
    const messages = collect(log);
    const relays = [relayTo(log), relayTo(log)];
    const writing = runTransactions({
      pool, ids: 100_000, seed: 'outbox', write: (client, ids) =>
        outbox.enqueue(client, ids.map(user)),
    });
    // While they write: the one that works ends, Redis stands still, the database cuts all off.
    await until(() => messages.length > 5_000, { what: 'some are in the log' });
    await relays.find(({ stats }) => stats.isWorking)?.close();
    relayTo(log);
    redis.pause();
    await until(() => relays.some(({ stats }) => stats.failures > 0), {
      what: 'Redis is missed',
    });
    redis.resume();
    await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'`);
    const committed = await writing;
    await until(async () => await waiting() === 0, { what: 'all are marked' });
    await until(() => messages.length >= committed.size, { what: 'all are heard' });
    const delivered = idsOf(messages);
    expect(new Set(delivered)).toEqual(committed);
    expect(delivered.length - committed.size).toBe(0);
    expect(committed.size).toBeGreaterThan(50_000);
  }, 240_000);
});
