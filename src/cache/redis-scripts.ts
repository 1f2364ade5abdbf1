/**
 * What Redis itself does for `RedisStore`. A stored value is the time by Redis' own clock at which
 * it was written, 16 digits of milliseconds, and the bytes of the entry. Whoever reads it is told
 * the time by the same clock, so that clocks of different machines are never compared.
 *
 * Each script touches one key, as a Cluster requires, and does nothing that Redis 6.2 cannot.
 */
import type { Cluster, Redis } from 'ioredis';

export const CLOCK_DIGITS = 16;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * ARGV: the most bytes that a value may have, then the fields of a hash, or none for a plain key.
 * Answers the time and a value, or nil, for each field. A foreign value is not shipped if too long.
 */
const READ = `${NOW}
local values
if #ARGV == 1 then
  values = { redis.call('GET', KEYS[1]) }
else
  values = redis.call('HMGET', KEYS[1], unpack(ARGV, 2))
end
for index, value in ipairs(values) do
  if value and #value > tonumber(ARGV[1]) then values[index] = false end
end
return { string.format('%0${CLOCK_DIGITS}.0f', now), values }
`;

/**
 * ARGV: the entry, how long it is kept, the field or '' for a plain key, the most fields of a hash,
 * and the time after which it is too late to write it. A hash lives as long as its longest-lived
 * field; one that is full is dropped first.
 */
const WRITE = `${NOW}
if now > tonumber(ARGV[5]) then return 0 end
local value = string.format('%0${CLOCK_DIGITS}.0f', now) .. ARGV[1]
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

export type ReadReply = readonly [now: Buffer, values: readonly (Buffer | null)[]];

export interface Scripts {
  freshetCacheReadBuffer(
    key: string,
    valueBytesMax: number,
    ...fields: readonly string[]
  ): Promise<ReadReply>;
  freshetCacheWrite(key: string, ...values: readonly (Buffer | string | number)[]): Promise<number>;
}

/** Teaches the scripts to the client: sent once a connection, then named by their hash. */
export function withScripts<Client extends Redis | Cluster>(redis: Client): Client & Scripts {
  redis.defineCommand('freshetCacheRead', { lua: READ, numberOfKeys: 1 });
  redis.defineCommand('freshetCacheWrite', { lua: WRITE, numberOfKeys: 1 });
  return redis as Client & Scripts;
}
