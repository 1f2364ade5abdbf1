/**
 * What the log does inside Redis, each in one atomic step. Redis 6.2 or later; each script touches
 * keys of one slot only, so a Cluster runs them as well.
 */
import { createHash } from 'node:crypto';
import type { Millis } from './clock.ts';
import type { RedisClient } from './redis.ts';

export interface Script {
  readonly lua: string;
  readonly sha: string;
}

/**
 * Where the log is cut: the nodes say it, and tell the others by a key beside the Stream. What is
 * undefined is as a node has last told, and else the default.
 */
export interface Limits {
  readonly recordsMax: number | undefined;
  readonly retentionMs: Millis | undefined;
}

export const LIMITS_DEFAULT = { recordsMax: 1_000_000, retentionMs: 25 * 3_600_000 };

/** As the scripts take them. */
export function limitsText({ recordsMax, retentionMs }: Limits): readonly [string, string] {
  return [String(recordsMax ?? ''), String(retentionMs ?? '')];
}

/** A key in the slot of the Stream, so that one script may touch both in a Cluster. */
export function keyBeside(stream: string, name: string): string {
  return `${/^[^{]*\{[^}]+\}/.test(stream) ? stream : `{${stream}}`}:${name}`;
}

/**
 * `tail` gives the last ID that the Stream ever gave out, and the ID and the message ID of its last
 * entry. The two IDs differ where the last entry was deleted. `link` names the place in the form
 * that the next entry bears in its field `previous`: `<id>/<message_id>`, `<id>/` where the entry
 * has been deleted, and nothing where the Stream never held one.
 *
 * An entry holds one record, its field `message`, or several, its field `messages`: a JSON array.
 * The entry's ID is then the position of the last one, and those before have the IDs just below.
 * Its field `total` counts all records up to it, so that the log is cut by records.
 */
const PRELUDE = `
local function field(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

local function tail(stream)
  if redis.call('EXISTS', stream) == 0 then return '', '', '', {} end
  local info, all = redis.call('XINFO', 'STREAM', stream), {}
  for i = 1, #info, 2 do all[info[i]] = info[i + 1] end
  local last, entry = all['last-generated-id'], all['last-entry']
  if last == '0-0' then last = '' end
  if not entry then return last, '', '', all end
  return last, entry[1], field(entry, 'message_id') or '', all
end

local function link(last, entry, messageId)
  if last == '' then return '' end
  if last ~= entry then return last .. '/' end
  return last .. '/' .. messageId
end

local function parts(id)
  local ms, sequence = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(sequence)
end

local function add(stream, id, recordsMax, messages, messageId)
  local last, entry, lastMessageId, all = tail(stream)
  local total = #messages
  if all['last-entry'] then
    local before = tonumber(field(all['last-entry'], 'total') or '') or all['length']
    local first = tonumber(field(all['first-entry'], 'total') or '') or 1
    total = before + #messages
    local kept = total - first + 1
    if kept > recordsMax then
      local entries = math.floor(all['length'] * recordsMax / kept)
      redis.call('XTRIM', stream, 'MAXLEN', '~', math.max(0, entries - 1))
    end
  end
  local name, content = 'message', messages[1]
  if #messages > 1 then
    name, content = 'messages', '[' .. table.concat(messages, ',') .. ']'
  end
  return redis.call('XADD', stream, id, name, content, 'message_id', messageId,
    'previous', link(last, entry, lastMessageId), 'total', string.format('%.0f', total))
end

local function limits(key, recordsMax, retentionMs)
  if recordsMax == '' or retentionMs == '' then
    local told = redis.call('GET', key) or ''
    local toldRecords, toldMs = string.match(told, '^(%d+) (%d+)$')
    if recordsMax == '' then recordsMax = toldRecords or '${LIMITS_DEFAULT.recordsMax}' end
    if retentionMs == '' then retentionMs = toldMs or '${LIMITS_DEFAULT.retentionMs}' end
  end
  return tonumber(recordsMax), tonumber(retentionMs)
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
 * KEYS: stream, limits, and for each message what remembers that it was seen. ARGV: records at most
 * and retention in ms, or nothing (`Limits`), memory of what was seen in ms, channel; and for each
 * message its JSON, its message ID, and the announcement before and after the position (nothing: it
 * is not announced).
 * Answers the IDs: of what was seen before, the first one's. All that are new are one entry; where
 * all are, its ID alone is the answer.
 */
export const APPEND = script(`
local seen = redis.call('MGET', unpack(KEYS, 3))
local fresh, messages, place = {}, {}, {}
for i = 1, #KEYS - 2 do
  if not seen[i] and not place[KEYS[i + 2]] then
    fresh[#fresh + 1] = i
    place[KEYS[i + 2]] = #fresh
    messages[#messages + 1] = ARGV[4 * i + 1]
  end
end
if #fresh > 0 then
  local id, ms, sequence = '*', nil, nil
  if #fresh > 1 then
    local last = tail(KEYS[1])
    ms, sequence = nowMs(), -1
    if last ~= '' then
      local lastMs, lastSequence = parts(last)
      if lastMs >= ms then ms, sequence = lastMs, lastSequence end
    end
    id = string.format('%.0f-%.0f', ms, sequence + #fresh)
  end
  local recordsMax, retentionMs = limits(KEYS[2], ARGV[1], ARGV[2])
  id = add(KEYS[1], id, recordsMax, messages, ARGV[4 * fresh[#fresh] + 2])
  local oldest = nowMs() - retentionMs
  if oldest > 0 then
    redis.call('XTRIM', KEYS[1], 'MINID', '~', string.format('%.0f', oldest))
  end
  for at, i in ipairs(fresh) do
    local own = id
    if at < #fresh then own = string.format('%.0f-%.0f', ms, sequence + at) end
    redis.call('SET', KEYS[i + 2], own, 'PX', ARGV[3])
    if ARGV[4 * i + 3] ~= '' then
      redis.call('PUBLISH', ARGV[4], ARGV[4 * i + 3] .. own .. ARGV[4 * i + 4])
    end
    place[KEYS[i + 2]] = own
  end
end
if #fresh == #KEYS - 2 then return { place[KEYS[#KEYS]] } end
local ids = {}
for i = 1, #KEYS - 2 do ids[i] = seen[i] or place[KEYS[i + 2]] end
return ids
`);

/** KEYS: stream. Answers Redis' clock in ms, the last ID, the last entry's ID, and the link. */
export const TAIL = script('return description(KEYS[1])');

/**
 * Makes sure that the log goes on beyond a position: by a fence where it does not, or always. The
 * fence takes the time for its place, and the next one only where Redis' clock is behind: others
 * may have read further in the log that was lost, and what they stamped must be below it as well.
 * KEYS: stream, limits. ARGV: the fence's message and message ID, records at most, the position and
 * the one after it (or nothing, for a log that holds any record), and `always` or nothing. Answers
 * as TAIL, afterwards.
 */
export const FENCE = script(`
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
  add(KEYS[1], id, (limits(KEYS[2], ARGV[3], '')), { ARGV[1] }, ARGV[2])
end
return description(KEYS[1])
`);

/** Runs `script` by its digest, or whole where Redis has not seen it yet. */
export async function runScript(
  client: RedisClient,
  { lua, sha }: Script,
  { keys, args }: { keys: readonly string[]; args: readonly string[] },
): Promise<unknown> {
  try {
    return await client.call('evalsha', sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.call('eval', lua, keys.length, ...keys, ...args);
  }
}

function script(body: string): Script {
  const lua = PRELUDE + body;
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}
