/**
 * What Redis itself does for `RedisStore`. A stored value is the time by Redis' own clock as of
 * which its age is told, 16 digits of milliseconds, and the bytes of the entry. Whoever reads it is
 * told the time by the same clock, so that clocks of different machines are never compared.
 *
 * On a Cluster each call names one key; otherwise a read names many, which costs a quarter of what
 * as many calls do. Nothing is used that Redis 6.2 has not.
 */
import assert from 'node:assert/strict';
import type { Cluster, Redis } from 'ioredis';
import type { Millis } from '../invalidation/clock.ts';

export const CLOCK_DIGITS = 16;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * ARGV: the most bytes that a value may have, then for each key how many fields of it are asked for
 * and those, or 0 for a plain key. Answers the time, and for each key the values, nil for what is
 * not there or longer; or nil for a key of another type, which is somebody else's.
 */
const READ = `${NOW}
local reply = { string.format('%0${CLOCK_DIGITS}.0f', now) }
local at = 2
for index, key in ipairs(KEYS) do
  local count = tonumber(ARGV[at])
  local values
  if count == 0 then
    values = redis.pcall('GET', key)
    if type(values) ~= 'table' then values = { values } end
  else
    values = redis.pcall('HMGET', key, unpack(ARGV, at + 1, at + count))
  end
  if values.err then
    values = false
  else
    for place, value in ipairs(values) do
      if value and #value > tonumber(ARGV[1]) then values[place] = false end
    end
  end
  reply[index + 1] = values
  at = at + 1 + count
end
return reply
`;

/**
 * ARGV: the entry, how long it is kept, the field or '' for a plain key, the most fields of a hash,
 * the time after which it is too late to write it, and the time as of which its age is told. A hash
 * lives as long as its longest-lived field; one that is full is dropped first.
 */
const WRITE = `${NOW}
if now > tonumber(ARGV[5]) then return 0 end
local value = string.format('%0${CLOCK_DIGITS}.0f', math.min(now, tonumber(ARGV[6]))) .. ARGV[1]
if ARGV[3] == '' then
  redis.call('SET', KEYS[1], value, 'PX', ARGV[2])
  return 1
end
local full = redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4])
if full and redis.call('HEXISTS', KEYS[1], ARGV[3]) == 0 then
  redis.call('UNLINK', KEYS[1])
end
redis.call('HSET', KEYS[1], ARGV[3], value)
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 1
`;

/** What reads are called at the client, which has to send each of them at once. */
export const READ_COMMANDS = ['freshetReadOne', 'freshetReadMany'] as const;

export type HomeValues = readonly (Buffer | null)[] | null;
export type ReadReply = readonly [now: Buffer, ...homes: readonly HomeValues[]];

/** Of one Redis key: some fields of a hash, or, where there are none, the whole of a plain key. */
export interface KeyRead {
  readonly name: string;
  readonly fields: readonly string[];
}

interface Scripts {
  freshetReadOneBuffer(key: string, ...values: readonly (string | number)[]): Promise<ReadReply>;
  freshetReadManyBuffer(...values: readonly (string | number)[]): Promise<ReadReply>;
  freshetWrite(key: string, ...values: readonly (Buffer | string | number)[]): Promise<number>;
}

export interface WriteArguments {
  readonly name: string;
  /** Absent for a plain key. */
  readonly field: string | undefined;
  readonly bytes: Buffer;
  readonly lifeMs: Millis;
  readonly fieldsMax: number;
  /** By the clock of the key's Redis, as the next one. */
  readonly notAfter: Millis;
  /** When the bytes were made: they tell an age. */
  readonly asOf: Millis;
}

/** The scripts, as a client sends them: whole once a connection, then by their hash. */
export class RedisScripts {
  readonly #redis: (Redis | Cluster) & Scripts;
  /** How many keys one call may name. More at once would hold Redis up for others. */
  readonly keysMax: number;

  constructor(redis: Redis | Cluster) {
    redis.defineCommand('freshetReadOne', { lua: READ, numberOfKeys: 1 });
    redis.defineCommand('freshetReadMany', { lua: READ });
    redis.defineCommand('freshetWrite', { lua: WRITE, numberOfKeys: 1 });
    this.#redis = redis as (Redis | Cluster) & Scripts;
    this.keysMax = redis.isCluster ? 1 : 64;
  }

  /** Values of more than `bytesMax` are not fetched. */
  read(keys: readonly KeyRead[], bytesMax: number): Promise<ReadReply> {
    assert(keys.length >= 1 && keys.length <= this.keysMax, 'a call names as many keys as it may');
    const names = keys.map(({ name }) => name);
    const fields: (string | number)[] = [];
    for (const key of keys) fields.push(key.fields.length, ...key.fields);
    const [name] = names;
    // On a Cluster the client must see which argument is the key.
    if (names.length === 1 && name !== undefined) {
      return this.#redis.freshetReadOneBuffer(name, bytesMax, ...fields);
    }
    return this.#redis.freshetReadManyBuffer(names.length, ...names, bytesMax, ...fields);
  }

  /** False where Redis found that it was too late. */
  async write({ name, field = '', bytes, ...limits }: WriteArguments): Promise<boolean> {
    const { lifeMs, fieldsMax, notAfter, asOf } = limits;
    const values = [bytes, lifeMs, field, fieldsMax, notAfter, asOf];
    return (await this.#redis.freshetWrite(name, ...values)) === 1;
  }
}
