/**
 * What the log does inside Redis, each in one atomic step. Redis 6.2 or later; each script touches
 * keys of one slot only, so a Cluster runs them as well.
 */
import { createHash } from 'node:crypto';
import type { RedisClient } from './redis.ts';

export interface Script {
  readonly lua: string;
  readonly sha: string;
  readonly keys: number;
}

/**
 * `tail` gives the last ID that the Stream ever gave out, and the ID and the message ID of its last
 * entry. The two IDs differ where the last entry was deleted. `link` names the place in the form
 * that the next entry bears in its field `previous`: `<id>/<message_id>`, `<id>/` where the entry
 * has been deleted, and nothing where the Stream never held one.
 */
const PRELUDE = `
local function tail(stream)
  if redis.call('EXISTS', stream) == 0 then return '', '', '' end
  local info = redis.call('XINFO', 'STREAM', stream)
  local last, entry = '', false
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = info[i + 1] end
    if info[i] == 'last-entry' then entry = info[i + 1] end
  end
  if last == '0-0' then last = '' end
  if not entry then return last, '', '' end
  local messageId = ''
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'message_id' then messageId = fields[i + 1] end
  end
  return last, entry[1], messageId
end

local function link(last, entry, messageId)
  if last == '' then return '' end
  if last ~= entry then return last .. '/' end
  return last .. '/' .. messageId
end

local function add(stream, id, recordsMax, message, messageId)
  local previous = link(tail(stream))
  local fields = { 'message', message, 'message_id', messageId, 'previous', previous }
  return redis.call('XADD', stream, 'MAXLEN', '~', recordsMax, id, unpack(fields))
end

local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function description(stream)
  local last, entry, messageId = tail(stream)
  return { string.format('%.0f', nowMs()), last, entry, link(last, entry, messageId) }
end
`;

/**
 * KEYS: stream, seen. ARGV: message, message ID, records at most, retention and memory of what was
 * seen in ms, channel (or nothing), and the announcement before and after the position.
 * Answers the ID: the first one's, where an equal message was seen.
 */
export const APPEND = script(2, `
local seen = redis.call('GET', KEYS[2])
if seen then return seen end
local id = add(KEYS[1], '*', ARGV[3], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], id, 'PX', ARGV[5])
local oldest = nowMs() - tonumber(ARGV[4])
if oldest > 0 then
  redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest))
end
if ARGV[6] ~= '' then redis.call('PUBLISH', ARGV[6], ARGV[7] .. id .. ARGV[8]) end
return id
`);

/** KEYS: stream. Answers Redis' clock in ms, the last ID, the last entry's ID, and the link. */
export const TAIL = script(1, 'return description(KEYS[1])');

/**
 * Makes sure that the log goes on beyond a position: by a fence where it does not, or always. The
 * fence takes the time for its place, and the next one only where Redis' clock is behind: others
 * may have read further in the log that was lost, and what they stamped must be below it as well.
 * KEYS: stream. ARGV: the fence's message and message ID, records at most, the position and the one
 * after it (or nothing, for a log that holds any record), and `always` or nothing. Answers as TAIL,
 * afterwards.
 */
export const FENCE = script(1, `
local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end
local function isBeyond(id, position)
  if id == '' then return false end
  if position == '' then return true end
  local ms, sequence = parts(id)
  local positionMs, positionSequence = parts(position)
  return ms > positionMs or (ms == positionMs and sequence > positionSequence)
end
local beyond = isBeyond(tail(KEYS[1]), ARGV[4])
if not beyond or ARGV[6] == 'always' then
  local id = '*'
  if not beyond and ARGV[4] ~= '' and nowMs() <= parts(ARGV[4]) then id = ARGV[5] end
  add(KEYS[1], id, ARGV[3], ARGV[1], ARGV[2])
end
return description(KEYS[1])
`);

/** Runs `script` by its digest, or whole where Redis has not seen it yet. */
export async function runScript(
  client: RedisClient,
  { lua, sha, keys }: Script,
  args: readonly string[],
): Promise<unknown> {
  try {
    return await client.call('evalsha', sha, keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.call('eval', lua, keys, ...args);
  }
}

function script(keys: number, body: string): Script {
  const lua = PRELUDE + body;
  return { lua, keys, sha: createHash('sha1').update(lua).digest('hex') };
}
