/**
 * Searches in the audit. It promises: the newest first, never more than was asked for, and no
 * search that holds the database for longer than its bound.
 */
import assert from 'node:assert/strict';
import { fault, FreshetError } from '../../invalidation/errors.ts';
import { formatPosition, positionOf, type Position } from '../../invalidation/position.ts';
import { reasonOf } from '../../invalidation/redis.ts';
import type { AuditFacts } from './audit-row.ts';
import type { AuditQueries } from './database.ts';

export interface AuditSearch {
  readonly limit: number;
  readonly offset: number;
  /** A key, or a pattern that was invalidated; `*` stands for any text. */
  readonly pattern?: string | undefined;
  readonly triggeredBy?: string | undefined;
  /** Milliseconds since the Unix epoch, by the clock of the log: from here on. */
  readonly sinceMs?: number | undefined;
  /** Before here. */
  readonly untilMs?: number | undefined;
}

/** One record, as JSON names it. Times are RFC 3339. */
export interface AuditLog extends AuditFacts {
  readonly position: string;
  /** In the message, as its sender wrote it. */
  readonly timestamp: string;
  /** When the log took it. */
  readonly logged_at: string;
  /** When the audit took it. */
  readonly recorded_at: string;
}

/** Records after `from`, and up to `to`, are not here: the log had lost them. */
export interface AuditGap {
  readonly from: string;
  readonly to: string;
  readonly recorded_at: string;
}

export interface AuditPage {
  readonly logs: readonly AuditLog[];
  readonly total_count: number;
  readonly has_more: boolean;
  /** In the same time, whatever else was searched for; the latest 100. */
  readonly gaps: readonly AuditGap[];
}

const time = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`;

const COLUMNS = `position, message_id, action, entity_type, entity_id, pattern, keys, cascade,
  created, soft, source_service, actor, reason, request_id, triggered_by, sent_at AS timestamp,
  ${time('logged_at')}, ${time('recorded_at')}, latency_ms::double precision AS latency_ms`;

/** What a record is about: its entity, its pattern, each of its keys, and what it takes along. */
const FOUND = `position >= $1 AND position < $2
  AND ($3::text IS NULL OR triggered_by = $3)
  AND ($4::text IS NULL OR pattern LIKE $4 OR lower(entity_type) || ':' || entity_id LIKE $4
    OR EXISTS (SELECT 1 FROM unnest(keys || cascade) AS key WHERE key LIKE $4))`;

const PAGE = `SELECT ${COLUMNS} FROM freshet_audit.record WHERE ${FOUND}
  ORDER BY position DESC LIMIT $5 OFFSET $6`;
const COUNT = `SELECT count(*) FROM freshet_audit.record WHERE ${FOUND}`;
const GAPS = `SELECT from_position, to_position, ${time('recorded_at')} FROM freshet_audit.gap
  WHERE to_position >= $1 AND from_position < $2 ORDER BY to_position DESC LIMIT 100`;

/** In one statement, so that all of it is of one moment. */
const SEARCH = `SELECT (${COUNT})::double precision AS count,
  coalesce((SELECT json_agg(page) FROM (${PAGE}) AS page), '[]') AS logs,
  coalesce((SELECT json_agg(gap) FROM (${GAPS}) AS gap), '[]') AS gaps`;

interface Found {
  readonly count: number;
  readonly logs: readonly (AuditLog & { readonly position: Position })[];
  readonly gaps: readonly GapRow[];
}

/** @throws AUDIT_UNAVAILABLE */
export async function searchAudit(
  database: AuditQueries,
  search: AuditSearch,
): Promise<AuditPage> {
  const { limit, offset, pattern, triggeredBy, sinceMs = 0, untilMs } = search;
  const from = positionOf(Math.max(0, Math.ceil(sinceMs)), 0);
  const to = untilMs === undefined ? BEYOND_ALL : positionOf(Math.max(0, Math.ceil(untilMs)), 0);
  const like = pattern === undefined ? null : likeOf(pattern);
  const filter = [from, to, triggeredBy ?? null, like];
  try {
    const [found] = await database.query<Found>(SEARCH, [...filter, limit + 1, offset]);
    assert(found !== undefined, 'a statement without FROM has one row');
    const { count, logs, gaps } = found;
    return {
      logs: logs.slice(0, limit)
        .map((row) => ({ ...row, position: formatPosition(row.position) })),
      total_count: count,
      has_more: logs.length > limit,
      gaps: gaps.map(gapOf),
    };
  } catch (error) {
    if (error instanceof FreshetError) throw error;
    throw fault('AUDIT_UNAVAILABLE', { reason: reasonOf(error) });
  }
}

interface GapRow {
  readonly from_position: Position;
  readonly to_position: Position;
  readonly recorded_at: string;
}

/** Text that is greater than that of every position. */
const BEYOND_ALL = ':';

function gapOf({ from_position, to_position, recorded_at }: GapRow): AuditGap {
  return {
    from: formatPosition(from_position), to: formatPosition(to_position), recorded_at,
  };
}

/** As LIKE has it: only `*` stands for anything. */
function likeOf(pattern: string): string {
  return pattern.replaceAll(/[\\%_]/g, '\\$&').replaceAll('*', '%');
}
