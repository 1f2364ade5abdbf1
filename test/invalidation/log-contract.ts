/**
 * What every `Log` promises, asked of each implementation. Time is real: nothing is waited for but
 * the event itself.
 */
import { afterEach, describe, expect, it } from 'vitest';
import type { Log, LogEvent, LogRecord } from '../../src/invalidation/log.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { ORIGIN, positionOf, successor, type Position } from '../../src/invalidation/position.ts';

let count = 0;

/** A message unlike all before it. */
export function someMessage(fields: Partial<InvalidationMessage> = {}): InvalidationMessage {
  count += 1;
  return {
    message_id: `message-${process.pid}-${count}`, entity_type: 'User', entity_id: String(count),
    pattern: null, entity_ids: null, action: 'Update', timestamp: '2026-03-01T12:00:00Z',
    source_service: 'user-service', metadata: null, ...fields,
  };
}

/** A follower whose events a test takes one by one, or up to the one that it wants. */
export class TestFollower {
  readonly #abort = new AbortController();
  readonly #events: AsyncIterator<LogEvent>;

  constructor(log: Log, from?: Position) {
    const options = { signal: this.#abort.signal, ...(from === undefined ? {} : { from }) };
    this.#events = log.follow(options)[Symbol.asyncIterator]();
  }

  /** The next event; undefined after the end. */
  async next(): Promise<LogEvent | undefined> {
    const result = await this.#events.next();
    return result.done === true ? undefined : result.value;
  }

  /** The next event of a kind; those before it are passed over. */
  async until<Kind extends LogEvent['kind']>(
    kind: Kind,
  ): Promise<Extract<LogEvent, { kind: Kind }>> {
    for (;;) {
      const event = await this.next();
      if (event === undefined) throw new Error(`waited for ${kind}, and the log ended`);
      if (event.kind === kind) return event as Extract<LogEvent, { kind: Kind }>;
    }
  }

  /** The next `length` records, fences left out, and every other event among them. */
  async records(length: number): Promise<{ records: LogRecord[]; others: LogEvent[] }> {
    const records: LogRecord[] = [];
    const others: LogEvent[] = [];
    while (records.length < length) {
      const event = await this.next();
      if (event === undefined) throw new Error('the log ended too early');
      if (event.kind !== 'records') others.push(event);
      else records.push(...event.records.filter(({ message }) => !isFence(message)));
    }
    return { records, others };
  }

  abort(): void {
    this.#abort.abort();
  }
}

function isFence({ metadata }: InvalidationMessage): boolean {
  return metadata?.['fence'] === true;
}

/** `makeLog` makes a log that is empty. It is closed after each test. */
export function logContract(makeLog: () => Log | Promise<Log>): void {
  const opened: Log[] = [];
  const followers: TestFollower[] = [];
  const open = async (): Promise<Log> => {
    const log = await makeLog();
    opened.push(log);
    return log;
  };
  const follow = (log: Log, from?: Position): TestFollower => {
    const follower = new TestFollower(log, from);
    followers.push(follower);
    return follower;
  };
  afterEach(async () => {
    for (const follower of followers.splice(0)) follower.abort();
    await Promise.all(opened.splice(0).map((log) => log.close()));
  });

  describe('append', () => {
    it('gives positions that grow', async () => {
      const log = await open();
      const positions: Position[] = [];
      for (let round = 0; round < 20; round += 1) positions.push(await log.append(someMessage()));
      expect(positions).toEqual([...new Set(positions)].toSorted());
    });

    it('gives each of many at once its own position, and tells them in that order', async () => {
      const log = await open();
      const messages = Array.from({ length: 300 }, () => someMessage());
      messages[200] = messages[100] as InvalidationMessage;
      const positions = await Promise.all(messages.map((message) => log.append(message)));
      expect(positions[200]).toBe(positions[100]);
      // A Cluster may be asked again for some of them, and take these later.
      const placed = positions.map((position, at) => ({ position, message: messages[at] }))
        .toSpliced(200, 1)
        .toSorted((a, b) => (a.position < b.position ? -1 : 1));
      const own = placed.map(({ position }) => position);
      expect(new Set(own).size).toBe(299);
      const ids = placed.map(({ message }) => message?.message_id);
      for (const at of [0, 1, 127, 128, 150, 298]) {
        const follower = follow(log, own[at]);
        const { records, others } = await follower.records(298 - at);
        expect(records.map(({ position }) => position)).toEqual(own.slice(at + 1));
        expect(records.map(({ message }) => message.message_id)).toEqual(ids.slice(at + 1));
        expect(others.filter(({ kind }) => kind === 'gap')).toEqual([]);
      }
    });

    it('puts an equal message in the log once', async () => {
      const log = await open();
      const follower = follow(log);
      const message = someMessage();
      const first = await log.append(message);
      expect(await log.append({ ...message })).toBe(first);
      expect(await log.append({ ...message, metadata: { position: '1-1' } })).toBe(first);
      expect(await log.append(message, { announce: false })).toBe(first);
      const last = await log.append(someMessage());
      const { records } = await follower.records(2);
      expect(records.map(({ position }) => position)).toEqual([first, last]);
    });

    it('tells a message with a repeated id from the one before it by its content', async () => {
      const log = await open();
      const message = someMessage();
      const first = await log.append(message);
      expect(await log.append({ ...message, entity_id: 'other' })).not.toBe(first);
      expect(await log.append({ ...message, metadata: { version: 2 } })).not.toBe(first);
    });

    it('tells messages apart by the identity that is given, where one is', async () => {
      const log = await open();
      const message = someMessage();
      const first = await log.append(message, { identity: 'a' });
      expect(await log.append(message, { identity: 'a' })).toBe(first);
      expect(await log.append(message, { identity: 'b' })).not.toBe(first);
    });

    it('refuses what no follower could read', async () => {
      const log = await open();
      const message = someMessage({ entity_id: null });
      await expect(log.append(message)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' });
    });

    it('is refused once the log is closed', async () => {
      const log = await open();
      await log.append(someMessage());
      await log.close();
      await expect(log.append(someMessage())).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    });
  });

  describe('follow', () => {
    it('begins with a gap where the log starts, and tells all from there', async () => {
      const log = await open();
      const early = [await log.append(someMessage()), await log.append(someMessage())];
      const follower = follow(log);
      const first = await follower.next();
      expect(first).toMatchObject({ kind: 'gap' });
      expect((first as { end: Position }).end < (early[0] as Position)).toBe(true);
      const late = await log.append(someMessage());
      const { records } = await follower.records(3);
      expect(records.map(({ position }) => position)).toEqual([...early, late]);
    });

    it('proves that an empty log is heard', async () => {
      const log = await open();
      const follower = follow(log);
      expect(await follower.next()).toMatchObject({ kind: 'gap' });
      await follower.until('heartbeat');
      await follower.until('heartbeat');
    });

    it('goes on after `from`, without a gap', async () => {
      const log = await open();
      const positions: Position[] = [];
      for (let round = 0; round < 5; round += 1) positions.push(await log.append(someMessage()));
      for (const [index, from] of positions.slice(0, -1).entries()) {
        const { records, others } = await follow(log, from).records(4 - index);
        expect(records.map(({ position }) => position)).toEqual(positions.slice(index + 1));
        expect(others).toEqual([]);
      }
    });

    it('at the end of the log hears that it is alive, and then what is new', async () => {
      const log = await open();
      const follower = follow(log, await log.append(someMessage()));
      expect(await follower.next()).toMatchObject({ kind: 'heartbeat' });
      const position = await log.append(someMessage());
      const { records } = await follower.records(1);
      expect(records[0]?.position).toBe(position);
    });

    it('tells every follower the same, in order, each message whole', async () => {
      const log = await open();
      const followers = [follow(log), follow(log), follow(log)];
      const messages = [
        someMessage({ entity_id: 'gid://shop/User/1 * \u{1f600} \u0000 "\\' }),
        someMessage({ entity_type: { Custom: 'session' }, metadata: { version: 17, a: [{}] } }),
        someMessage({ action: 'Batch', entity_id: null, entity_ids: ['user:1', 'x y'] }),
        someMessage({ action: 'Pattern', entity_id: null, pattern: 'feed:1:*' }),
        someMessage({ entity_id: 'x'.repeat(100_000) }),
      ];
      const positions: Position[] = [];
      for (const message of messages) positions.push(await log.append(message));
      const expected = messages.map((message, at) => ({ message, position: positions[at] }));
      for (const follower of followers) {
        const { records } = await follower.records(messages.length);
        expect(records).toEqual(expected);
      }
    });

    it('loses and repeats nothing of what is appended at once', async () => {
      const log = await open();
      const follower = follow(log);
      const messages = Array.from({ length: 500 }, () => someMessage());
      const positions = await Promise.all(messages.map((message) => log.append(message)));
      const { records } = await follower.records(messages.length);
      const told = new Map(records.map(({ position, message }) => [position, message.message_id]));
      expect(records.map(({ position }) => position)).toEqual([...positions].toSorted());
      messages.forEach(({ message_id }, at) =>
        expect(told.get(positions[at] as Position)).toBe(message_id));
    });

    it('says when nothing is left to tell', async () => {
      const log = await open();
      let last = ORIGIN;
      for (let round = 0; round < 3; round += 1) last = await log.append(someMessage());
      const follower = follow(log);
      for (;;) {
        const event = await follower.until('records');
        const isLast = event.records.some(({ position }) => position === last);
        expect(event.caughtUp ? isLast : true).toBe(true);
        if (isLast) break;
      }
      await follower.until('heartbeat');
    });

    it('from before the oldest record is told of a gap', async () => {
      const log = await open();
      const position = await log.append(someMessage());
      const first = await follow(log, ORIGIN).until('gap');
      expect(first.end > ORIGIN).toBe(true);
      expect(position > ORIGIN).toBe(true);
    });

    it('from beyond the end is told of a gap, and all later positions are beyond it', async () => {
      const log = await open();
      const other = follow(log, await log.append(someMessage()));
      const from = positionOf(Date.now() + 86_400_000, 7);
      const follower = follow(log, from);
      const gap = await follower.until('gap');
      expect(gap.end >= from).toBe(true);
      const position = await log.append(someMessage());
      expect(position > successor(from) || position > gap.end).toBe(true);
      const told = await Promise.all([follower.records(1), other.records(1)]);
      for (const { records } of told) expect(records.at(-1)?.position).toBe(position);
    });

    it('ends when it is aborted, waiting or not', async () => {
      const log = await open();
      const follower = follow(log);
      await follower.until('heartbeat');
      const next = follower.next();
      follower.abort();
      await next;
      expect(await follower.next()).toBeUndefined();
      const never = follow(log);
      never.abort();
      expect(await never.next()).toBeUndefined();
    });

    it('ends when the log is closed', async () => {
      const log = await open();
      const follower = follow(log);
      await follower.until('heartbeat');
      await log.close();
      let event = await follower.next();
      while (event !== undefined) event = await follower.next();
      await log.close();
    });
  });
}
