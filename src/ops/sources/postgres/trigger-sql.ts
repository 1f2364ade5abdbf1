/**
 * Statements that make PostgreSQL itself write into the outbox what a change of a table makes
 * stale, in the transaction that makes the change. PostgreSQL 14 or later.
 *
 * They promise: inserted, updated (by its old key and by its new one), deleted and truncated rows
 * are told of if the transaction commits, whoever made the change, and nothing else is; running
 * them again changes nothing; who writes to the table needs no rights on the outbox; and a
 * statement that touches very many rows leaves one message for the whole type.
 *
 * A trigger runs once for a statement, with all rows that it touched. Of a table with partitions a
 * statement fires the triggers of the table that it names: who writes to partitions by their own
 * names lists them as well.
 */
import { createHash } from 'node:crypto';
import { fault } from '../../../invalidation/errors.ts';
import { entityTypeOf } from '../../../invalidation/message.ts';
import { outboxSql } from '../../../invalidation/postgres/table.ts';
import { collectionTag } from '../../../invalidation/tag.ts';
import {
  byTable, patternOfType, quotedName, quotedTable, quotedText,
  type TableMapping, type TableName,
} from './table-mapping.ts';

export interface TriggerSqlOptions {
  readonly mappings: readonly TableMapping[];
  /** The outbox's table, made where it is not there yet. Default `freshet_outbox`. */
  readonly outbox?: string;
  /** The `source_service` of the messages. Default `postgres`. */
  readonly source?: string;
  /** A statement that touches more rows purges all of the type. Default 50,000. */
  readonly rowsMax?: number;
}

interface Script {
  /** With its schema: the functions look nothing up by a search path. */
  readonly outbox: string;
  readonly source: string;
  readonly rowsMax: number;
}

/** Keys in one message, by the bytes that they take: far below what its readers allow. */
const MESSAGE_BYTES = 100_000;
const KEY_BYTES = 100;

/** PostgreSQL cuts names at 63 bytes. */
const NAME_BYTES_MAX = 63;

/** Throws `SOURCE_INVALID` where there are no tables, `OUTBOX_INVALID` for a name that is none. */
export function triggerSql(options: TriggerSqlOptions): string {
  const { mappings, outbox = 'freshet_outbox', source = 'postgres', rowsMax = 50_000 } = options;
  requireSome(mappings);
  const script: Script = { outbox: qualified(outbox), source, rowsMax };
  return [
    'SET search_path TO public;',
    outboxSql({ table: outbox }).trimEnd(),
    segmentSql(script),
    '-- A column that is not there is a fault now, and not when the table is written to.',
    ...mappings.map(({ table, columns }) =>
      `SELECT ${columns.map(quotedName).join(', ')} FROM ${quotedTable(table)} LIMIT 0;`),
    ...byTable(mappings).flatMap(([table, its]) => [
      functionSql(script, table, its), ...EVENTS.map((event) => createSql(table, event)),
    ]),
    'RESET search_path;',
    '',
  ].join('\n');
}

/**
 * What takes the triggers away again. The outbox stays: others may write to it.
 * Throws `SOURCE_INVALID` where there are no tables.
 */
export function removeTriggerSql({ mappings }: Pick<TriggerSqlOptions, 'mappings'>): string {
  requireSome(mappings);
  return byTable(mappings).flatMap(([table]) => [
    ...EVENTS.map(({ name }) =>
      `DROP TRIGGER IF EXISTS ${name} ON ${quotedTable(table)};`),
    `DROP FUNCTION IF EXISTS ${functionName(table)}();`,
  ]).join('\n').concat('\n');
}

function requireSome(mappings: readonly TableMapping[]): void {
  if (mappings.length > 0) return;
  throw fault('SOURCE_INVALID', { path: 'table', required: 'at least one', got: 'none' });
}

interface Event {
  readonly name: string;
  readonly event: string;
  readonly rows: string;
}

const EVENTS: readonly Event[] = [
  {
    name: 'freshet_insert', event: 'INSERT',
    rows: ' REFERENCING NEW TABLE AS freshet_new',
  },
  {
    name: 'freshet_update', event: 'UPDATE',
    rows: ' REFERENCING OLD TABLE AS freshet_old NEW TABLE AS freshet_new',
  },
  {
    name: 'freshet_delete', event: 'DELETE',
    rows: ' REFERENCING OLD TABLE AS freshet_old',
  },
  { name: 'freshet_truncate', event: 'TRUNCATE', rows: '' },
];

function createSql(table: TableName, { name, event, rows }: Event): string {
  return `CREATE OR REPLACE TRIGGER ${name} AFTER ${event} ON ${quotedTable(table)}${rows}
  FOR EACH STATEMENT EXECUTE FUNCTION ${functionName(table)}();`;
}

function functionName({ schema, name }: TableName): string {
  const plain = `freshet_${name}_changed`;
  const isShort = Buffer.byteLength(plain) <= NAME_BYTES_MAX;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${quotedName(schema)}.${quotedName(isShort ? plain : `freshet_${hash}_changed`)}`;
}

/** It has the rights of whoever made it, so it looks into no schema that others may write to. */
function functionSql(script: Script, table: TableName, its: readonly TableMapping[]): string {
  const noted = (rows: readonly string[], isNew: boolean): string =>
    its.map((mapping) => noteSql(script, { mapping, rows, isNew })).join('\n');
  return `CREATE OR REPLACE FUNCTION ${functionName(table)}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $freshet$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
${its.map(({ type }) => wholeTypeSql(script, type)).join('\n')}
  ELSIF TG_OP = 'INSERT' THEN
${noted(['freshet_new'], true)}
  ELSIF TG_OP = 'UPDATE' THEN
${noted(['freshet_old', 'freshet_new'], false)}
  ELSE
${noted(['freshet_old'], false)}
  END IF;
  RETURN NULL;
END
$freshet$;`;
}

interface Noted {
  readonly mapping: TableMapping;
  /** The tables that hold the rows: before the statement, and after it. */
  readonly rows: readonly string[];
  readonly isNew: boolean;
}

function noteSql(script: Script, { mapping, rows, isNew }: Noted): string {
  const [counted = ''] = rows;
  const { rowsMax, outbox } = script;
  const selects = rows.map((from) => keySql(script, mapping, from));
  if (isNew && !mapping.isPart) selects.push(`SELECT ${quotedText(collectionTag(mapping.type))}`);
  return `    IF EXISTS (SELECT FROM ${counted} OFFSET ${rowsMax}) THEN
${wholeTypeSql(script, mapping.type)}
    ELSIF EXISTS (SELECT FROM ${counted}) THEN
      INSERT INTO ${outbox} (message)
      SELECT ${batchSql(script)}
      FROM (
        SELECT key, sum(octet_length(key) + ${KEY_BYTES}) OVER (ORDER BY key COLLATE "C")
          / ${MESSAGE_BYTES} AS part
        FROM (
          ${selects.join('\n          UNION ')}
        ) AS keys (key)
      ) AS parts GROUP BY part;
    END IF;`;
}

/** A key that is null in part is none: no entity is known by it. */
function keySql({ outbox }: Script, { type, columns }: TableMapping, from: string): string {
  const names = columns.map(quotedName);
  const segments = names.map((name) => `${outbox}_segment(${name}::text)`).join(" || ':' || ");
  const present = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  return `SELECT ${quotedText(`${collectionTag(type)}:`)} || ${segments} FROM ${from}
            WHERE ${present}`;
}

function batchSql(script: Script): string {
  return messageSql(script, {
    type: 'batch', action: 'Batch', keys: 'json_agg(key)', pattern: 'NULL', metadata: 'NULL',
  });
}

function wholeTypeSql(script: Script, type: string): string {
  const { pattern, cascade } = patternOfType(type);
  const text = messageSql(script, {
    type: 'pattern', action: 'Pattern', keys: 'NULL', pattern: quotedText(pattern),
    metadata: `${quotedText(JSON.stringify({ cascade }))}::json`,
  });
  return `      INSERT INTO ${script.outbox} (message) VALUES (${text});`;
}

interface MessageSql {
  readonly type: string;
  readonly action: string;
  readonly keys: string;
  readonly pattern: string;
  readonly metadata: string;
}

/** All nine fields, as whoever reads the channel expects them. */
function messageSql({ source }: Script, message: MessageSql): string {
  const type = `${quotedText(JSON.stringify(entityTypeOf(message.type)))}::json`;
  return `json_build_object(
        'message_id', gen_random_uuid(), 'entity_type', ${type}, 'entity_id', NULL,
        'pattern', ${message.pattern}, 'entity_ids', ${message.keys},
        'action', ${quotedText(message.action)},
        'timestamp', to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'source_service', ${quotedText(source)}, 'metadata', ${message.metadata})::text`;
}

/** `escapeSegment` of tag.ts, in the server's language; the tests hold one against the other. */
function segmentSql({ outbox }: Script): string {
  const blank = String.raw`\u0001-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f`;
  const unsafe = String.raw`[%:*${blank}\u3000\ufeff]`;
  return `CREATE OR REPLACE FUNCTION ${outbox}_segment(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $freshet$
DECLARE
  escaped text := value;
BEGIN
  IF length(value) <= 2048 AND value ~ '^[!-$&-)+-9;-~]+$' THEN
    RETURN value;
  END IF;
  IF value = '' THEN
    RETURN '%-';
  END IF;
  IF value ~ '${unsafe}' THEN
    SELECT string_agg(CASE WHEN letter ~ '${unsafe}' THEN
        regexp_replace(upper(encode(convert_to(letter, 'UTF8'), 'hex')), '(..)', '%\\1', 'g')
      ELSE letter END, '' ORDER BY place)
    INTO escaped FROM regexp_split_to_table(value, '') WITH ORDINALITY AS letters (letter, place);
  END IF;
  -- Lengths are of UTF-16, in which what is beyond the basic plane takes two.
  IF length(escaped) > 2048 OR length(escaped) > 1024 AND octet_length(escaped) > length(escaped)
    AND length(escaped) + length(regexp_replace(escaped, '[\\u0001-\\uffff]', '', 'g')) > 2048
  THEN
    RETURN '%h' || encode(sha256(convert_to(escaped, 'UTF8')), 'hex');
  END IF;
  RETURN escaped;
END
$freshet$;`;
}

function qualified(outbox: string): string {
  return outbox.includes('.') ? outbox : `public.${outbox}`;
}
