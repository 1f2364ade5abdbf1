/**
 * The log as a Redis Stream. The ID of an entry is its position; its fields are `message` (JSON),
 * `message_id`, `previous`, the link to the entry before it (see log-link.ts), and `total`. What
 * was appended at once is one entry (see log-scripts.ts).
 *
 * It promises what `Log` does, whatever becomes of Redis: absent, stopped, killed, flushed, failed
 * over, restored from an older state. A follower is told of a `gap` wherever it cannot prove that
 * it has read all, and positions grow even where the log was replaced by an older one: a record
 * that says nothing (a fence) is appended beyond all that any follower has read.
 */
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Connection } from './connection.ts';
import { contentOf } from './content.ts';
import { digestOf } from './digest.ts';
import { fault, type FreshetError } from './errors.ts';
import type { AppendOptions, Identified, Log, LogEvent } from './log.ts';
import { RedisLogAppender, type Appended } from './log-redis-appender.ts';
import { OwnEntries } from './log-redis-own.ts';
import { RedisLogReader } from './log-redis-reader.ts';
import type { Limits } from './log-scripts.ts';
import { checkMessage, writeMessageAround, type InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { APPEND_MS_MAX, connectRedis, type RedisOptions } from './redis.ts';
import { readRedisOptions } from './redis-options.ts';

export interface RedisLogOptions {
  readonly redis: RedisOptions;
  /** Default `cache:invalidate`. */
  readonly channel?: string;
  /** Default the channel's name and `:log`. */
  readonly stream?: string;
  /** An idle log is proved alive this often. Default 250 ms. */
  readonly heartbeatMs?: Millis;
  /** Any other answer of Redis than to `append` is waited for this long. Default 1,000 ms. */
  readonly commandTimeoutMs?: Millis;
  /** Default 250 ms. */
  readonly appendTimeoutMs?: Millis;
  /**
   * Appends drop records that are older; at least the longest life of a cache entry. Default: what
   * a node has told in Redis, else 25 h.
   */
  readonly retentionMs?: Millis;
  /** Appends keep no more records than this. Default: what a node has told, else 1,000,000. */
  readonly recordsMax?: number;
  /**
   * Those who follow this log tell in Redis what its limits are, for all who append without limits
   * of their own. For nodes. Default false.
   */
  readonly tellsLimits?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
}

type CompleteOptions =
  Required<Omit<RedisLogOptions, keyof Limits>> & Limits;

export class RedisLog implements Log {
  readonly #options: CompleteOptions;
  readonly #appending: Connection;
  readonly #appender: RedisLogAppender;
  readonly #own = new OwnEntries();
  readonly #closing = new AbortController();
  #unreadable = 0;

  /** Throws `REDIS_OPTIONS_INVALID`; connects when it is first used. */
  constructor(options: RedisLogOptions) {
    this.#options = complete(options);
    const connection = this.#connection('freshet-append', this.#options.commandTimeoutMs);
    this.#appending = connection;
    this.#appender = new RedisLogAppender({ ...this.#options, connection, own: this.#own });
  }

  /** How many records could not be read, and were skipped. */
  get unreadable(): number {
    return this.#unreadable;
  }

  async append(message: InvalidationMessage, options: AppendOptions = {}): Promise<Position> {
    if (this.#closing.signal.aborted) throw fault('LOG_CLOSED');
    const appended = appendedOf(message, options);
    try {
      return await this.#appender.append(appended);
    } catch (error) {
      throw this.#closing.signal.aborted ? fault('LOG_CLOSED') : error;
    }
  }

  async appendAll(messages: readonly Identified[]): Promise<readonly Position[]> {
    if (this.#closing.signal.aborted) throw fault('LOG_CLOSED');
    const appended = messages.map(appendedQuietly);
    try {
      return await this.#appender.appendAll(appended);
    } catch (error) {
      throw this.#closing.signal.aborted ? fault('LOG_CLOSED') : error;
    }
  }

  async *follow(options: { from?: Position; signal: AbortSignal }): AsyncGenerator<LogEvent> {
    const connection = this.#connection('freshet-follow', Number.POSITIVE_INFINITY);
    const reader = new RedisLogReader({
      ...this.#options,
      connection,
      own: this.#own,
      onUnreadable: () => {
        this.#unreadable += 1;
      },
    });
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const close = (): void => connection.close();
    signal.addEventListener('abort', close, { once: true });
    const ended = this.#own.readBy();
    try {
      yield* reader.read(options.from, signal);
    } finally {
      ended();
      signal.removeEventListener('abort', close);
      close();
    }
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#appending.close();
    return Promise.resolve();
  }

  #connection(name: string, commandTimeoutMs: Millis): Connection {
    const { redis, clock, random } = this.#options;
    const connect = () => connectRedis(redis, { name, commandTimeoutMs, random });
    return new Connection({ connect, clock, random });
  }
}

function appendedQuietly({ message, json, identity }: Identified): Appended {
  if (json === undefined) {
    return appendedOf(message, { identity, announce: false, isPatient: true });
  }
  const { message_id: messageId } = message;
  return { json, messageId, identity, announcement: ['', ''], isPatient: true, message };
}

function appendedOf(
  message: InvalidationMessage,
  { announce = true, identity, isPatient = false }: AppendOptions,
): Appended {
  const json = contentOf(message);
  // Whatever is in the log can be read by those who follow it: checked here as there.
  const read = checkMessage(message, json);
  return {
    json,
    messageId: message.message_id,
    identity: identity ?? digestOf(json),
    announcement: announce ? writeMessageAround(message) : ['', ''],
    isPatient,
    // What metadata holds may be another thing in JSON.
    message: message.metadata === null ? read : undefined,
  };
}

function complete(options: RedisLogOptions): CompleteOptions {
  const {
    redis, channel = 'cache:invalidate', stream = `${channel}:log`,
    clock = systemClock, random = systemRandom, tellsLimits = false,
  } = options;
  readRedisOptions(redis);
  for (const [path, name] of Object.entries({ channel, stream })) {
    if (typeof name !== 'string' || name === '') throw invalid(path, 'a name', 'none');
  }
  const {
    heartbeatMs = 250, commandTimeoutMs = 1_000, appendTimeoutMs = APPEND_MS_MAX, retentionMs,
    recordsMax,
  } = options;
  const numbers = { heartbeatMs, commandTimeoutMs, appendTimeoutMs, retentionMs, recordsMax };
  for (const [path, value] of Object.entries(numbers)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw invalid(path, 'a whole number of at least 1', String(value));
  }
  return { redis, channel, stream, clock, random, tellsLimits, ...numbers };
}

function invalid(path: string, required: string, got: string): FreshetError {
  return fault('REDIS_OPTIONS_INVALID', { path, required, got });
}
