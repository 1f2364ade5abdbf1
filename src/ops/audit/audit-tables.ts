/**
 * The audit as its writer sees it: what is written, how far, and which days there are. It promises:
 * a record is written once, however often it is given; the place moves on with the records before
 * it or not at all; and nothing is ever changed.
 */
import type { LogRecord } from '../../invalidation/log.ts';
import { loggedMsOf, type Position } from '../../invalidation/position.ts';
import { fault } from '../../invalidation/errors.ts';
import { rowOf } from './audit-row.ts';
import type { AuditSession } from './database.ts';
import { AUDIT_SQL, SCHEMA_VERSION } from './schema.ts';

/** Records in one statement, and their JSON: a message may hold a megabyte. */
const STATEMENT_RECORDS = 1_000;
const STATEMENT_CHARACTERS = 4 * 2 ** 20;
const DAY_MS = 86_400_000;

const COLUMNS = `position, message_id, action, entity_type, entity_id, pattern, keys, cascade,
  created, soft, source_service, actor, reason, request_id, triggered_by, sent_at, latency_ms`;

/** Several that write the same at once do no harm: who comes second writes nothing. */
const WRITE = `
WITH added AS (
  INSERT INTO freshet_audit.record (${COLUMNS}, logged_at)
  SELECT ${COLUMNS}, to_timestamp(logged_ms / 1000.0) FROM jsonb_to_recordset($1::jsonb) AS given (
    position text, message_id text, action text, entity_type text, entity_id text, pattern text,
    keys text[], cascade text[], created boolean, soft boolean, source_service text, actor text,
    reason text, request_id text, triggered_by text, sent_at text, logged_ms bigint,
    latency_ms bigint)
  ON CONFLICT DO NOTHING RETURNING 1
), moved AS (
  INSERT INTO freshet_audit.progress (id, position) SELECT 1, $2::text WHERE $2 IS NOT NULL
  ON CONFLICT (id) DO UPDATE SET position = excluded.position
)
SELECT count(*)::integer AS added FROM added`;

export class AuditTables {
  readonly #session: AuditSession;
  /** Days of which there is a partition. */
  readonly #days = new Set<number>();

  constructor(session: AuditSession) {
    this.#session = session;
  }

  /**
   * Makes the tables where they are not there yet, which asks for a role that may. Resolves to how
   * many days are kept: as told, where this role may say so.
   */
  async setUp(retentionDays: number): Promise<number> {
    const [found] = await this.#session.query<{ present: boolean }>(
      "SELECT to_regclass('freshet_audit.setting') IS NOT NULL AS present");
    if (found?.present !== true || await this.#version() < SCHEMA_VERSION) {
      await this.#session.run(AUDIT_SQL);
    }
    const version = await this.#version();
    if (version > SCHEMA_VERSION) {
      throw fault('AUDIT_SCHEMA_UNKNOWN', { required: SCHEMA_VERSION, got: version });
    }
    await this.#session.query(
      `UPDATE freshet_audit.setting SET retention_days = $1
       WHERE retention_days <> $1`, [retentionDays],
    ).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    });
    const [setting] = await this.#session.query<{ retention_days: number }>(
      'SELECT retention_days FROM freshet_audit.setting');
    return setting?.retention_days ?? retentionDays;
  }

  /** Up to where the log has been read; undefined where nobody has begun. */
  async position(): Promise<Position | undefined> {
    const [row] = await this.#session.query<{ position: Position }>(
      'SELECT position FROM freshet_audit.progress');
    return row?.position;
  }

  /** Resolves to how many were not there yet. With `moving` the place moves on to the last. */
  async write(
    records: readonly LogRecord[],
    { moving = true }: { moving?: boolean } = {},
  ): Promise<number> {
    let added = 0;
    let rows: string[] = [];
    let characters = 0;
    let last: LogRecord | undefined;
    const flush = async (): Promise<void> => {
      if (last === undefined) return;
      const values = [`[${rows.join(',')}]`, moving ? last.position : null];
      const [answer] = await this.#session.query<{ added: number }>(WRITE, values);
      added += answer?.added ?? 0;
      rows = [];
      characters = 0;
    };
    await this.#addDays(records);
    for (const record of records) {
      const row = JSON.stringify(rowOf(record));
      if (rows.length >= STATEMENT_RECORDS || characters + row.length > STATEMENT_CHARACTERS) {
        await flush();
      }
      rows.push(row);
      characters += row.length;
      last = record;
    }
    await flush();
    return added;
  }

  /** All up to `position` has been read. */
  async move(position: Position): Promise<void> {
    await this.#session.query(WRITE, ['[]', position]);
  }

  /**
   * Says that records after `from` and up to `to` are not here, because the log lost them. Resolves
   * to whether that is new.
   */
  async writeGap(from: Position, to: Position): Promise<boolean> {
    await this.#add([dayOf(to)]);
    const added = await this.#session.query(
      `INSERT INTO freshet_audit.gap (from_position, to_position) VALUES ($1, $2)
       ON CONFLICT DO NOTHING RETURNING 1`, [from, to]);
    return added.length > 0;
  }

  /** Makes today and the days to come, and drops what is past its time. */
  async turnDays(): Promise<void> {
    await this.#session.query(
      `SELECT freshet_audit.add_days(array_agg(day)) FROM
         (SELECT floor(extract(epoch FROM now()) / 86400)::bigint + ahead AS day
          FROM generate_series(0, 2) AS ahead) AS days`);
    await this.#session.query('SELECT freshet_audit.drop_expired()');
    // One that was dropped has to be made again where a record of that day comes late.
    this.#days.clear();
  }

  /** Rejects where the session has failed. */
  async check(): Promise<void> {
    await this.#session.query('SELECT 1');
  }

  async #version(): Promise<number> {
    const [row] = await this.#session.query<{ version: number }>(
      'SELECT version FROM freshet_audit.setting');
    return row?.version ?? 0;
  }

  async #addDays(records: readonly LogRecord[]): Promise<void> {
    const days = new Set(records.map(({ position }) => dayOf(position)));
    await this.#add([...days].filter((day) => !this.#days.has(day)));
  }

  async #add(days: readonly number[]): Promise<void> {
    if (days.length === 0) return;
    await this.#session.query('SELECT freshet_audit.add_days($1::bigint[])', [days]);
    for (const day of days) this.#days.add(day);
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

function dayOf(position: Position): number {
  return Math.floor(loggedMsOf(position) / DAY_MS);
}
