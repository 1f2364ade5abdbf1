/** What every implementation of `Database` keeps to. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { timestamp, type Database } from '../../src/demo/database.ts';
import { insertAll, migrate, type Migrations } from '../../src/demo/migration.ts';

export function databaseContract(open: () => Promise<Database>): void {
  let database: Database;

  beforeAll(async () => {
    database = await open();
    await database.query('create schema contract');
    await database.query(`create table contract.thing (
      id integer primary key, name text, tags text[], made_at timestamptz default now()
    )`);
  });
  afterAll(async () => {
    await database.close();
  });

  test('what is given as a parameter comes back as it was', async () => {
    const [row] = await database.query(
      'select $1::int as number, $2::text as text, $3::boolean as flag, $4::text as nothing, '
        + '$5::int[] as numbers, $6::text[] as texts',
      [7, 'a \'b\' "c" \u{1f600} $1', true, null, [1, 2], ['a,b', '{"c"}']],
    );
    expect(row).toEqual({
      number: 7, text: 'a \'b\' "c" \u{1f600} $1', flag: true, nothing: null,
      numbers: [1, 2], texts: ['a,b', '{"c"}'],
    });
  });

  test('a statement that fails rejects, and the next one works', async () => {
    await expect(database.query('select * from contract.nothing')).rejects.toThrow('nothing');
    await expect(database.query('select $1::text', ['\0'])).rejects.toThrow();
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a transaction is done whole, or not at all', async () => {
    const insert = 'insert into contract.thing (id, name) values ($1, $2)';
    const added = await database.transaction(async (queryable) => {
      await queryable.query(insert, [1, 'one']);
      return queryable.query<{ name: string }>('select name from contract.thing where id = 1');
    });
    expect(added).toEqual([{ name: 'one' }]);
    const undone = database.transaction(async (queryable) => {
      await queryable.query(insert, [2, 'two']);
      await queryable.query(insert, [1, 'one again']);
    });
    await expect(undone).rejects.toThrow('duplicate key');
    const thrown = database.transaction(async (queryable) => {
      await queryable.query(insert, [3, 'three']);
      throw new Error('changed my mind');
    });
    await expect(thrown).rejects.toThrow('changed my mind');
    const rows = await database.query('select id from contract.thing where id < 10 order by id');
    expect(rows).toEqual([{ id: 1 }]);
  });

  test('transactions at the same time do not mix', async () => {
    const rename = (name: string): Promise<string> => database.transaction(async (queryable) => {
      const update = 'update contract.thing set name = $1 where id = 1';
      await queryable.query(update, [name]);
      const [row] = await queryable.query<{ name: string }>(
        'select name from contract.thing where id = 1',
      );
      return row?.name ?? '';
    });
    await database.query('insert into contract.thing (id) values (1) on conflict do nothing');
    const names = Array.from({ length: 12 }, (_, index) => `name ${index}`);
    expect(await Promise.all(names.map(rename))).toEqual(names);
  });

  test('rows are inserted together, and times are read as RFC 3339', async () => {
    await insertAll(database, 'contract.thing', {
      columns: 'id integer, name text, tags text[], made_at timestamptz',
      rows: [
        { id: 11, name: 'it\'s', tags: ['a', 'b'], made_at: '2026-03-01T12:00:00.5+01:00' },
        { id: 12, tags: [], made_at: '2026-03-01T12:00:00Z' },
      ],
    });
    const rows = await database.query(
      `select name, tags, ${timestamp('made_at', 'madeAt')}
       from contract.thing where id > 10 order by id`,
    );
    expect(rows).toEqual([
      { name: 'it\'s', tags: ['a', 'b'], madeAt: '2026-03-01T11:00:00.500Z' },
      { name: null, tags: [], madeAt: '2026-03-01T12:00:00.000Z' },
    ]);
  });

  test('a migration runs once, and one that fails leaves nothing', async () => {
    let seeds = 0;
    const migrations: Migrations = {
      schema: 'migrated',
      steps: [['create table migrated.a (id integer)']],
      seed: async (queryable) => {
        seeds += 1;
        await queryable.query('insert into migrated.a values (1)');
      },
    };
    const broken: Migrations = {
      ...migrations,
      steps: [...migrations.steps, ['create table migrated.b (id integer)', 'nonsense']],
    };
    await expect(migrate(database, broken)).rejects.toThrow('nonsense');
    await Promise.all([migrate(database, migrations), migrate(database, migrations)]);
    expect(seeds).toBe(1);
    const later = {
      ...migrations,
      steps: [...migrations.steps, ['alter table migrated.a add column name text']],
    };
    await migrate(database, later);
    await migrate(database, later);
    expect(await database.query('select * from migrated.a')).toEqual([{ id: 1, name: null }]);
    expect(seeds).toBe(1);
  });
}
