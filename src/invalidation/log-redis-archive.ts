/**
 * Looks into the Stream from the side, without following it: for whoever must have every record
 * that it holds, also those that a follower passes over because what came before them was lost.
 */
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Connection } from './connection.ts';
import { entryOf, recordsOf, type Entry, type RawEntry } from './log-redis-entry.ts';
import type { LogRecord } from './log.ts';
import { before, formatPosition, parsePosition, type Position } from './position.ts';
import { connectRedis, type RedisClient, type RedisOptions } from './redis.ts';
import { within } from './within.ts';

export interface RedisLogArchiveOptions {
  readonly redis: RedisOptions;
  readonly stream: string;
  /** An answer of Redis is waited for this long. Default 1,000 ms. */
  readonly commandTimeoutMs?: Millis;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** What was appended at once. */
export interface ArchivedEntry {
  /** Of its last record. */
  readonly position: Position;
  /** Of its first record. */
  readonly first: Position;
  /** Names the entry before it: `<id>/<message_id>`. */
  readonly previous: string | undefined;
  readonly tellsLoss: boolean;
  /** Those that can be read. */
  readonly records: readonly LogRecord[];
}

/** How near a reader is to what the log forgets. */
export interface Reach {
  /** The clock of Redis. */
  readonly timeMs: Millis;
  /** The oldest entry that is there; undefined where there is none. */
  readonly oldest: Position | undefined;
  /** The first entry after the reader; undefined where it has read all. */
  readonly next: Position | undefined;
  /** Records that are after the reader. */
  readonly unread: number;
}

const READ_COUNT = 100;

export class RedisLogArchive {
  readonly #connection: Connection;
  readonly #stream: string;
  readonly #timeoutMs: Millis;
  readonly #clock: Clock;

  /** Throws `REDIS_OPTIONS_INVALID`; connects when it is first used. */
  constructor(options: RedisLogArchiveOptions) {
    const { redis, clock = systemClock, random = systemRandom } = options;
    this.#stream = options.stream;
    this.#timeoutMs = options.commandTimeoutMs ?? 1_000;
    this.#clock = clock;
    const connection = { name: 'freshet-archive', commandTimeoutMs: this.#timeoutMs, random };
    const connect = () => connectRedis(redis, connection);
    this.#connection = new Connection({ connect, clock, random });
  }

  /** All that it holds up to `end`, oldest first, some at a time. Rejects where Redis is away. */
  async *entries(end: Position): AsyncGenerator<readonly ArchivedEntry[]> {
    for (let start = '-'; ;) {
      const raw = await this.#range('xrange', [start, formatPosition(end)], READ_COUNT);
      if (raw.length > 0) yield raw.map((one) => archivedOf(entryOf(one)));
      const last = raw.at(-1);
      if (last === undefined || raw.length < READ_COUNT) return;
      start = `(${last[0]}`;
    }
  }

  /** All that it holds after `start`, as `entries`. */
  async *after(start: Position): AsyncGenerator<readonly ArchivedEntry[]> {
    for (let from = formatPosition(start); ;) {
      const raw = await this.#range('xrange', [`(${from}`, '+'], READ_COUNT);
      if (raw.length > 0) yield raw.map((one) => archivedOf(entryOf(one)));
      const last = raw.at(-1);
      if (last === undefined || raw.length < READ_COUNT) return;
      [from] = last;
    }
  }

  /** All that it holds, newest first, some at a time. Rejects where Redis is away. */
  async *backwards(): AsyncGenerator<readonly ArchivedEntry[]> {
    for (let end = '+'; ;) {
      const raw = await this.#range('xrevrange', [end, '-'], READ_COUNT);
      if (raw.length > 0) yield raw.map((one) => archivedOf(entryOf(one)));
      const last = raw.at(-1);
      if (last === undefined || raw.length < READ_COUNT) return;
      end = `(${last[0]}`;
    }
  }

  /** Where a reader stands that has read up to `position`. */
  async reach(position: Position): Promise<Reach> {
    const [oldest] = await this.#range('xrange', ['-', '+'], 1);
    const [next] = await this.#range('xrange', [`(${formatPosition(position)}`, '+'], 1);
    const [last] = await this.#range('xrevrange', ['+', '-'], 1);
    const client = await this.#connection.ready(this.#timeoutMs);
    const [seconds] = await this.#answer(client.call('time')) as [string, string];
    return {
      timeMs: Number(seconds) * 1_000,
      oldest: oldest && parsePosition(oldest[0]),
      next: next && parsePosition(next[0]),
      unread: next === undefined || last === undefined ? 0 : countFrom(next, last),
    };
  }

  close(): void {
    this.#connection.close();
  }

  async #range(
    command: 'xrange' | 'xrevrange',
    [start, end]: readonly [string, string],
    count: number,
  ): Promise<readonly RawEntry[]> {
    const client: RedisClient = await this.#connection.ready(this.#timeoutMs);
    const reply = client.call(command, this.#stream, start, end, 'COUNT', count);
    return await this.#answer(reply) as readonly RawEntry[];
  }

  #answer<T>(promise: Promise<T>): Promise<T> {
    return within(promise, { timeoutMs: this.#timeoutMs, clock: this.#clock });
  }
}

function archivedOf(entry: Entry): ArchivedEntry {
  const { position, previous, tellsLoss, messages } = entry;
  const first = before(position, messages.length - 1);
  return { position, first, previous, tellsLoss, records: recordsOf(entry) };
}

/** Records in the entries from `first` to `last`, by the totals that they bear. */
function countFrom(first: RawEntry, last: RawEntry): number {
  const [from, to] = [entryOf(first), entryOf(last)];
  if (from.total === undefined || to.total === undefined) return 0;
  return to.total - from.total + from.messages.length;
}
