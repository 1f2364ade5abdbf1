/**
 * The table in which a service writes down, in the transaction that changes its data, what that
 * change invalidates. PostgreSQL 14 or later.
 *
 * A row waits while `done_at` is null. Then `position` tells where the log has it, or `refused`
 * why no log would take it.
 */
import { fault } from '../errors.ts';

export interface OutboxTableOptions {
  /** The name of the table, with or without its schema. Default `freshet_outbox`. */
  readonly table?: string;
  /**
   * Wake the relay at each commit. Default true. NOTIFY takes a lock of the whole database for the
   * end of each commit: who commits many thousand such transactions a second turns it off, and
   * lets the relay poll more often.
   */
  readonly notify?: boolean;
}

export const DEFAULT_TABLE = 'freshet_outbox';
/** PostgreSQL cuts names at 63 characters, and ours have a suffix. */
const NAME = /^([a-z_][a-z0-9_]{0,50}\.)?[a-z_][a-z0-9_]{0,50}$/;

/**
 * The statements that make the table: the text of a migration. Running them again changes nothing.
 * Throws `OUTBOX_INVALID` for a name that is none.
 */
export function outboxSql(options: OutboxTableOptions = {}): string {
  const { table = DEFAULT_TABLE, notify = true } = options;
  const name = checkedTable(table);
  const bare = name.slice(name.indexOf('.') + 1);
  const schema = name.slice(0, name.length - bare.length);
  return `${tableSql(name, bare)}${notify ? wakeSql({ name, bare, schema }) : ''}`;
}

/** A name that stands in a statement as it is. */
export function checkedTable(table: string): string {
  if (NAME.test(table)) return table;
  const required = 'a name of lower-case letters, digits and underscores, or schema.name';
  throw fault('OUTBOX_INVALID', { path: 'table', required, got: 'another' });
}

/** The channel of NOTIFY. */
export function channelOf(table: string): string {
  return table.replace('.', '_');
}

function tableSql(name: string, bare: string): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  message text NOT NULL,
  enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at timestamptz,
  position text,
  refused text
);
CREATE INDEX IF NOT EXISTS ${bare}_waiting ON ${name} (sequence) WHERE done_at IS NULL;
CREATE INDEX IF NOT EXISTS ${bare}_done ON ${name} (done_at) WHERE done_at IS NOT NULL;
`;
}

function wakeSql({ name, bare, schema }: { name: string; bare: string; schema: string }): string {
  const wake = `${schema}${bare}_wake`;
  return `CREATE OR REPLACE FUNCTION ${wake}() RETURNS trigger LANGUAGE plpgsql AS $wake$
BEGIN
  PERFORM pg_notify('${channelOf(name)}', '');
  RETURN NULL;
END
$wake$;
CREATE OR REPLACE TRIGGER ${bare}_wake AFTER INSERT ON ${name}
  FOR EACH STATEMENT EXECUTE FUNCTION ${wake}();
`;
}
