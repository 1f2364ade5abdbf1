/**
 * How far somebody who reads the log is behind it, and how much of what the log keeps that is: at 1
 * the log begins to forget what has not been read.
 */
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';
import { RedisLogArchive, type Reach } from '../../invalidation/log-redis-archive.ts';
import { loggedMsOf, type Position } from '../../invalidation/position.ts';
import { within } from '../../invalidation/within.ts';

export interface Lag {
  readonly records: number;
  readonly retentionUsedRatio: number;
}

export interface LagReader {
  /** Undefined where the log cannot be asked. It never rejects. */
  lagOf(position: Position): Promise<Lag | undefined>;
  close(): void;
}

type Retention = FreshetConfig['log'];

/** Who asks other processes waits a second for them, so each is done before: also without Redis. */
const REACH_MS_MAX: Millis = 500;

/** Connects when it is asked first. A log in the process is read as it is written. */
export function lagReader(
  config: Pick<FreshetConfig, 'redis' | 'log'>,
  { clock, random, isLogOwn }: { clock: Clock; random: Random; isLogOwn: boolean },
): LagReader {
  const { redis, log } = config;
  if (redis === undefined || isLogOwn) return { lagOf: async () => NO_LAG, close: () => undefined };
  let archive: RedisLogArchive | undefined;
  const opened = (): RedisLogArchive => (archive ??= new RedisLogArchive({
    redis: redisConnection(redis), stream: log.stream, clock, random,
  }));
  return {
    async lagOf(position) {
      const asked = opened().reach(position);
      const reach = await within(asked, { timeoutMs: REACH_MS_MAX, clock }).catch(() => undefined);
      return reach && lagIn(reach, log);
    },
    close: () => archive?.close(),
  };
}

const NO_LAG: Lag = { records: 0, retentionUsedRatio: 0 };

function lagIn(
  { timeMs, next, unread }: Reach,
  { retentionMs, recordsMax }: Pick<Retention, 'retentionMs' | 'recordsMax'>,
): Lag {
  if (next === undefined) return NO_LAG;
  const ageMs = Math.max(0, timeMs - loggedMsOf(next));
  return {
    records: unread,
    retentionUsedRatio: Math.max(ageMs / retentionMs, unread / recordsMax),
  };
}
