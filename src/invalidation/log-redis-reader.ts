/**
 * Follows the Stream for one follower: reads, proves by the links that nothing is missing, and
 * tells what it found. It goes on for ever: whatever goes wrong is an event.
 */
import { pause, type Clock, type Millis, type Random } from './clock.ts';
import type { Connection } from './connection.ts';
import { fenceMessage } from './fence.ts';
import type { LogEvent, LogRecord } from './log.ts';
import {
  boot, cursorAt, followChain, judgeTail, linkOf, type Cursor, type Tail,
} from './log-link.ts';
import { entryOf, placeOf, type Entry, type RawEntry } from './log-redis-entry.ts';
import type { OwnEntries } from './log-redis-own.ts';
import {
  FENCE, keyBeside, LIMITS_DEFAULT, limitsText, runScript, TAIL, type Limits, type Script,
} from './log-scripts.ts';
import { writeMessage } from './message.ts';
import {
  before, formatPosition, positionOf, positionsUpTo, successor, type Position,
} from './position.ts';
import { backoffMs, isRefusal, unavailable, type RedisClient } from './redis.ts';
import { within } from './within.ts';

export interface ReaderOptions extends Limits {
  readonly connection: Connection;
  readonly stream: string;
  readonly heartbeatMs: Millis;
  readonly commandTimeoutMs: Millis;
  /** Whether its limits are for all who append. Default false. */
  readonly tellsLimits?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** What this process has appended. */
  readonly own?: OwnEntries;
  /** Called for each record that could not be read, and is skipped. */
  readonly onUnreadable: () => void;
}

/** Entries that are read at once where nothing is known of their size, and at most. */
const READ_COUNT = 100;
const READ_COUNT_MAX = 500;
/** Characters that are wanted at once: parsing them should not hold the event loop for long. */
const READ_LENGTH = 2 ** 18;
/** Limits that were refused are told again after so long. */
const REFUSED_MS: Millis = 10_000;

export class RedisLogReader {
  readonly #options: ReaderOptions;
  /** Undefined until the place where reading starts is known. */
  #cursor: Cursor | undefined;
  /** An entry may hold one small message, or 128, or a megabyte: it goes by those last read. */
  #count = READ_COUNT;
  /** When it is to tell its limits; undefined: it has. */
  #tellsAt: Millis | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#tellAgain();
  }

  async *read(from: Position | undefined, signal: AbortSignal): AsyncGenerator<LogEvent> {
    const { clock, random, connection } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        const event = await this.#next(from);
        failures = 0;
        connection.proved();
        if (event !== undefined) yield event;
      } catch (error) {
        if (signal.aborted) return;
        connection.drop();
        this.#tellAgain();
        yield { kind: 'lost', error: unavailable(error) };
        await pause(clock, backoffMs(failures, random), signal);
        failures += 1;
      }
    }
  }

  /** The next thing to tell, or nothing where there is more to read first. */
  async #next(from: Position | undefined): Promise<LogEvent | undefined> {
    const client = await this.#options.connection.ready(this.#options.commandTimeoutMs);
    if (this.#tellsAt !== undefined) await this.#tellLimits(client);
    if (this.#cursor === undefined) return this.#begin(client, from);
    const cursor = this.#cursor;
    const count = this.#count;
    const entries = await this.#readAfter(client, cursor.position);
    if (entries.length === 0) return this.#verify(client, cursor);
    const chain = followChain(cursor, entries);
    if (chain.end !== 'whole' && chain.intact.length === 0) {
      return this.#goOnAtEnd(client, { beyond: cursor.position, tell: chain.end === 'broken' });
    }
    // What does not follow is read again, and is then the first thing that does not.
    this.#cursor = chain.cursor;
    const caughtUp = chain.end === 'whole' && entries.length < count;
    return { kind: 'records', records: this.#records(chain.intact, cursor.position), caughtUp };
  }

  /** After each trouble, since Redis may have forgotten them with the log. */
  #tellAgain(): void {
    const { tellsLimits = false, clock } = this.#options;
    this.#tellsAt = tellsLimits ? clock.now() : undefined;
  }

  /** A Redis that is full, or a replica, may refuse it for long, and be read all the same. */
  async #tellLimits(client: RedisClient): Promise<void> {
    const {
      stream, recordsMax = LIMITS_DEFAULT.recordsMax, retentionMs = LIMITS_DEFAULT.retentionMs,
      clock,
    } = this.#options;
    if (this.#tellsAt === undefined || clock.now() < this.#tellsAt) return;
    const text = limitsText({ recordsMax, retentionMs }).join(' ');
    try {
      await this.#answer(client.call('set', keyBeside(stream, 'limits'), text));
      this.#tellsAt = undefined;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#tellsAt = clock.now() + REFUSED_MS;
    }
  }

  async #begin(client: RedisClient, from: Position | undefined): Promise<LogEvent | undefined> {
    const tail = await this.#tail(client, TAIL, []);
    if (from !== undefined) {
      const [entry] = await this.#range(client, formatPosition(from));
      this.#cursor = entry && cursorIn(entry, from);
      if (this.#cursor !== undefined) return undefined;
      // It was dropped because it is old, or never was: no reason to tell others.
      return this.#goOnAtEnd(client, { beyond: from, tell: false });
    }
    const { retentionMs = LIMITS_DEFAULT.retentionMs } = this.#options;
    const oldestMs = Math.max(0, tail.timeMs - retentionMs);
    const start = positionOf(oldestMs, 0);
    const [first] = await this.#range(client, `(${formatPosition(start)}`);
    this.#cursor = boot(start, { first, tail });
    if (this.#cursor === undefined) {
      return this.#goOnAtEnd(client, { beyond: undefined, tell: false });
    }
    return { kind: 'gap', end: this.#cursor.position };
  }

  /** Nothing came: is that because nothing is there? */
  async #verify(client: RedisClient, cursor: Cursor): Promise<LogEvent | undefined> {
    const askedAt = this.#options.clock.now();
    switch (judgeTail(cursor, await this.#tail(client, TAIL, []))) {
      case 'here':
        return { kind: 'heartbeat', askedAt };
      case 'ahead':
        return undefined;
      case 'broken':
        return this.#goOnAtEnd(client, { beyond: cursor.position, tell: true });
    }
  }

  /** Goes on at the end of the log; a fence makes sure that it is `beyond`, and tells others. */
  async #goOnAtEnd(
    client: RedisClient,
    { beyond, tell }: { beyond: Position | undefined; tell: boolean },
  ): Promise<LogEvent> {
    const fence = fenceMessage(this.#options.clock, { tellsLoss: tell });
    const tail = await this.#tail(client, FENCE, [
      writeMessage(fence), fence.message_id, limitsText(this.#options)[0],
      beyond === undefined ? '' : formatPosition(beyond),
      beyond === undefined ? '' : formatPosition(successor(beyond)),
      tell ? 'always' : '',
    ]);
    this.#cursor = cursorAt(tail);
    this.#tellAgain();
    return { kind: 'gap', end: this.#cursor.position };
  }

  async #readAfter(client: RedisClient, position: Position): Promise<readonly Entry[]> {
    const { stream, heartbeatMs, commandTimeoutMs, clock } = this.#options;
    const id = formatPosition(position);
    const read = client.call(
      'xread', 'COUNT', this.#count, 'BLOCK', heartbeatMs, 'STREAMS', stream, id);
    const reply = await within(read, { timeoutMs: heartbeatMs + commandTimeoutMs, clock });
    const streams = reply as readonly [string, readonly RawEntry[]][] | null;
    const entries = streams?.[0]?.[1] ?? [];
    if (entries.length > 0) this.#count = countFor(entries);
    return entries.map((entry) => entryOf(entry, this.#options.own));
  }

  /** The first entry from `start` on, where there is one. */
  async #range(client: RedisClient, start: string): Promise<readonly Entry[]> {
    const { stream } = this.#options;
    const reply = await this.#answer(client.call('xrange', stream, start, '+', 'COUNT', 1));
    return (reply as readonly RawEntry[]).map((entry) => entryOf(entry));
  }

  async #tail(client: RedisClient, script: Script, args: readonly string[]): Promise<Tail> {
    const { stream } = this.#options;
    const keys = script === FENCE ? [stream, keyBeside(stream, 'limits')] : [stream];
    const reply = await this.#answer(runScript(client, script, { keys, args }));
    const [timeMs, last, entry, link] = reply as [string, string, string, string];
    return { timeMs: Number(timeMs), last: placeOf(last), entry: placeOf(entry), link };
  }

  #answer<T>(promise: Promise<T>): Promise<T> {
    const { commandTimeoutMs, clock } = this.#options;
    return within(promise, { timeoutMs: commandTimeoutMs, clock });
  }

  /** Those after `position`, which may be that of one in the midst of an entry. */
  #records(entries: readonly Entry[], after: Position): readonly LogRecord[] {
    const records: LogRecord[] = [];
    for (const { position: last, messages } of entries) {
      const positions = positionsUpTo(last, messages.length);
      for (const [at, message] of messages.entries()) {
        const position = positions[at] as Position;
        if (position <= after) continue;
        if (message === undefined) this.#options.onUnreadable();
        else if (position === last) records.push({ position, message });
        else records.push({ position, batchEnd: last, message });
      }
    }
    return records;
  }
}

/** How many entries to read next, if they are like these. */
function countFor(entries: readonly RawEntry[]): number {
  const length = entries.reduce((sum, [, fields]) => sum + (fields[1]?.length ?? 0), 0);
  const fitting = Math.floor((READ_LENGTH * entries.length) / Math.max(1, length));
  // One more than came says that there was no more.
  return Math.min(READ_COUNT_MAX, Math.max(2, fitting));
}

/** Where a reader stands that has read up to `position`; undefined where `entry` holds no such. */
function cursorIn(entry: Entry, position: Position): Cursor | undefined {
  if (entry.position === position) return { position, link: linkOf(position, entry.messageId) };
  const isWithin = entry.messages.some((_, count) => before(entry.position, count) === position);
  // The entry is read again, and follows what it followed before.
  return isWithin && entry.previous !== undefined ? { position, link: entry.previous } : undefined;
}
