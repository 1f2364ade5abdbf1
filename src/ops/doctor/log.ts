/** Whether the log reaches back as far as an entry may be served. */
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { RedisLogArchive, type Reach } from '../../invalidation/log-redis-archive.ts';
import { loggedMsOf, ORIGIN } from '../../invalidation/position.ts';
import type { ExamineOptions } from './examine.ts';
import { ok, warning, type Finding } from './finding.ts';

/** From this share of `log.recordsMax` on, records go because of their number. */
const FULL_SHARE = 0.9;
const COMMAND_TIMEOUT_MS: Millis = 3_000;

export async function examineLog(
  config: FreshetConfig,
  { clock, random }: ExamineOptions,
): Promise<readonly Finding[]> {
  const { redis, log: { retentionMs, recordsMax, stream }, cache } = config;
  const stale = Math.max(cache.maxStaleWhileRevalidateSeconds, cache.maxStaleIfErrorSeconds);
  const servedMs = (cache.maxTtlSeconds + stale) * 1_000;
  // The configuration is refused where it is the other way round.
  const kept = `log.retentionMs is ${hours(retentionMs)}, an entry is served for at most ` +
    hours(servedMs);
  if (redis === undefined) return [ok('log', kept)];
  const connection = redisConnection(redis);
  const archive = new RedisLogArchive({
    redis: connection, stream, clock, random, commandTimeoutMs: COMMAND_TIMEOUT_MS,
  });
  try {
    return [findingOf(await archive.reach(ORIGIN), { kept, servedMs, recordsMax })];
  } catch {
    // That Redis cannot be reached is said by the check of Redis.
    return [ok('log', `${kept}; how much of it there is is not known without Redis`)];
  } finally {
    archive.close();
  }
}

function findingOf(
  { oldest, unread: records, timeMs }: Reach,
  { kept, servedMs, recordsMax }: { kept: string; servedMs: Millis; recordsMax: number },
): Finding {
  if (oldest === undefined) return ok('log', `${kept}; it is empty`);
  const reachMs = Math.max(0, timeMs - loggedMsOf(oldest));
  const found = `${kept}; it holds ${records.toLocaleString('en-US')} records of ${hours(reachMs)}`;
  if (records < FULL_SHARE * recordsMax || reachMs >= servedMs) return ok('log', found);
  return warning('log', found,
    `log.recordsMax (${recordsMax.toLocaleString('en-US')}) cuts it shorter than its time: raise ` +
    'it, or a node that was away for longer than that forgets its cache.');
}

function hours(ms: Millis): string {
  return ms < 3_600_000 ? `${Math.round(ms / 60_000)} min` : `${+(ms / 3_600_000).toFixed(1)} h`;
}
