/** The databases that the audit may have, for suites that ask the same of each. */
import { Client } from 'pg';
import type { AuditDatabase } from '../../../src/ops/audit/database.ts';
import { pgliteAudit } from '../../../src/ops/audit/database-pglite.ts';
import { postgresAudit } from '../../../src/ops/audit/database-postgres.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres.ts';

export interface TestDatabases {
  /** Holds nothing, and is the only one in use from here on. */
  make(): Promise<AuditDatabase>;
  stop(): Promise<void>;
}

export const IMPLEMENTATIONS: Readonly<Record<string, () => Promise<TestDatabases>>> = {
  PostgreSQL: async () => {
    const server = await startPostgres();
    return gather(async () => postgresAudit({ url: await emptyDatabase(server) }), () =>
      server.stop());
  },
  // Starting one takes seconds, so all tests have the same, emptied.
  PGlite: async () => {
    const database = pgliteAudit();
    return {
      async make() {
        const session = await database.open();
        await session.run('DROP SCHEMA IF EXISTS freshet_audit CASCADE');
        return database;
      },
      stop: () => database.close(),
    };
  },
};

let databases = 0;

/** The URL of a database of its own in the server. */
export async function emptyDatabase(server: PostgresServer): Promise<string> {
  databases += 1;
  const name = `audit_${databases}`;
  await asOwner(server.url, (client) => client.query(`CREATE DATABASE ${name}`));
  return server.url.replace(/[^/]+$/, name);
}

export async function asOwner<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function gather(make: () => Promise<AuditDatabase>, stop: () => Promise<void>): TestDatabases {
  const made: AuditDatabase[] = [];
  return {
    async make() {
      const database = await make();
      made.push(database);
      return database;
    },
    async stop() {
      await Promise.all(made.map((database) => database.close()));
      await stop();
    },
  };
}
