/**
 * Invalidates single entities at a rate, for `storm.ts`: over a plain socket and with as little
 * work for each as can be, so that the storm is Redis' and the gateway's to bear.
 *
 *     node bench/storm-publisher.ts <port of Redis> <channel|log>
 *
 * `channel`: a plain PUBLISH, as foreign services do. `log`: as this project's publisher does, the
 * script that appends to the Stream and announces. Told `{ rate, seconds, ids }` it begins, and
 * tells how many Redis has taken.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { contentOf, digestOf } from '../src/invalidation/content.ts';
import { APPEND } from '../src/invalidation/log-scripts.ts';
import { writeMessageAround, type InvalidationMessage } from '../src/invalidation/message.ts';

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
const [port = '0', by = 'channel'] = process.argv.slice(2);

const socket = connect(Number(port), '127.0.0.1');
await once(socket, 'connect');
let answered = 0;
let failed = 0;
let unfinished = '';
socket.on('data', (chunk: Buffer) => {
  const lines = (unfinished + chunk.toString('latin1')).split('\r\n');
  unfinished = lines.pop() ?? '';
  for (const line of lines) {
    // Each answer has one line that begins so: a number, a length, or a fault.
    if (/^[:$-]/.test(line)) answered += 1;
    if (line.startsWith('-')) failed += 1;
  }
});
socket.write(command('SCRIPT', 'LOAD', APPEND.lua));
while (answered < 1) await pause();
process.on('message', (storm: Storm) => void blow(storm));
process.send?.('ready');

async function blow({ rate, seconds, ids, firstId }: Storm): Promise<void> {
  const [before, failedBefore] = [answered, failed];
  const beganAt = performance.now();
  let sent = 0;
  for (let lasted = 0; lasted < seconds; lasted = (performance.now() - beganAt) / 1_000) {
    const due = Math.floor(lasted * rate);
    const parts: string[] = [];
    for (; sent < due && sent - (answered - before) < UNANSWERED_MAX; sent += 1) {
      parts.push(invalidation(firstId + (sent % ids)));
    }
    if (parts.length > 0) socket.write(parts.join(''));
    await pause();
  }
  while (answered - before < sent) await pause();
  const took = { sent, failed: failed - failedBefore, tookMs: performance.now() - beganAt };
  process.send?.(took satisfies Sent);
}

function invalidation(id: number): string {
  const message: InvalidationMessage = {
    message_id: randomUUID(), entity_type: { Custom: 'Account' },
    entity_id: String(id).padStart(8, '0'), pattern: null, entity_ids: null, action: 'Update',
    timestamp: new Date().toISOString(), source_service: 'storm', metadata: null,
  };
  const json = contentOf(message);
  if (by === 'channel') return command('PUBLISH', CHANNEL, json);
  const [head, tail] = writeMessageAround(message);
  return command(
    'EVALSHA', APPEND.sha, '2', STREAM, `{${STREAM}}:seen:${digestOf(json)}`,
    '1000000', '90000000', '60000', CHANNEL, json, message.message_id, head, tail,
  );
}

/** As Redis reads it (RESP2); all of it is ASCII, or its length would be another. */
function command(...parts: readonly string[]): string {
  return `*${parts.length}\r\n${parts.map((part) =>
    `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
