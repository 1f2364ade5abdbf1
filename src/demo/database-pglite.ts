/**
 * PostgreSQL inside the process, in memory: what the demo runs on where nothing is installed. It
 * starts from a prepared data directory, which takes a fifth of the time that making one does.
 */
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { dataDir } from '@electric-sql/pglite-prepopulatedfs';
import type { Database, Parameter, Queryable } from './database.ts';

/** The demo's tables are small, and the default of 128 MB is allocated in full. */
const SETTINGS = ['-c', 'shared_buffers=8MB'];

export async function openPGlite(): Promise<Database> {
  const pglite = await PGlite.create({
    loadDataDir: await dataDir(),
    startParams: [...PGlite.defaultStartParams, ...SETTINGS],
  });
  return new PGliteDatabase(pglite);
}

class PGliteDatabase implements Database {
  readonly #pglite: PGlite;

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  query<Row extends object>(
    sql: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    return rowsOf<Row>(this.#pglite, sql, parameters);
  }

  transaction<Result>(work: (queryable: Queryable) => Promise<Result>): Promise<Result> {
    return this.#pglite.transaction((transaction) => work({
      query: <Row extends object>(sql: string, parameters: readonly Parameter[] = []) =>
        rowsOf<Row>(transaction, sql, parameters),
    }));
  }

  async close(): Promise<void> {
    await this.#pglite.close();
  }
}

async function rowsOf<Row extends object>(
  source: PGlite | Transaction,
  sql: string,
  parameters: readonly Parameter[],
): Promise<readonly Row[]> {
  const { rows } = await source.query<Row>(sql, [...parameters]);
  return rows;
}
