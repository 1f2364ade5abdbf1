/** Whether the audit can be written, is written, and cannot be changed. */
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { RedisLogArchive } from '../../invalidation/log-redis-archive.ts';
import { loggedMsOf, type Position } from '../../invalidation/position.ts';
import { reasonOf } from '../../invalidation/redis.ts';
import { isAudited } from '../audit/audit.ts';
import { postgresAudit } from '../audit/database-postgres.ts';
import type { AuditQueries } from '../audit/database.ts';
import { overtakingOf } from '../audit/overtaking.ts';
import { SCHEMA_VERSION } from '../audit/schema.ts';
import type { ExamineOptions } from './examine.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

const TIMEOUT_MS: Millis = 5_000;
const VERSION_MIN = 14;
/** Two on each table: on rows and on statements. */
const TRIGGERS = 4;
/** What is unread for so long, nobody is writing. */
const BEHIND_MS: Millis = 60_000;

export async function examineDatabase(
  config: FreshetConfig,
  options: ExamineOptions,
): Promise<readonly Finding[]> {
  const { database, audit: { retentionDays } } = config;
  if (!isAudited(config)) {
    return [warning('audit', 'none', 'Set database to have every invalidation written down.')];
  }
  if (database === undefined) {
    return [warning('audit', 'kept inside the process', 'Set database: it is for one process.')];
  }
  const opened = postgresAudit({
    url: database, connectTimeoutMs: TIMEOUT_MS, searchTimeoutMs: TIMEOUT_MS,
  });
  try {
    const found = [await versionOf(opened.queries)];
    const tables = await tablesOf(opened.queries, retentionDays);
    found.push(...tables.findings);
    if (tables.areThere) found.push(await progressOf(opened.queries, { config, options }));
    return found;
  } catch (error) {
    return [failed('database', reasonOf(error),
      'Start it, or correct database. Nothing is lost while the log reaches back.')];
  } finally {
    await opened.close();
  }
}

async function versionOf(queries: AuditQueries): Promise<Finding> {
  const [row] = await queries.query<{ version: string }>(
    "SELECT current_setting('server_version') AS version");
  const found = `PostgreSQL ${row?.version ?? 'of unknown version'} answers`;
  if (Number.parseInt(row?.version ?? '', 10) >= VERSION_MIN) return ok('database', found);
  return failed('database', found, `Version ${VERSION_MIN} or later is required by the audit.`);
}

async function tablesOf(
  queries: AuditQueries,
  retentionDays: number,
): Promise<{ areThere: boolean; findings: readonly Finding[] }> {
  const [found] = await queries.query<{ present: boolean }>(
    "SELECT to_regclass('freshet_audit.setting') IS NOT NULL AS present");
  if (found?.present !== true) {
    const finding = warning('audit', 'there are no tables yet',
      'The first start makes them, by a role that may create a schema.');
    return { areThere: false, findings: [finding] };
  }
  const [setting] = await queries.query<{ version: number; retention_days: number }>(
    'SELECT version, retention_days FROM freshet_audit.setting');
  const { version = 0, retention_days: keptDays = 0 } = setting ?? {};
  if (version !== SCHEMA_VERSION) {
    const finding = failed('audit', `tables of version ${version}`,
      version > SCHEMA_VERSION ? 'Run a newer gateway.' : 'Start a gateway once as their owner.');
    return { areThere: true, findings: [finding] };
  }
  const tables = keptDays === retentionDays
    ? ok('audit', `tables of version ${version}, kept for ${keptDays} days`)
    : warning('audit', `kept for ${keptDays} days, not audit.retentionDays ${retentionDays}`,
      'Their owner sets that: UPDATE freshet_audit.setting SET retention_days = ...');
  return { areThere: true, findings: [tables, await guardOf(queries), await gapsOf(queries)] };
}

async function guardOf(queries: AuditQueries): Promise<Finding> {
  const [row] = await queries.query<{ enabled: number }>(
    `SELECT count(*)::integer AS enabled FROM pg_trigger
     WHERE tgrelid IN ('freshet_audit.record'::regclass, 'freshet_audit.gap'::regclass)
       AND tgname IN ('refuse_row', 'refuse_statement') AND tgenabled = 'O'`);
  if (row?.enabled === TRIGGERS) return ok('audit guard', 'changes are refused by the database');
  return failed('audit guard', `${row?.enabled ?? 0} of ${TRIGGERS} triggers are in force`,
    'Someone may change records: ALTER TABLE ... ENABLE TRIGGER ALL, and find out who.');
}

async function gapsOf(queries: AuditQueries): Promise<Finding> {
  const [row] = await queries.query<{ gaps: number }>(
    `SELECT count(*)::integer AS gaps FROM freshet_audit.gap
     WHERE recorded_at > now() - interval '7 days'`);
  const gaps = row?.gaps ?? 0;
  if (gaps === 0) return ok('audit gaps', 'none in 7 days');
  return warning('audit gaps', `${gaps} in 7 days`,
    '`freshet audit --since 7d` says where. The log was lost, or forgot before it was read.');
}

async function progressOf(
  queries: AuditQueries,
  { config: { redis, log }, options }: { config: FreshetConfig; options: ExamineOptions },
): Promise<Finding> {
  const check = 'audit progress';
  const [row] = await queries.query<{ position: Position }>(
    'SELECT position FROM freshet_audit.progress');
  if (row === undefined) {
    return warning(check, 'nothing has been read of the log yet', 'Is a node running with it?');
  }
  if (redis === undefined) return ok(check, 'the log is in the process that writes it');
  const archive = new RedisLogArchive({
    redis: redisConnection(redis), stream: log.stream, ...options, commandTimeoutMs: TIMEOUT_MS,
  });
  try {
    const reach = await archive.reach(row.position);
    const overtaking = overtakingOf(row.position, reach, log);
    if (overtaking !== undefined) {
      return failed(check, overtaking, 'Is a node running that may write to the database?');
    }
    const { next, timeMs, unread } = reach;
    if (next === undefined || timeMs - loggedMsOf(next) < BEHIND_MS) {
      return ok(check, 'it has what the log has');
    }
    return warning(check, `${unread} records of the log are not in it yet`,
      'Is a node running with this database?');
  } catch (error) {
    return warning(check, `the log cannot be asked: ${reasonOf(error)}`, 'See redis.');
  } finally {
    archive.close();
  }
}
