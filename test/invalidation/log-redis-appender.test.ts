import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connection } from '../../src/invalidation/connection.ts';
import type { FreshetError } from '../../src/invalidation/errors.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import { RedisLogAppender, type Appended } from '../../src/invalidation/log-redis-appender.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { positionOf, type Position } from '../../src/invalidation/position.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { someMessage, TestFollower } from './log-contract.ts';

const STREAM = 'cache:invalidate:log';

let server: RedisServer;
let log: RedisLog;
let another: RedisLog;
beforeEach(async () => {
  server = await startRedis();
  const open = () => new RedisLog({
    redis: server.url, heartbeatMs: 20, appendTimeoutMs: 1_000,
  });
  [log, another] = [open(), open()];
});
afterEach(async () => {
  await Promise.all([log.close(), another.close()]);
  await server.stop();
});

describe('what is appended at once', () => {
  it('is as much as one entry may hold: a large message goes by itself', async () => {
    const large = someMessage({ entity_id: 'x'.repeat(1_040_000) });
    const messages = [someMessage(), large, someMessage(), someMessage()];
    const appended = await Promise.all(messages.map((message) => log.append(message)));
    // One that begins meanwhile begins at a gap, which may be beyond the first of them.
    const follower = new TestFollower(log);
    const { records } = await follower.records(4);
    expect(records.map(({ position }) => position)).toEqual(appended);
    expect(records.map(({ message }) => message)).toEqual(messages);
    expect(log.unreadable).toBe(0);
    follower.abort();
  });

  it('is read back as it is written, whatever it holds', async () => {
    const hostile: Partial<InvalidationMessage>[] = [
      {}, { entity_id: '"\\\n\u2028\ud800' }, { entity_type: { Custom: 'User' } },
      { metadata: { at: Number.NaN, list: [undefined] } }, { source_service: 'é' },
      { action: 'Batch', entity_id: null, entity_ids: ['user:1', 'a b'] },
      { entity_ids: ['user:1'] }, { metadata: { position: '1-1' } },
    ];
    const messages = hostile.map((fields) => someMessage(fields));
    const [own, other] = [new TestFollower(log), new TestFollower(another)];
    await own.until('heartbeat');
    await Promise.all(messages.map((message) => log.append(message)));
    for (const fields of hostile) await log.append(someMessage(fields));
    const [first, second] = await Promise.all([own.records(16), other.records(16)]);
    expect(first.records).toEqual(second.records);
    expect(first.records.slice(0, 2).map(({ message }) => message)).toEqual(messages.slice(0, 2));
    own.abort();
    other.abort();
  });
});

describe('a log that is slow and not away', () => {
  it('keeps what is patient waiting, and nothing else', async () => {
    const { clock, appender, answer, drops } = faked();
    const first = appender.append(appended());
    await clock.advanceAsync(40);
    const [patient, impatient] = [appended({ isPatient: true }), appended()]
      .map((one) => outcome(appender.append(one)));
    await clock.advanceAsync(35);
    answer(0, '5-1');
    expect(await first).toBe(positionOf(5, 1));
    await clock.advanceAsync(60);
    expect([patient?.(), impatient?.()]).toEqual(['waits', 'LOG_UNAVAILABLE']);
    answer(1, '5-3');
    await clock.advanceAsync(0);
    expect(patient?.()).toBe(positionOf(5, 2));
    expect(drops()).toBe(0);
    expect(clock.pending).toBe(0);
  });

  it('is away when it answers nobody: then nothing waits', async () => {
    const { clock, appender, drops } = faked();
    const patient = outcome(appender.append(appended({ isPatient: true })));
    // A fifth of the bound is left for a timer that comes late.
    await clock.advanceAsync(79);
    expect([patient(), drops()]).toEqual(['waits', 0]);
    await clock.advanceAsync(1);
    expect([patient(), drops()]).toEqual(['LOG_UNAVAILABLE', 1]);
  });
});

function appended(fields: Partial<Appended> = {}): Appended {
  const { message_id: messageId } = someMessage();
  return { identity: messageId, json: '{}', messageId, announcement: ['', ''], ...fields };
}

/** Over a connection whose answers the test gives, call by call. */
function faked() {
  const clock = new ManualClock();
  const calls: ((ids: unknown) => void)[] = [];
  let drops = 0;
  const client = { call: () => new Promise((resolve) => calls.push(resolve)) };
  const connection = {
    ready: () => Promise.resolve(client), proved: () => undefined, drop: () => (drops += 1),
  } as unknown as Connection;
  const appender = new RedisLogAppender({
    connection, clock, stream: STREAM, channel: '', appendTimeoutMs: 100, retentionMs: 1_000,
    recordsMax: 1_000,
  });
  const answer = (call: number, id: string): void => calls[call]?.([id]);
  return { clock, appender, answer, drops: () => drops };
}

/** What has become of it so far. */
function outcome(promise: Promise<Position>): () => string {
  let now = 'waits';
  promise.then((position) => (now = position), (error: FreshetError) => (now = error.code));
  return () => now;
}
