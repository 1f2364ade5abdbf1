/**
 * Connections of a source to its database. They promise: no wait is without a bound, and no error
 * of theirs ends the process.
 */
import { Client, type ClientConfig } from 'pg';
import type { Clock, Millis } from '../../../invalidation/clock.ts';
import { within } from '../../../invalidation/within.ts';
import type { ReplicationStream } from './replication-stream.ts';

export interface DatabaseConnection {
  /** One statement; values stand in its text, since a walsender takes no others. */
  query<Row>(text: string): Promise<readonly Row[]>;
  /** From here on the connection does nothing else. */
  stream(stream: ReplicationStream): void;
  /** Resolves when it is over, to the reason. */
  readonly over: Promise<Error>;
  end(): void;
}

export interface ConnectOptions {
  readonly url: string;
  /** Speak the replication protocol: servers allow few such connections. Default false. */
  readonly replication?: boolean;
  readonly clock: Clock;
}

const CONNECT_TIMEOUT_MS: Millis = 5_000;
/** A slot waits for the transactions that are open when it is made. */
const QUERY_TIMEOUT_MS: Millis = 30_000;

/** A client that is not connected yet. */
export function postgresClient(url: string, more: object = {}): Client {
  const config: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'freshet-source',
    ...more,
  };
  return new Client(config);
}

/** Rejects where the database cannot be reached. */
export async function connectDatabase(options: ConnectOptions): Promise<DatabaseConnection> {
  const { url, replication = false, clock } = options;
  const client = postgresClient(url, replication ? { replication: 'database' } : {});
  const over = new Promise<Error>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(new Error('the connection was closed')));
  });
  const bounded = <T>(promise: Promise<T>): Promise<T> =>
    within(promise, { timeoutMs: QUERY_TIMEOUT_MS, clock });
  const end = (): void => {
    client.end().catch(() => undefined);
  };
  try {
    await bounded(client.connect());
  } catch (error) {
    end();
    throw error;
  }
  return {
    over,
    end,
    async query<Row>(text: string): Promise<readonly Row[]> {
      const { rows } = await bounded(client.query(text));
      return rows as Row[];
    },
    stream(stream) {
      client.query(stream);
    },
  };
}
