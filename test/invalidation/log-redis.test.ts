import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../src/invalidation/clock.ts';
import { isFence } from '../../src/invalidation/fence.ts';
import type { LogEvent } from '../../src/invalidation/log.ts';
import { RedisLog, type RedisLogOptions } from '../../src/invalidation/log-redis.ts';
import {
  formatPosition, parsePosition, positionOf, successor, type Position,
} from '../../src/invalidation/position.ts';
import { messagesIn } from '../support/log-entry.ts';
import { freePort, startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { logContract, someMessage, TestFollower } from './log-contract.ts';

const STREAM = 'cache:invalidate:log';

let server: RedisServer;
let plain: Redis;
beforeAll(async () => {
  server = await startRedis();
  plain = new Redis(server.url);
});
afterAll(async () => {
  plain.disconnect();
  await server.stop();
});

const opened: RedisLog[] = [];
const followers: TestFollower[] = [];
afterEach(async () => {
  for (const follower of followers.splice(0)) follower.abort();
  await Promise.all(opened.splice(0).map((log) => log.close()));
});

function open(options: Partial<RedisLogOptions> = {}): RedisLog {
  const log = new RedisLog({
    redis: server.url, heartbeatMs: 20, commandTimeoutMs: 5_000, appendTimeoutMs: 5_000, ...options,
  });
  opened.push(log);
  return log;
}

function follow(log: RedisLog, from?: Position): TestFollower {
  const follower = new TestFollower(log, from);
  followers.push(follower);
  return follower;
}

/** The link that names the last record of the log, at `position`. */
async function linkTo(position: Position): Promise<string> {
  const [entry] = await plain.xrevrange(STREAM, '+', '-', 'COUNT', 1);
  const messageId = entry?.[1][entry[1].indexOf('message_id') + 1];
  return `${formatPosition(position)}/${messageId}`;
}

/** Two IDs that Redis could give out next, and the link of the first of them. */
async function nextIds(last: Position): Promise<{ ids: [string, string]; link: string }> {
  const id = formatPosition(successor(last));
  return { ids: [id, formatPosition(successor(successor(last)))], link: await linkTo(last) };
}

describe('the log in Redis keeps the contract', () => {
  logContract(async () => {
    await plain.flushall();
    return new RedisLog({ redis: server.url, heartbeatMs: 20 });
  });
});

describe('the log in Redis', () => {
  beforeEach(() => plain.flushall());

  it('says when it asked whether it is at the end, which is after it has waited', async () => {
    const heartbeatMs = 100;
    const follower = follow(open({ heartbeatMs }));
    await follower.until('heartbeat');
    const beganAt = systemClock.now();
    const { askedAt } = await follower.until('heartbeat');
    // Redis waits by a clock of its own.
    expect(askedAt).toBeGreaterThan(beganAt + heartbeatMs / 2);
  });

  it('is not lost to a process that stands still, and has not read what was answered', async () => {
    const commandTimeoutMs = 300;
    const follower = follow(open({ commandTimeoutMs }));
    await follower.until('heartbeat');
    await plain.client('PAUSE', commandTimeoutMs / 2);
    const next = follower.next();
    // From here timers come before sockets.
    await turn();
    const end = performance.now() + 3 * commandTimeoutMs;
    while (performance.now() < end);
    expect(await next).toMatchObject({ kind: 'heartbeat' });
  });

  it('announces what it appends, with its position, unless told not to', async () => {
    const heard: string[] = [];
    const listener = new Redis(server.url);
    listener.on('message', (_channel, payload: string) => heard.push(payload));
    await listener.subscribe('cache:invalidate');
    const log = open();
    const message = someMessage({ metadata: { reason: 'a "quoted" reason' } });
    const position = await log.append(message);
    await log.append(someMessage(), { announce: false });
    await log.append(message);
    const last = await log.append(someMessage());
    await until(() => heard.at(-1)?.includes(formatPosition(last)), { what: 'all is heard' });
    expect(heard).toHaveLength(2);
    expect(JSON.parse(heard[0] as string)).toEqual({
      ...message, metadata: { ...message.metadata, position: formatPosition(position) },
    });
    listener.disconnect();
  });

  it('links each entry to the one before it, and keeps no position in the record', async () => {
    const log = open();
    const [first, second] = [someMessage({ metadata: { position: '9-9' } }), someMessage()];
    const id = formatPosition(await log.append(first));
    await log.append(second);
    const entries = await plain.xrange(STREAM, '-', '+');
    const fields = entries.map(([, list]) => Object.fromEntries(
      Array.from({ length: list.length / 2 }, (_, at) => list.slice(at * 2, at * 2 + 2))));
    expect(fields[0]).toMatchObject({ previous: '', message_id: first.message_id });
    expect(fields[1]).toMatchObject({ previous: `${id}/${first.message_id}` });
    expect(JSON.parse(fields[0]['message'] as string)).toEqual({ ...first, metadata: null });
  });

  it('makes one entry of what is appended at once', async () => {
    const log = open();
    const messages = [someMessage(), someMessage(), someMessage()];
    const positions = await Promise.all(messages.map((message) => log.append(message)));
    const [entry, ...others] = await plain.xrange(STREAM, '-', '+');
    expect(others).toEqual([]);
    expect(entry?.[0]).toBe(formatPosition(positions[2] as Position));
    expect(messagesIn(entry?.[1] ?? [])).toEqual(messages);
    const follower = follow(open());
    await follower.until('gap');
    const { records } = await follower.records(3);
    const batchEnd = positions[2];
    expect(records).toEqual([
      { position: positions[0], batchEnd, message: messages[0] },
      { position: positions[1], batchEnd, message: messages[1] },
      { position: positions[2], message: messages[2] },
    ]);
  });

  it('counts records, not entries, when it is cut', async () => {
    const log = open({ recordsMax: 1_000 });
    for (let round = 0; round < 300; round += 1) {
      await Promise.all(Array.from({ length: 20 }, () => log.append(someMessage())));
    }
    const entries = await plain.xrange(STREAM, '-', '+');
    const kept = entries.flatMap(([, fields]) => messagesIn(fields)).length;
    expect(kept).toBeGreaterThan(500);
    expect(kept).toBeLessThan(4_000);
  });

  it('appends an equal message once, whoever appends it', async () => {
    const message = someMessage();
    const logs = [open(), open(), open()];
    const positions = await Promise.all(logs.map((log) => log.append(message)));
    expect(new Set(positions).size).toBe(1);
    expect(await plain.xlen(STREAM)).toBe(1);
  });

  it('keeps no more records than it may, and says where it starts', async () => {
    const log = open({ recordsMax: 100 });
    for (let round = 0; round < 500; round += 1) await log.append(someMessage());
    expect(await plain.xlen(STREAM)).toBeLessThan(300);
    const [oldest] = await plain.xrange(STREAM, '-', '+', 'COUNT', 1);
    const previous = oldest?.[1][oldest[1].indexOf('previous') + 1] as string;
    const event = await follow(log).next() as Extract<LogEvent, { kind: 'gap' }>;
    expect(event.kind).toBe('gap');
    expect(formatPosition(event.end)).toBe(previous.split('/')[0]);
  });

  it('drops records that are older than it must keep them', async () => {
    const log = open({ retentionMs: 1 });
    // Whole nodes of the Stream are dropped, of 100 entries each.
    await until(async () => {
      for (let round = 0; round < 200; round += 1) await log.append(someMessage());
      return await plain.xlen(STREAM) < 300;
    }, { what: 'old records are gone' });
  });

  describe('is cut', () => {
    const DAY_MS = 86_400_000;
    const LIMITS = `{${STREAM}}:limits`;
    const told = () => plain.get(LIMITS);

    beforeAll(() => plain.config('SET', 'stream-node-max-entries', '1'));
    afterAll(() => plain.config('SET', 'stream-node-max-entries', '100'));

    /** Records of three days ago. */
    async function oldRecords(count: number): Promise<void> {
      const [seconds] = await plain.time();
      for (let at = 0; at < count; at += 1) {
        const id = `${Number(seconds) * 1_000 - 3 * DAY_MS}-${at}`;
        await plain.xadd(STREAM, id, 'message', '{}', 'message_id', String(at), 'previous', '');
      }
    }

    it('where a node has told, by all who append without limits of their own', async () => {
      await oldRecords(10);
      const node = open({ tellsLimits: true, retentionMs: 4 * DAY_MS, recordsMax: 2_000_000 });
      await follow(node).until('gap');
      expect(await told()).toBe(`2000000 ${4 * DAY_MS}`);
      await open().append(someMessage());
      expect(await plain.xlen(STREAM)).toBeGreaterThan(10);
      await plain.set(LIMITS, `5 ${4 * DAY_MS}`);
      for (let round = 0; round < 3; round += 1) await open().append(someMessage());
      expect(await plain.xlen(STREAM)).toBeLessThan(10);
    });

    it.each([null, 'no limits', '1 2 3'])('at the default where %j is told', async (text) => {
      if (text !== null) await plain.set(LIMITS, text);
      await oldRecords(10);
      await open().append(someMessage());
      expect(await plain.xlen(STREAM)).toBeLessThan(5);
    });

    it('at limits of its own, whatever is told', async () => {
      await plain.set(LIMITS, `1000000 ${4 * DAY_MS}`);
      await oldRecords(10);
      await open({ retentionMs: DAY_MS }).append(someMessage());
      expect(await plain.xlen(STREAM)).toBeLessThan(5);
    });

    it('by what is told again after Redis has forgotten it', async () => {
      const follower = follow(open({ tellsLimits: true, recordsMax: 7 }));
      await follower.until('heartbeat');
      await plain.flushall();
      await follower.until('gap');
      await follower.until('heartbeat');
      expect(await told()).toBe('7 90000000');
    });

    it('by what is told once Redis takes it, and is read while it does not', async () => {
      await open().append(someMessage());
      await plain.config('SET', 'maxmemory', '1');
      let laterMs = 0;
      const clock: Clock = { ...systemClock, now: () => systemClock.now() + laterMs };
      const follower = follow(open({ tellsLimits: true, recordsMax: 7, clock }));
      const { others } = await follower.records(1);
      expect(others.map(({ kind }) => kind)).toEqual(['gap']);
      await follower.until('heartbeat');
      await plain.config('SET', 'maxmemory', '0');
      laterMs = 10_000;
      await follower.until('heartbeat');
      await follower.until('heartbeat');
      expect(await told()).toBe('7 90000000');
    });
  });

  it('begins at its retention where more is kept', async () => {
    await plain.xadd(STREAM, '5-5', 'message', '{}', 'message_id', 'old', 'previous', '');
    const log = open();
    const event = await follow(log).next();
    const [seconds] = await plain.time();
    const oldestMs = Number(seconds) * 1_000 - 25 * 3_600_000;
    expect(event).toMatchObject({ kind: 'gap' });
    expect((event as { end: Position }).end >= positionOf(oldestMs - 10_000, 0)).toBe(true);
  });

  it('skips records that cannot be read, and counts them', async () => {
    const log = open();
    const follower = follow(log);
    const first = await log.append(someMessage());
    await follower.records(1);
    const previous = await linkTo(first);
    await plain.xadd(STREAM, '*', 'message', '{"no', 'message_id', 'bad', 'previous', previous);
    const last = await log.append(someMessage());
    const { records, others } = await follower.records(1);
    expect(records[0]?.position).toBe(last);
    expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
    expect(log.unreadable).toBe(1);
  });

  it('takes an entry that somebody wrote by hand for a gap', async () => {
    const log = open();
    const follower = follow(log);
    await follower.until('heartbeat');
    const id = await plain.xadd(STREAM, '*', 'hello', 'world') as string;
    expect((await follower.until('gap')).end > (parsePosition(id) as Position)).toBe(true);
    await log.append(someMessage());
    expect((await follower.records(1)).others.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });
});

describe('a follower of the log in Redis is told of a gap when', () => {
  beforeEach(() => plain.flushall());

  /** A follower that has read all of three records. */
  async function reader(): Promise<{ log: RedisLog; follower: TestFollower; last: Position }> {
    const log = open();
    const follower = follow(log);
    for (let round = 0; round < 3; round += 1) await log.append(someMessage());
    const { records } = await follower.records(3);
    await follower.until('heartbeat');
    return { log, follower, last: records[2]?.position as Position };
  }

  async function expectHealed(
    { log, follower, last }: Awaited<ReturnType<typeof reader>>,
  ): Promise<void> {
    const { end } = await follower.until('gap');
    expect(end > last).toBe(true);
    await follower.until('heartbeat');
    const position = await log.append(someMessage());
    expect(position > end).toBe(true);
    const { records, others } = await follower.records(1);
    expect(records[0]?.position).toBe(position);
    expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
  }

  it('the Stream is deleted', async () => {
    const all = await reader();
    await plain.del(STREAM);
    await expectHealed(all);
  });

  it('everything is flushed, and another node appends at once', async () => {
    const all = await reader();
    await plain.multi().flushall().exec();
    await open().append(someMessage());
    await expectHealed(all);
  });

  it('the Stream is trimmed past its position', async () => {
    const all = await reader();
    const { ids: [first, second], link } = await nextIds(all.last);
    await plain.multi()
      .xadd(STREAM, first, 'message', '{}', 'message_id', 'a', 'previous', link)
      .xadd(STREAM, second, 'message', '{}', 'message_id', 'b', 'previous', `${first}/a`)
      .xtrim(STREAM, 'MAXLEN', 1).exec();
    await expectHealed(all);
  });

  it('the record that comes next is deleted before it is read', async () => {
    const all = await reader();
    const { ids: [id], link } = await nextIds(all.last);
    await plain.multi()
      .xadd(STREAM, id, 'message', '{}', 'message_id', 'deleted', 'previous', link)
      .xdel(STREAM, id).exec();
    await expectHealed(all);
  });

  it('one of several records is deleted before they are read', async () => {
    const { log, last } = await reader();
    await log.append(someMessage());
    const second = await log.append(someMessage());
    const third = await log.append(someMessage());
    await plain.xdel(STREAM, formatPosition(second));
    const follower = follow(log, last);
    const { records } = await follower.until('records');
    expect(records).toHaveLength(1);
    expect((await follower.until('gap')).end > third).toBe(true);
  });

  it('an older state was restored, which ends before it', async () => {
    const all = await reader();
    const dump = await plain.dumpBuffer(STREAM);
    await all.log.append(someMessage());
    const { records } = await all.follower.records(1);
    await plain.restore(STREAM, 0, dump, 'REPLACE');
    await expectHealed({ ...all, last: records[0]?.position as Position });
  });

  it('an older state was restored, and others have appended since', async () => {
    const all = await reader();
    const dump = await plain.dumpBuffer(STREAM);
    await all.log.append(someMessage());
    const { records } = await all.follower.records(1);
    await plain.restore(STREAM, 0, dump, 'REPLACE');
    await open().append(someMessage());
    await expectHealed({ ...all, last: records[0]?.position as Position });
  });

  it('another one had read what was lost, though its own links are all right', async () => {
    const { log, follower, last } = await reader();
    const behind = follow(log, last);
    await behind.until('heartbeat');
    const dump = await plain.dumpBuffer(STREAM);
    await log.append(someMessage());
    await follower.records(1);
    await plain.restore(STREAM, 0, dump, 'REPLACE');
    const after = await open().append(someMessage());
    await follower.until('gap');
    // It reads only now: the record that was lost is none that it could miss by its links.
    const { end } = await behind.until('gap');
    expect(end > after).toBe(true);
    await behind.until('heartbeat');
  });

  it('the log was replaced by one whose IDs are lower', async () => {
    const all = await reader();
    await plain.multi().del(STREAM)
      .xadd(STREAM, '1000-0', 'message', '{}', 'message_id', 'x', 'previous', '').exec();
    await expectHealed(all);
  });

  it('the log was replaced by one that ends with the same ID', async () => {
    const all = await reader();
    await plain.multi().del(STREAM)
      .xadd(STREAM, formatPosition(all.last), 'message', '{}', 'message_id', 'x', 'previous', '')
      .exec();
    await expectHealed(all);
  });

  it('the log was deleted: it goes on beyond what anybody else may have read of it', async () => {
    const all = await reader();
    await plain.del(STREAM);
    const [seconds, microseconds] = await plain.time();
    const { end } = await all.follower.until('gap');
    const deletedMs = Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
    expect(end >= positionOf(deletedMs, 0)).toBe(true);
  });

  it('several followers at different places all heal, with a fence for each at most', async () => {
    const first = await reader();
    const second = follow(first.log);
    await second.until('heartbeat');
    await plain.del(STREAM);
    const gaps = await Promise.all([first.follower.until('gap'), second.until('gap')]);
    await Promise.all([first.follower.until('heartbeat'), second.until('heartbeat')]);
    const entries = await plain.xrange(STREAM, '-', '+');
    expect(entries.length).toBeLessThanOrEqual(2);
    expect(gaps.every(({ end }) => end > first.last)).toBe(true);
    const position = await first.log.append(someMessage());
    for (const follower of [first.follower, second]) {
      expect((await follower.records(1)).records[0]?.position).toBe(position);
    }
  });
});

describe('the log in Redis when Redis fails', () => {
  let own: RedisServer;
  afterEach(() => own.stop());

  /** Its calls wait no longer than a test of that can take, so any of them may be given up. */
  const impatient = { heartbeatMs: 50, commandTimeoutMs: 200, appendTimeoutMs: 100 };

  /** Given up or not, an equal message is the same message. */
  const appended = (log: RedisLog, message = someMessage()): Promise<Position> =>
    until(() => log.append(message).catch(() => undefined), { what: 'it is appended' });

  it('is absent at the start, is told to be lost, and heals when it comes', async () => {
    const port = await freePort();
    const log = open({ redis: `redis://127.0.0.1:${port}`, ...impatient });
    const follower = follow(log);
    expect(await follower.next()).toMatchObject({ kind: 'lost' });
    await expect(log.append(someMessage())).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    own = await startRedis({ port });
    await follower.until('gap');
    const position = await appended(log);
    expect((await follower.records(1)).records[0]?.position).toBe(position);
  });

  it('is killed and comes back empty: a gap, and the positions grow', async () => {
    own = await startRedis();
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    const before = await appended(log);
    await follower.records(1);
    await own.kill();
    await follower.until('lost');
    await expect(log.append(someMessage())).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await own.restart();
    const { end } = await follower.until('gap');
    expect(end > before).toBe(true);
    const message = someMessage();
    expect(await appended(log, message) > end).toBe(true);
    expect((await follower.records(1)).records[0]?.message).toEqual(message);
  });

  it('is killed and comes back with its data: nothing is missing', async () => {
    own = await startRedis({ persistence: true });
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    await appended(log);
    await follower.records(1);
    await own.kill();
    await follower.until('lost');
    await own.restart();
    const message = someMessage();
    await appended(log, message);
    const { records, others } = await follower.records(1);
    expect(records[0]?.message).toEqual(message);
    expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });

  it('is stopped for three seconds: appends are bounded, nothing is lost or doubled', async () => {
    own = await startRedis();
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    await appended(log);
    await follower.records(1);
    own.pause();
    const threeSeconds = sleep(3_000);
    const message = someMessage();
    // Redis is still stopped when these two are over, so they waited for a bound, not for Redis.
    await expect(log.append(message)).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await follower.until('lost');
    await threeSeconds;
    own.resume();
    const position = await appended(log, message);
    const last = await appended(log);
    const { records, others } = await follower.records(2);
    expect(records.map((record) => record.position)).toEqual([position, last]);
    expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });

  it('ends each connection by CLIENT KILL: nothing is missing', async () => {
    own = await startRedis();
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    const killer = new Redis(own.url);
    for (let round = 0; round < 5; round += 1) {
      await killer.call('client', 'kill', 'type', 'normal', 'skipme', 'yes');
      const message = someMessage();
      await appended(log, message);
      const { records, others } = await follower.records(1);
      expect(records[0]?.message).toEqual(message);
      if (round > 0) expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
    }
    killer.disconnect();
  });

  it('is full: appends are refused, and followers still read', async () => {
    own = await startRedis({ args: ['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'] });
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    const padding = 'x'.repeat(100_000);
    await until(() => log.append(someMessage({ entity_id: padding })).then(
      () => false, (error: { code?: string }) => error.code === 'LOG_UNAVAILABLE',
    ), { what: 'no more fits' });
    await follower.until('heartbeat');
  });

  it('has another type of value under the name: it heals when that is gone', async () => {
    own = await startRedis();
    const other = new Redis(own.url);
    await other.set(STREAM, 'a text');
    const log = open({ redis: own.url, ...impatient });
    const follower = follow(log);
    await follower.until('lost');
    await expect(log.append(someMessage())).rejects.toMatchObject({ code: 'LOG_UNAVAILABLE' });
    await other.del(STREAM);
    await follower.until('gap');
    await follower.until('heartbeat');
    other.disconnect();
  });

  it('asks for another password: errors tell of it without showing ours', async () => {
    own = await startRedis({ password: 'right' });
    const redis = `redis://:wr0ng-secret@127.0.0.1:${own.port}`;
    const log = open({ redis, ...impatient });
    const lost = await follow(log).until('lost');
    expect(lost.error.message).toMatch(/WRONGPASS|invalid username-password/);
    const text = JSON.stringify(lost.error, Object.getOwnPropertyNames(lost.error));
    expect(text).not.toContain('wr0ng-secret');
  });
});

it('fences invalidate nothing', async () => {
  await plain.flushall();
  const log = open();
  await follow(log).until('gap');
  const [entry] = await plain.xrange(STREAM, '-', '+');
  expect(isFence(JSON.parse(entry?.[1][entry[1].indexOf('message') + 1] as string))).toBe(true);
});
