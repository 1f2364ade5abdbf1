/**
 * The publication and the slot that logical replication reads, made where they are not there yet.
 *
 * It promises: of a table that is mapped no change is missed unseen. Whenever reading begins anew,
 * because the slot is new, was lost, or a table was not published before, all entities of the types
 * that are mapped are purged after the place where it begins; ended at whatever point, it begins
 * anew the next time.
 */
import { fault } from '../../../invalidation/errors.ts';
import type { DatabaseConnection } from './connection.ts';
import {
  byTable, quotedName, quotedTable, quotedText, type TableMapping, type TableName,
} from './table-mapping.ts';

export interface ReplicationSetup {
  readonly database: Pick<DatabaseConnection, 'query'>;
  readonly slot: string;
  readonly publication: string;
  readonly mappings: readonly TableMapping[];
  /** Purges all that the mappings could have told of. Resolves when that is in the log. */
  readonly forget: () => Promise<void>;
}

interface SlotRow {
  readonly active: boolean;
  readonly fits: boolean;
  readonly lost: boolean;
}

/** Rejects with `SOURCE_INVALID` where somebody has to do something, and as the database does. */
export async function setUpReplication(setup: ReplicationSetup): Promise<void> {
  const { database, slot, publication, mappings } = setup;
  const found = await findSlot(setup);
  const tables = byTable(mappings).map(([table]) => table);
  const published = await publishedTables(setup);
  const missing = tables.filter((table) => published?.has(quotedTable(table)) !== true);
  const isUsable = found !== undefined && !found.lost && missing.length === 0;
  if (isUsable) return;
  // Without the slot, whoever comes next begins anew as well.
  if (found !== undefined) await drop(setup, slot);
  for (const table of missing) await checkTable(setup, table);
  const list = missing.map(quotedTable).join(', ');
  const name = quotedName(publication);
  if (published === undefined) {
    await database.query(`CREATE PUBLICATION ${name} FOR TABLE ${list}
      WITH (publish_via_partition_root = true)`);
  } else if (missing.length > 0) {
    await database.query(`ALTER PUBLICATION ${name} ADD TABLE ${list}`);
  }
  await createSlot(setup);
}

/**
 * Under another name it is there until the session ends. What is kept under its own name is a copy
 * of it, made when all that was read before has been purged.
 */
async function createSlot({ database, slot, forget }: ReplicationSetup): Promise<void> {
  const [first, kept] = [quotedText(`${slot}_new`), quotedText(slot)];
  await database.query(`SELECT pg_create_logical_replication_slot(${first}, 'pgoutput', true)`);
  await forget();
  await database.query(`SELECT pg_copy_logical_replication_slot(${first}, ${kept}, false)`);
  await database.query(`SELECT pg_drop_replication_slot(${first})`);
}

async function findSlot({ database, slot }: ReplicationSetup): Promise<SlotRow | undefined> {
  const [found] = await database.query<SlotRow>(`SELECT active,
      plugin = 'pgoutput' AND database = current_database() AS fits,
      coalesce(wal_status = 'lost', false) AS lost
    FROM pg_replication_slots WHERE slot_name = ${quotedText(slot)}`);
  if (found?.fits === false) {
    const required = 'a slot of the plugin pgoutput in this database';
    throw fault('SOURCE_INVALID', { path: `slot ${slot}`, required, got: 'another' });
  }
  if (found?.active === true) {
    const required = 'a slot that nobody else reads';
    throw fault('SOURCE_INVALID', { path: `slot ${slot}`, required, got: 'one that is read' });
  }
  return found;
}

async function drop({ database }: ReplicationSetup, slot: string): Promise<void> {
  await database.query(`SELECT pg_drop_replication_slot(${quotedText(slot)})`);
}

/** Undefined where there is no such publication. */
async function publishedTables(
  { database, publication }: ReplicationSetup,
): Promise<ReadonlySet<string> | undefined> {
  const name = quotedText(publication);
  const [found] = await database.query<{ whole: boolean }>(`SELECT
      pubinsert AND pubupdate AND pubdelete AND pubtruncate AS whole
    FROM pg_publication WHERE pubname = ${name}`);
  if (found === undefined) return undefined;
  if (!found.whole) {
    const required = 'one of insert, update, delete and truncate';
    throw fault('SOURCE_INVALID', { path: `publication ${publication}`, required, got: 'less' });
  }
  const tables = await database.query<{ schema: string; name: string }>(`SELECT
      schemaname AS schema, tablename AS name
    FROM pg_publication_tables WHERE pubname = ${name}`);
  return new Set(tables.map(quotedTable));
}

/** Published without an identity, a table would refuse to be updated. */
async function checkTable({ database }: ReplicationSetup, table: TableName): Promise<void> {
  const [found] = await database.query<{ identified: boolean }>(`SELECT
      relreplident IN ('f', 'i') OR (relreplident = 'd' AND EXISTS (
        SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)) AS identified
    FROM pg_class WHERE oid = to_regclass(${quotedText(quotedTable(table))})`);
  if (found?.identified === true) return;
  const required = 'a table with a primary key, or another replica identity';
  const got = found === undefined ? 'no table' : 'one without';
  throw fault('SOURCE_INVALID', { path: `table ${table.schema}.${table.name}`, required, got });
}
