/**
 * Brings the tables of a service up to date when it starts. It promises: each step runs once, all
 * of them or none, also where two processes of a service start at the same moment.
 */
import type { Database, Queryable } from './database.ts';

export interface Migrations {
  /** The SQL schema that the service keeps its tables in. */
  readonly schema: string;
  /** In order, each a list of statements; only ever added to. */
  readonly steps: readonly (readonly string[])[];
  /** Fills the tables the first time. */
  readonly seed: (queryable: Queryable) => Promise<void>;
}

export async function migrate(database: Database, migrations: Migrations): Promise<void> {
  const { schema, steps, seed } = migrations;
  await database.transaction(async (queryable) => {
    await queryable.query('select pg_advisory_xact_lock(hashtext($1))', [`freshet:${schema}`]);
    await queryable.query(`create schema if not exists ${schema}`);
    await queryable.query(`create table if not exists ${schema}.migration (
      step integer primary key,
      applied_at timestamptz not null default now()
    )`);
    // How far the service has read the invalidation log.
    await queryable.query(`create table if not exists ${schema}.progress (
      id integer primary key,
      position text not null
    )`);
    const done = await queryable.query<{ step: number }>(`select step from ${schema}.migration`);
    for (const [index, statements] of steps.entries()) {
      if (done.some(({ step }) => step === index + 1)) continue;
      for (const statement of statements) await queryable.query(statement);
      await queryable.query(`insert into ${schema}.migration (step) values ($1)`, [index + 1]);
    }
    if (done.length === 0) await seed(queryable);
  });
}

/**
 * Inserts objects whose members are named as the columns, all in one statement.
 * `columns`: `id integer, name text`.
 */
export async function insertAll(
  queryable: Queryable,
  table: string,
  { columns, rows }: { columns: string; rows: readonly object[] },
): Promise<void> {
  const names = columns.split(',').map((column) => column.trim().split(' ')[0]).join(', ');
  await queryable.query(
    `insert into ${table} (${names})
     select ${names} from jsonb_to_recordset($1::jsonb) as given (${columns})`,
    [JSON.stringify(rows)],
  );
}

/** Makes a generated key go on after the rows that were inserted with keys of their own. */
export async function continueKeys(
  queryable: Queryable,
  { table, column }: { table: string; column: string },
): Promise<void> {
  await queryable.query(
    `select setval(pg_get_serial_sequence($1, $2), (select max(${column}) from ${table}))`,
    [table, column],
  );
}
