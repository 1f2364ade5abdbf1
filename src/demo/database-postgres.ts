/**
 * PostgreSQL by URL, over a small pool of connections. No wait is without a bound: not that for a
 * connection, nor that for a statement.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type PoolClient } from 'pg';
import type { Database, Parameter, Queryable } from './database.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  /** A server that is still starting is waited for this long. Default 30,000 ms. */
  readonly startTimeoutMs?: number;
  /** A connection is waited for this long. Default 5,000 ms. */
  readonly connectTimeoutMs?: number;
}

const CONNECTIONS_MAX = 5;
const STATEMENT_TIMEOUT_MS = 10_000;
const RETRY_MS = 250;
/** The server is not there yet, is starting, or has no free connection at the moment. */
const NOT_YET = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET', '57P03', '53300']);

/** Rejects when the server cannot be reached in time; at once when it refuses the credentials. */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, startTimeoutMs = 30_000, connectTimeoutMs = 5_000 } = options;
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'freshet-demo',
  });
  // An idle connection that breaks is replaced by the next statement; without a listener the
  // process would end.
  pool.on('error', () => undefined);
  try {
    await reach(pool, Date.now() + startTimeoutMs);
  } catch (error) {
    await pool.end();
    throw error;
  }
  return new PostgresDatabase(pool);
}

async function reach(pool: Pool, deadline: number): Promise<void> {
  for (;;) {
    try {
      await pool.query('select 1');
      return;
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!NOT_YET.has(code) || Date.now() >= deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

class PostgresDatabase implements Database {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  query<Row extends object>(
    sql: string,
    parameters: readonly Parameter[] = [],
  ): Promise<readonly Row[]> {
    return rowsOf<Row>(this.#pool, sql, parameters);
  }

  async transaction<Result>(work: (queryable: Queryable) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      await client.query('begin');
      const result = await work({
        query: <Row extends object>(sql: string, parameters: readonly Parameter[] = []) =>
          rowsOf<Row>(client, sql, parameters),
      });
      await client.query('commit');
      return result;
    } catch (error) {
      broken = await client.query('rollback').then(() => false, () => true);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

async function rowsOf<Row extends object>(
  source: Pool | PoolClient,
  sql: string,
  parameters: readonly Parameter[],
): Promise<readonly Row[]> {
  const { rows } = await source.query<Row & Record<string, unknown>>(sql, [...parameters]);
  return rows;
}
