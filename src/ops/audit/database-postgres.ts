/**
 * The audit's database by URL: one connection that writes and holds the lock, and two for
 * searching. The lock belongs to a session, so the URL must not lead to a pooler that shares one
 * connection between transactions: several would then write the same, which changes nothing, but
 * costs as much as there are.
 */
import { Client, Pool, type ClientConfig } from 'pg';
import type { Millis } from '../../invalidation/clock.ts';
import type { AuditDatabase, AuditQueries, AuditSession } from './database.ts';

export interface PostgresAuditOptions {
  /** `postgres://user:password@host:5432/database` */
  readonly url: string;
  /** A connection is waited for this long. Default 5,000 ms. */
  readonly connectTimeoutMs?: Millis;
  /** A statement that writes is waited for this long. Default 30,000 ms. */
  readonly writeTimeoutMs?: Millis;
  /** A search is waited for this long. Default 5,000 ms. */
  readonly searchTimeoutMs?: Millis;
}

const SEARCHES_MAX = 2;
/** The server gives up first, and says so. */
const ANSWER_EXTRA_MS = 1_000;

const LOCK = `SELECT pg_try_advisory_lock(hashtextextended('freshet_audit writer', 0)) AS locked`;

/** Nothing is connected before it is used. */
export function postgresAudit(options: PostgresAuditOptions): AuditDatabase {
  const { writeTimeoutMs = 30_000, searchTimeoutMs = 5_000 } = options;
  const pool = new Pool({ ...settings(options, searchTimeoutMs), max: SEARCHES_MAX });
  // An idle connection that breaks is replaced; without a listener the process would end.
  pool.on('error', () => undefined);
  return {
    open: () => openSession(settings(options, writeTimeoutMs)),
    queries: {
      async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
        const { rows } = await pool.query(text, [...values]);
        return rows as Row[];
      },
    },
    close: () => pool.end(),
  };
}

function settings(
  { url, connectTimeoutMs = 5_000 }: PostgresAuditOptions,
  timeoutMs: Millis,
): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + ANSWER_EXTRA_MS,
    keepAlive: true,
    application_name: 'freshet-audit',
  };
}

async function openSession(config: ClientConfig): Promise<AuditSession> {
  const client = new Client(config);
  let failure: Error | undefined;
  client.on('error', (error) => {
    failure ??= error;
  });
  const end = (): void => {
    failure ??= new Error('the session has ended');
    client.end().catch(() => undefined);
  };
  const query: AuditQueries['query'] = async <Row>(
    text: string,
    values: readonly unknown[] = [],
  ) => {
    if (failure !== undefined) throw failure;
    const { rows } = await client.query(text, [...values]);
    return rows as Row[];
  };
  try {
    await client.connect();
  } catch (error) {
    end();
    throw error;
  }
  return {
    query,
    end,
    async run(script) {
      // Without values it travels in one message, and the server makes it one transaction.
      await client.query(script);
    },
    async lock() {
      const [row] = await query<{ locked: boolean }>(LOCK);
      return row?.locked === true;
    },
  };
}
