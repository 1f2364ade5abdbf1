/**
 * Where nodes tell of themselves: two keys in Redis, a hash of what each tells and a sorted set of
 * when it did, by the clock of Redis. What has not told anything for a while is taken down.
 *
 * It promises: no more than so many nodes stand on it, each call is one round trip of bounded
 * length, and Redis slow or away costs nobody more than the wait.
 */
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';
import { Connection } from '../../invalidation/connection.ts';
import { connectRedis, type RedisOptions } from '../../invalidation/redis.ts';
import { within } from '../../invalidation/within.ts';
import { readAnnouncement, writeAnnouncement, type Announcement } from './announcement.ts';

export interface NoticeBoardOptions {
  readonly redis: RedisOptions;
  readonly clock: Clock;
  readonly random: Random;
  /** Before the names of its keys. */
  readonly prefix: string;
  /** How long Redis is waited for. Default 500 ms. */
  readonly timeoutMs?: Millis;
  /** A node that has told nothing for so long is gone. Default 15,000 ms. */
  readonly keptMs?: Millis;
}

export interface Notice {
  readonly id: string;
  readonly told: Announcement;
  readonly ageMs: Millis;
}

export const NODES_MAX = 1_000;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: the set, the hash. ARGV: the id, what it tells, how long it is kept, the most nodes. */
const TELL = `${NOW}
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3], 'LIMIT', 0, 100)
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
local isKnown = redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1
if not isKnown and redis.call('HLEN', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
`;

/** KEYS: likewise. ARGV: how long it is kept. Answers id, age and what it tells, one by one. */
const READ = `${NOW}
local seen = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. (now - ARGV[1]), '+inf', 'WITHSCORES')
local reply = {}
for at = 1, #seen, 2 do
  local told = redis.call('HGET', KEYS[2], seen[at])
  if told then
    reply[#reply + 1] = seen[at]
    reply[#reply + 1] = tostring(now - seen[at + 1])
    reply[#reply + 1] = told
  end
end
return reply
`;

/** KEYS: likewise. ARGV: the id. */
const LEAVE = `
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('HDEL', KEYS[2], ARGV[1])
`;

export class NoticeBoard {
  readonly #options: NoticeBoardOptions;
  readonly #keys: readonly string[];
  readonly #keptMs: Millis;
  readonly #connection: Connection;

  /** Connects to nothing before it is used. */
  constructor(options: NoticeBoardOptions) {
    const { prefix, redis, clock, random, keptMs = 15_000 } = options;
    const connect = () => connectRedis(redis, { name: 'freshet-nodes', random });
    this.#options = options;
    this.#connection = new Connection({ connect, clock, random });
    // The braces keep both in one slot of a Cluster.
    this.#keys = [`${prefix}freshet:{nodes}:seen`, `${prefix}freshet:{nodes}:told`];
    this.#keptMs = keptMs;
  }

  /** False where it could not be written: the next time may do. Never rejects. */
  async tell(id: string, told: Announcement): Promise<boolean> {
    const args = [id, writeAnnouncement(told), String(this.#keptMs), String(NODES_MAX)];
    return await this.#run(TELL, args).catch(() => 0) === 1;
  }

  /** Undefined where Redis does not answer. */
  async read(): Promise<readonly Notice[] | undefined> {
    const reply = await this.#run(READ, [String(this.#keptMs)]).catch(() => undefined);
    if (!Array.isArray(reply)) return undefined;
    const texts = reply.map(String);
    const notices: Notice[] = [];
    for (let at = 0; at + 2 < texts.length && notices.length < NODES_MAX; at += 3) {
      const [id = '', ageMs = '', json = ''] = texts.slice(at, at + 3);
      const told = readAnnouncement(json);
      if (told !== undefined) notices.push({ id, told, ageMs: Math.max(0, Number(ageMs)) });
    }
    return notices;
  }

  /** Ends the connection. What `id` told is taken down before, if Redis answers in time. */
  async close(id?: string): Promise<void> {
    if (id !== undefined) await this.#run(LEAVE, [id]).catch(() => undefined);
    this.#connection.close();
  }

  async #run(lua: string, args: readonly string[]): Promise<unknown> {
    const { clock, timeoutMs = 500 } = this.#options;
    const client = await this.#connection.ready(timeoutMs);
    const asked = client.call('eval', lua, this.#keys.length, ...this.#keys, ...args);
    return within(asked, { timeoutMs, clock });
  }
}
