import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { readMessage, type InvalidationMessage } from '../../../../src/invalidation/message.ts';
import { escapeSegment } from '../../../../src/invalidation/tag.ts';
import { readTableMapping } from '../../../../src/ops/sources/postgres/table-mapping.ts';
import {
  removeTriggerSql, triggerSql, type TriggerSqlOptions,
} from '../../../../src/ops/sources/postgres/trigger-sql.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';
import { integerBelow, seededRandom } from '../../../support/seeded-random.ts';

let server: PostgresServer;
let client: Client;

beforeAll(async () => {
  server = await startPostgres();
  client = new Client({ connectionString: server.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
});

beforeEach(async () => {
  await client.query(`
    DROP SCHEMA public CASCADE; DROP SCHEMA IF EXISTS shop CASCADE;
    CREATE SCHEMA public; CREATE SCHEMA shop;
    CREATE TABLE users (id bigint PRIMARY KEY, name text);
    CREATE TABLE comments (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), post_id text);
    CREATE TABLE shop."Order Lines" ("Region" text, number int, PRIMARY KEY ("Region", number));
  `);
});

async function watch(tables: readonly string[], options: Partial<TriggerSqlOptions> = {}) {
  await client.query(triggerSql({ mappings: tables.map(readTableMapping), ...options }));
}

/** What was written down since the last call. */
async function noted(outbox = 'freshet_outbox'): Promise<InvalidationMessage[]> {
  const { rows } = await client.query<{ message: string }>(
    `WITH gone AS (DELETE FROM ${outbox} RETURNING sequence, message)
     SELECT message FROM gone ORDER BY sequence`);
  return rows.map(({ message }) => readMessage(message));
}

async function keysNoted(): Promise<string[][]> {
  return (await noted()).map(({ entity_ids: keys }) => [...keys ?? []].toSorted());
}

describe('triggers', () => {
  it('tell of rows inserted, updated by either key, and deleted', async () => {
    await watch(['users=User:id']);
    await client.query('INSERT INTO users VALUES (1), (2)');
    await client.query('UPDATE users SET id = 3 WHERE id = 2');
    await client.query('DELETE FROM users WHERE id = 1');
    expect(await keysNoted()).toEqual([
      ['user', 'user:1', 'user:2'], ['user:2', 'user:3'], ['user:1'],
    ]);
  });

  it('tell of the rows of partitions, through the table that is named', async () => {
    await client.query(`CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (10)`);
    await watch(['parts=User:id', 'parts_low=User:id']);
    await client.query('INSERT INTO parts VALUES (1)');
    await client.query('INSERT INTO parts_low VALUES (2)');
    await client.query(`CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (10) TO (20);
      INSERT INTO parts VALUES (11)`);
    expect(await keysNoted())
      .toEqual([['user', 'user:1'], ['user', 'user:2'], ['user', 'user:11']]);
  });

  it('tell of rows that others take with them', async () => {
    await client.query(`CREATE TABLE orders (id int PRIMARY KEY,
      user_id bigint REFERENCES users ON DELETE CASCADE);
      INSERT INTO users VALUES (1); INSERT INTO orders VALUES (7, 1)`);
    await watch(['users=User:id', 'orders=Order:id']);
    await client.query('DELETE FROM users');
    expect((await keysNoted()).flat().toSorted()).toEqual(['order:7', 'user:1']);
  });

  it('tell of rows inserted and updated by one statement', async () => {
    await client.query('INSERT INTO users VALUES (1)');
    await watch(['users=User:id']);
    await client.query(
      "INSERT INTO users VALUES (1), (2) ON CONFLICT (id) DO UPDATE SET name = 'x'");
    expect((await keysNoted()).flat().toSorted()).toEqual(['user', 'user:1', 'user:2']);
  });

  it('tell nothing where no row was touched, or nothing committed', async () => {
    await watch(['users=User:id']);
    await client.query('UPDATE users SET id = 3 WHERE id = 2');
    await client.query('BEGIN; INSERT INTO users VALUES (1); ROLLBACK');
    expect(await keysNoted()).toEqual([]);
  });

  it('tell of all of a type where a table is truncated', async () => {
    await watch(['users=User:id'], { source: "bob's" });
    await client.query('TRUNCATE users');
    expect(await noted()).toMatchObject([{
      action: 'Pattern', pattern: 'user:*', entity_type: { Custom: 'pattern' },
      source_service: "bob's", metadata: { cascade: ['user'] },
    }]);
  });

  it('write messages that every reader takes', async () => {
    await watch(['users=User:id']);
    await client.query('INSERT INTO users VALUES (1)');
    const { rows } = await client.query<{ message: string }>('SELECT message FROM freshet_outbox');
    const message = JSON.parse(rows[0]!.message) as Record<string, unknown>;
    expect(message).toEqual({
      message_id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      entity_type: { Custom: 'batch' }, entity_id: null, pattern: null,
      entity_ids: expect.any(Array) as string[], action: 'Batch',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      source_service: 'postgres', metadata: null,
    });
    const ageMs = Date.now() - Date.parse(String(message['timestamp']));
    expect(Math.abs(ageMs)).toBeLessThan(3_600_000);
  });

  it('tell of what a row is, and of what it is a part of', async () => {
    await watch(['comments=Comment:id', 'comments~Post:post_id']);
    const id = '0b9a4c2e-7a77-4a0e-9d52-0e3f0fe2a001';
    await client.query(`INSERT INTO comments VALUES ('${id}', '9'), (DEFAULT, NULL)`);
    const [comments, posts] = await keysNoted();
    expect(comments).toHaveLength(3);
    expect(comments).toEqual(expect.arrayContaining(['comment', `comment:${id}`]));
    expect(posts).toEqual(['post:9']);
  });

  it('take names and keys of several columns as they are', async () => {
    await watch(['shop."Order Lines"=Order:"Region",number'], { outbox: 'shop.outbox' });
    await client.query(`INSERT INTO shop."Order Lines" VALUES ('a:b', 7)`);
    const [message] = await noted('shop.outbox');
    expect(message?.entity_ids?.toSorted()).toEqual(['order', 'order:a%3Ab:7']);
  });

  it('leave one message for the type where a statement touches very many rows', async () => {
    await watch(['users=User:id'], { rowsMax: 3 });
    await client.query('INSERT INTO users SELECT generate_series(1, 3)');
    await client.query('INSERT INTO users SELECT generate_series(4, 7)');
    expect(await noted()).toMatchObject([{ action: 'Batch' }, { action: 'Pattern' }]);
  });

  it('divide what one message could not hold', async () => {
    await watch(['comments~Post:post_id']);
    await client.query(`INSERT INTO comments (post_id)
      SELECT repeat('x', 2000) || id FROM generate_series(1, 2000) AS ids (id)`);
    const messages = await noted();
    const keys = messages.flatMap(({ entity_ids: some }) => some ?? []);
    expect(new Set(keys).size).toBe(2_000);
    expect(messages.length).toBeGreaterThan(10);
    for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(500_000);
  });

  it('do not ask those who write for rights on the outbox', async () => {
    await watch(['users=User:id']);
    await client.query(`DROP ROLE IF EXISTS app; CREATE ROLE app;
      GRANT USAGE ON SCHEMA public TO app; GRANT INSERT ON users TO app`);
    await client.query('SET ROLE app; INSERT INTO users VALUES (1); RESET ROLE');
    expect(await keysNoted()).toEqual([['user', 'user:1']]);
  });

  it('are the same when they are made twice, and are gone when they are removed', async () => {
    await watch(['users=User:id']);
    await watch(['users=User:id']);
    await client.query('INSERT INTO users VALUES (1)');
    expect(await keysNoted()).toEqual([['user', 'user:1']]);
    const mappings = [readTableMapping('users=User:id')];
    await client.query(removeTriggerSql({ mappings }));
    await client.query(removeTriggerSql({ mappings }));
    await client.query('INSERT INTO users VALUES (2)');
    expect(await keysNoted()).toEqual([]);
  });

  it('are not made of a column that is not there', async () => {
    await expect(watch(['users=User:identity'])).rejects.toThrow(/identity.* does not exist/);
    await client.query('INSERT INTO users VALUES (1)');
  });

  it('name a table of any length and spelling', async () => {
    const name = `${'\u00fc'.repeat(20)} "quoted" $freshet$`;
    const quoted = `"${name.replaceAll('"', '""')}"`;
    await client.query(`CREATE TABLE ${quoted} (id int)`);
    await watch([`${quoted}=User:id`]);
    await client.query(`INSERT INTO ${quoted} VALUES (1)`);
    expect(await keysNoted()).toEqual([['user', 'user:1']]);
  });
});

describe('the segment of a key', () => {
  it('is escaped by the server as it is by us', async () => {
    await watch(['users=User:id']);
    const random = seededRandom('segments');
    const letters = [
      'a', '%', ':', '*', '/', ' ', '-', '~', '!', '\u00e9', '\u00a0', '\u0085', '\t', '\u2003',
      '\u3000', '\ufeff', '\u{1f600}', '\\', "'", '"',
    ];
    const made = (length: number): string =>
      Array.from({ length }, () => letters[integerBelow(random, letters.length)]).join('');
    const values = [
      '', 'plain', 'gid://shop/User/1', ...[1023, 1024, 1025, 2047, 2048, 2049]
        .flatMap((length) => ['a'.repeat(length), '\u{1f600}'.repeat(length / 2)]),
      ...Array.from({ length: 300 }, (_, at) => made(at % 40)),
      ...[200, 400, 600, 900].map(made),
    ];
    const { rows } = await client.query<{ segment: string }>(
      `SELECT freshet_outbox_segment(value) AS segment
       FROM unnest($1::text[]) WITH ORDINALITY AS given (value, place) ORDER BY place`, [values]);
    expect(rows.map(({ segment }) => segment)).toEqual(values.map(escapeSegment));
  });
});

describe('a mapping', () => {
  it.each(['', 'users', 'users=User', 'users=User:', 'users=:id', '=User:id', 'a.b.c=User:id',
    'users=User:id;DROP', 'users =User:id', 'users=Us er:id', 'users=User:id,', 'users="User":id',
  ])('cannot be %j', (text) => {
    expect(() => readTableMapping(text)).toThrow(
      expect.objectContaining({ code: 'SOURCE_INVALID' }) as Error);
  });

  it('has a table, a type and columns', () => {
    expect(readTableMapping('a."b ""c"~T:"d,e",f')).toEqual({
      table: { schema: 'a', name: 'b "c' }, type: 'T', columns: ['d,e', 'f'], isPart: true,
    });
  });
});
