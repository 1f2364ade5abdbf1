/** A PostgreSQL server with a table of users, and the three ways to hear of its changes. */
import { Client, Pool } from 'pg';
import { outboxSql, PostgresOutbox } from '../../../../src/invalidation/postgres/index.ts';
import { OutboxSource } from '../../../../src/ops/sources/postgres/outbox-source.ts';
import { ReplicationSource } from '../../../../src/ops/sources/postgres/replication-source.ts';
import { readTableMapping } from '../../../../src/ops/sources/postgres/table-mapping.ts';
import { triggerSql } from '../../../../src/ops/sources/postgres/trigger-sql.ts';
import type { SourceSurroundings } from '../../../../src/ops/sources/source.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';
import { until } from '../../../support/until.ts';
import type { SourceWorld } from '../source-contract.ts';

export type Way = 'outbox' | 'triggers' | 'replication';

export const USERS = [readTableMapping('users=User:id')];
const SLOT = 'freshet_shop';

export class PostgresWorld implements SourceWorld {
  readonly way: Way;
  readonly server: PostgresServer;
  readonly pool: Pool;
  readonly #outbox = new PostgresOutbox({ source: 'shop' });

  private constructor(way: Way, server: PostgresServer) {
    this.way = way;
    this.server = server;
    this.pool = new Pool({ connectionString: server.url, max: 12 });
    // A server that is stopped breaks the connections that wait in the pool.
    this.pool.on('error', () => undefined);
  }

  static async open(way: Way): Promise<PostgresWorld> {
    const server = await startPostgres();
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query('ALTER SYSTEM SET wal_level = logical');
    await client.end();
    await server.restart();
    return new PostgresWorld(way, server);
  }

  async prepare(): Promise<void> {
    await this.dropSlot();
    await this.pool.query(`
      DROP PUBLICATION IF EXISTS freshet;
      DROP TABLE IF EXISTS users, freshet_outbox;
      CREATE TABLE users (id text PRIMARY KEY, name text);
      ${this.way === 'triggers' ? triggerSql({ mappings: USERS, source: 'shop' }) : outboxSql()}
    `);
  }

  create(surroundings: SourceSurroundings): OutboxSource | ReplicationSource {
    const { url } = this.server;
    if (this.way !== 'replication') {
      return new OutboxSource({ ...surroundings, url, outbox: 'freshet_outbox' });
    }
    return new ReplicationSource({
      ...surroundings, url, slot: SLOT, publication: 'freshet', mappings: USERS, standbyMs: 100,
    });
  }

  async change(ids: readonly string[]): Promise<void> {
    if (this.way === 'outbox') {
      const client = await this.pool.connect();
      await this.#outbox.enqueue(client, ids.map((id) => ({ type: 'User', id })));
      client.release();
      return;
    }
    await this.pool.query(
      "INSERT INTO users SELECT unnest($1::text[]) ON CONFLICT (id) DO UPDATE SET name = 'x'",
      [ids]);
  }

  async cutOff(): Promise<void> {
    await this.pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'freshet-source'`);
  }

  stopServer(): Promise<void> {
    return this.server.stop();
  }

  startServer(): Promise<void> {
    return this.server.restart();
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.server.stop();
  }

  /** When its reader has gone. */
  async dropSlot(name = SLOT): Promise<void> {
    await until(async () => {
      await this.pool.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
        WHERE slot_name = $1`, [name]);
      return true;
    }, { what: 'nobody reads the slot' });
  }
}
