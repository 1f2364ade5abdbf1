/** Whether Redis is there, new enough, keeps what it must keep, and has the right time. */
import { Cluster } from 'ioredis';
import { redisConnection } from '../../gateway/invalidation-node.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { Connection } from '../../invalidation/connection.ts';
import { connectRedis, reasonOf, type RedisClient } from '../../invalidation/redis.ts';
import type { ExamineOptions } from './examine.ts';
import { failed, ok, warning, type Finding } from './finding.ts';

const TIMEOUT_MS: Millis = 3_000;
/** XADD with MINID, and the commands of the scripts. */
const VERSION_MIN = [6, 2] as const;
const CLOCK_WARNED_MS: Millis = 1_000;
/** Half of what webhooks and tokens usually tolerate. */
const CLOCK_FAILED_MS: Millis = 60_000;
const USED_WARNED = 0.9;

export async function examineRedis(
  { redis }: FreshetConfig,
  { clock, random }: ExamineOptions,
): Promise<readonly Finding[]> {
  if (redis === undefined) {
    return [warning('redis', 'none: this node is alone, and its log ends with it',
      'Set redis where there are several nodes, processes or services that invalidate.')];
  }
  const options = { name: 'freshet-doctor', commandTimeoutMs: TIMEOUT_MS, random };
  const connect = (): RedisClient => connectRedis(redisConnection(redis), options);
  const connection = new Connection({ connect, clock, random });
  try {
    const client = await connection.ready(TIMEOUT_MS);
    const nodes = client instanceof Cluster ? client.nodes('master') : [client];
    const found = await Promise.all(nodes.map((node) => examineServer(node, clock)));
    return found.flat();
  } catch (error) {
    return [failed('redis', reasonOf(error),
      'Start it, or correct redis in the configuration. Until then only memory is a cache.')];
  } finally {
    connection.close();
  }
}

type Server = Exclude<RedisClient, Cluster>;

async function examineServer(server: Server, clock: Clock): Promise<readonly Finding[]> {
  const { host, port } = server.options;
  const at = `${host ?? 'localhost'}:${port ?? 6379}`;
  const [info, skewMs] = [readInfo(await server.info()), await skewOf(server, clock)];
  return [versionOf(info, at), evictionOf(info, at), clockOf(skewMs, at)];
}

type Info = ReadonlyMap<string, string>;

function readInfo(text: string): Info {
  return new Map(text.split(/\r?\n/).flatMap((line): [string, string][] => {
    const colon = line.indexOf(':');
    return colon < 1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
  }));
}

function versionOf(info: Info, at: string): Finding {
  const text = info.get('redis_version') ?? 'unknown';
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const [leastMajor, leastMinor] = VERSION_MIN;
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor);
  const found = `${at} answers, version ${text}`;
  if (isEnough) return ok('redis', found);
  const required = VERSION_MIN.join('.');
  return failed('redis', found, `Version ${required} or later is required by the log.`);
}

/** The log is a key without an expiry: a policy of `allkeys` may evict it, others never do. */
function evictionOf(info: Info, at: string): Finding {
  const check = 'redis eviction';
  const policy = info.get('maxmemory_policy') ?? 'unknown';
  const maxBytes = Number(info.get('maxmemory') ?? Number.NaN);
  const usedBytes = Number(info.get('used_memory') ?? 0);
  if (Number.isNaN(maxBytes)) {
    return warning(check, `${at} does not tell its maxmemory`,
      'See to it that maxmemory-policy is volatile-lru: others may evict the log.');
  }
  const bounds = `maxmemory ${maxBytes === 0 ? 'none' : mebibytes(maxBytes)}, policy ${policy}`;
  const found = `${at}: ${bounds}, ${mebibytes(usedBytes)} used`;
  if (policy.startsWith('allkeys-')) {
    const advice = 'It may evict the log: every node then forgets its cache, and the audit has a ' +
      'gap. Set maxmemory-policy volatile-lru.';
    return maxBytes === 0 ? warning(check, found, advice) : failed(check, found, advice);
  }
  if (maxBytes === 0) {
    return warning(check, found,
      'It may take all memory of its machine: set maxmemory, and maxmemory-policy volatile-lru.');
  }
  if (policy === 'noeviction') {
    return warning(check, found,
      'Once it is full no invalidation can be appended: set maxmemory-policy volatile-lru.');
  }
  // With a policy that evicts, being full is how a cache works.
  const isNear = policy === 'unknown' && usedBytes > USED_WARNED * maxBytes;
  return isNear ? warning(check, found, 'Give it more memory.') : ok(check, found);
}

/** How far the clock of Redis is ahead of ours, as well as the way there allows to tell. */
async function skewOf(server: Server, clock: Clock): Promise<Millis> {
  const beganAt = clock.wall();
  const [seconds, microseconds] = await server.time();
  const endedAt = clock.wall();
  const theirs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
  return theirs - (beganAt + endedAt) / 2;
}

function clockOf(skewMs: Millis, at: string): Finding {
  const check = 'clock';
  const awayMs = Math.abs(skewMs);
  const found = `${at} is ${Math.round(awayMs)} ms ${skewMs < 0 ? 'behind' : 'ahead of'} this ` +
    'machine';
  const advice = 'Run NTP on both. No freshness depends on it; the times in the audit, tokens, ' +
    'and signatures of webhooks do.';
  if (awayMs >= CLOCK_FAILED_MS) return failed(check, found, advice);
  return awayMs >= CLOCK_WARNED_MS ? warning(check, found, advice) : ok(check, found);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(bytes < 10_485_760 ? 1 : 0)} MiB`;
}
