/** Puts the audit of a node together, as the configuration says. */
import assert from 'node:assert/strict';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { Clock, Random } from '../../invalidation/clock.ts';
import { RedisLogArchive } from '../../invalidation/log-redis-archive.ts';
import { RedisLog } from '../../invalidation/log-redis.ts';
import type { Log } from '../../invalidation/log.ts';
import { ORIGIN } from '../../invalidation/position.ts';
import { searchAudit, type AuditPage, type AuditSearch } from './audit-search.ts';
import { Auditor, type AuditorStats } from './auditor.ts';
import { pgliteAudit } from './database-pglite.ts';
import { postgresAudit } from './database-postgres.ts';
import { watchOvertaking } from './overtaking.ts';

export interface AuditDependencies {
  readonly warn: (text: string) => void;
  /** Told of what is as it was asked for. */
  readonly note: (text: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** The log of the process, where the configuration names no Redis. It is not closed. */
  readonly log: Log | undefined;
}

export interface Audit {
  readonly stats: AuditorStats;
  /** Begins to write, and waits for nothing: neither the database nor Redis has to be there. */
  start(): void;
  /** @throws AUDIT_UNAVAILABLE */
  search(search: AuditSearch): Promise<AuditPage>;
  close(): Promise<void>;
}

/** Whether a node has an audit: where it is asked for, and by itself where there is a database. */
export function isAudited({ audit, database }: FreshetConfig): boolean {
  return audit.enabled ?? database !== undefined;
}

/** Connects to nothing before it is used. */
export function createAudit(config: FreshetConfig, dependencies: AuditDependencies): Audit {
  const { warn, note, clock, random } = dependencies;
  const { retentionDays, directory } = config.audit;
  const database = config.database === undefined
    ? pgliteAudit({ directory })
    : postgresAudit({ url: config.database });
  const { log, archive, close } = logOf(config, dependencies);
  const auditor = new Auditor({
    log, database, retentionDays, warn, clock, random,
    entries: archive && ((end) => archive.entries(end)),
  });
  const stop = new AbortController();
  let watching: Promise<void> | undefined;
  return {
    get stats() {
      return auditor.stats;
    },
    start() {
      if (config.database === undefined && directory === undefined) {
        note('the audit is kept in memory, and ends with this process: set database');
      }
      auditor.start();
      watching = archive && watchOvertaking({
        ...config.log, warn, clock,
        // Where only the database knows, and does not say, the whole log may be waiting for it.
        position: () => auditor.stats.position ?? (auditor.stats.isCutOff ? ORIGIN : undefined),
        reach: (position) => archive.reach(position),
      }, stop.signal);
    },
    search: (search) => searchAudit(database.queries, search),
    async close() {
      stop.abort();
      await auditor.close();
      await close();
      await watching;
      await database.close();
    },
  };
}

interface AuditedLog {
  readonly log: Log;
  readonly archive: RedisLogArchive | undefined;
  readonly close: () => Promise<void>;
}

function logOf(
  { redis, log: options }: FreshetConfig,
  { log, clock, random }: AuditDependencies,
): AuditedLog {
  if (log !== undefined || redis === undefined) {
    assert(log !== undefined, 'an audit has a log to follow');
    return { log, archive: undefined, close: async () => undefined };
  }
  const shared = { redis: redisConnection(redis), stream: options.stream, clock, random };
  const redisLog = new RedisLog({ ...options, ...shared });
  const archive = new RedisLogArchive(shared);
  return {
    log: redisLog,
    archive,
    async close() {
      archive.close();
      await redisLog.close();
    },
  };
}
