/**
 * Invalidates single entities at a rate, for `storm.ts`: over a plain socket and with as little
 * work for each as can be, so that the storm is Redis' and the gateway's to bear.
 *
 *     node bench/storm-publisher.ts <port of Redis> <channel|log> <messages in a call>
 *
 * `channel`: a plain PUBLISH each, as foreign services do. `log`: as this project's publisher does,
 * the script that appends to the Stream and announces, for what came in one turn of its event loop,
 * 128 messages at most. Told `{ rate, seconds, ids }` it begins, and tells how many Redis took.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { APPEND } from '../src/invalidation/log-scripts.ts';
import { readMessage, writeMessage } from '../src/invalidation/message.ts';

export interface Storm {
  readonly rate: number;
  readonly seconds: number;
  /** The entities, in turn: from the first, as many as `ids`. */
  readonly ids: number;
  readonly firstId: number;
}

export interface Sent {
  readonly sent: number;
  readonly failed: number;
  readonly tookMs: number;
}

const CHANNEL = 'cache:invalidate';
const STREAM = `${CHANNEL}:log`;
const TICK_MS = 5;
/** So many may wait for Redis; a publisher that is ahead waits, as every client does. */
const UNANSWERED_MAX = 20_000;
const [port = '0', by = 'channel', inCall = '128'] = process.argv.slice(2);
const each = by === 'channel' ? 1 : Number(inCall);

const socket = connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
let [answered, failed] = [0, 0];
let unfinished = '';
socket.on('data', (chunk: Buffer) => {
  const lines = (unfinished + chunk.toString('latin1')).split('\r\n');
  unfinished = lines.pop() ?? '';
  for (const line of lines) {
    // An answer is a number, a list of IDs, or a fault. To an append it is one ID for all.
    if (/^[:*-]/.test(line) || line === '$40') answered += 1;
    if (line.startsWith('-')) failed += 1;
  }
});
assert.equal(writeMessage(readMessage(jsonOf('a', 1))), jsonOf('a', 1));
socket.write(command('SCRIPT', 'LOAD', APPEND.lua));
while (answered < 1) await pause();
process.on('message', (storm: Storm) => void blow(storm));
process.send?.('ready');

async function blow({ rate, seconds, ids, firstId }: Storm): Promise<void> {
  const [before, failedBefore] = [answered, failed];
  const beganAt = performance.now();
  const isAhead = (): boolean => sent - (answered - before) * each >= UNANSWERED_MAX;
  let sent = 0;
  for (let lasted = 0; lasted < seconds; lasted = (performance.now() - beganAt) / 1_000) {
    const due = Math.floor((lasted * rate) / each) * each;
    const parts: string[] = [];
    for (; sent < due && !isAhead(); sent += each) {
      parts.push(invalidations(Array.from({ length: each }, (_, n) => firstId + (sent + n) % ids)));
    }
    if (parts.length > 0) socket.write(parts.join(''), 'latin1');
    await pause();
  }
  while ((answered - before) * each < sent) await pause();
  const took = {
    sent, failed: (failed - failedBefore) * each, tookMs: performance.now() - beganAt,
  };
  process.send?.(took satisfies Sent);
}

/** Of other lives of this process, so that Redis has seen none of them. */
const FIRST = Date.now();
let count = 0;

function invalidations(ids: readonly number[]): string {
  const messages = ids.map((id) => {
    count += 1;
    const messageId = `${FIRST}-0000-${String(count).padStart(17, '0')}`;
    return { messageId, json: jsonOf(messageId, id) };
  });
  if (by === 'channel') return command('PUBLISH', CHANNEL, messages[0]?.json ?? '');
  const keys = messages.map(({ messageId }) => `{${STREAM}}:seen:${messageId}`);
  const args = messages.flatMap(({ messageId, json }) =>
    [json, messageId, `${json.slice(0, -'null}'.length)}{"position":"`, '"}}']);
  return command(
    'EVALSHA', APPEND.sha, String(keys.length + 2), STREAM, `{${STREAM}}:limits`, ...keys,
    '1000000', '90000000', '60000', CHANNEL, ...args,
  );
}

/** As `writeMessage` does it, for a fraction of the cost. */
function jsonOf(messageId: string, id: number): string {
  return `{"message_id":"${messageId}","entity_type":{"Custom":"Account"},"entity_id":"`
    + `${String(id).padStart(8, '0')}","pattern":null,"entity_ids":null,"action":"Update",`
    + '"timestamp":"2026-03-01T12:00:00.000Z","source_service":"storm","metadata":null}';
}

/** As Redis reads it (RESP2); all of it is ASCII, or its length would be another. */
function command(...parts: readonly string[]): string {
  let text = `*${parts.length}\r\n`;
  for (const part of parts) text += `$${part.length}\r\n${part}\r\n`;
  return text;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
