/**
 * The log as a Redis Stream. The ID of an entry is its position; its fields are `message` (JSON),
 * `message_id`, and `previous`, the link to the entry before it (see log-link.ts).
 *
 * It promises what `Log` does, whatever becomes of Redis: absent, stopped, killed, flushed, failed
 * over, restored from an older state. A follower is told of a `gap` wherever it cannot prove that
 * it has read all, and positions grow even where the log was replaced by an older one: a record
 * that says nothing (a fence) is appended beyond all that any follower has read.
 */
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Connection } from './connection.ts';
import { contentOf, digestOf } from './content.ts';
import { fault, type FreshetError } from './errors.ts';
import type { AppendOptions, Log, LogEvent } from './log.ts';
import { APPEND, runScript } from './log-scripts.ts';
import { RedisLogReader } from './log-redis-reader.ts';
import { readMessage, writeMessageAround, type InvalidationMessage } from './message.ts';
import { parsePosition, type Position } from './position.ts';
import { connectRedis, unavailable, type RedisOptions } from './redis.ts';
import { readRedisOptions } from './redis-options.ts';
import { TimedOut, within } from './within.ts';

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
  /** Older records may be dropped; at least the longest life of a cache entry. Default 25 h. */
  readonly retentionMs?: Millis;
  /** More records than this are not kept. Default 1,000,000. */
  readonly recordsMax?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** An equal message within this time is the same message (interface `Log`). */
const SEEN_MS = 60_000;

export class RedisLog implements Log {
  readonly #options: Required<RedisLogOptions>;
  readonly #appending: Connection;
  readonly #closing = new AbortController();
  /** When Redis last answered to an append. */
  #answeredAt: Millis = Number.NEGATIVE_INFINITY;
  #unreadable = 0;

  /** Throws `REDIS_OPTIONS_INVALID`; connects when it is first used. */
  constructor(options: RedisLogOptions) {
    this.#options = complete(options);
    this.#appending = this.#connection('freshet-append', this.#options.commandTimeoutMs);
  }

  /** How many records could not be read, and were skipped. */
  get unreadable(): number {
    return this.#unreadable;
  }

  async append(
    message: InvalidationMessage,
    { announce = true, identity }: AppendOptions = {},
  ): Promise<Position> {
    if (this.#closing.signal.aborted) throw fault('LOG_CLOSED');
    const args = this.#appendArguments(message, { announce, identity });
    const { clock, appendTimeoutMs } = this.#options;
    const deadline = clock.now() + appendTimeoutMs;
    const client = await this.#appending.ready(appendTimeoutMs);
    try {
      const timeoutMs = Math.max(1, deadline - clock.now());
      const id = await within(runScript(client, APPEND, args), { timeoutMs, clock });
      const position = typeof id === 'string' ? parsePosition(id) : undefined;
      if (position === undefined) throw new Error('the Stream gives out IDs that are no positions');
      this.#appending.proved();
      this.#answeredAt = clock.now();
      return position;
    } catch (error) {
      if (this.#closing.signal.aborted) throw fault('LOG_CLOSED');
      // A connection that answers nobody would have to hold every later command as well; one that
      // is slow under load is not made faster by sending all of it again.
      const isSilent = clock.now() - this.#answeredAt >= appendTimeoutMs;
      if (error instanceof TimedOut && isSilent) this.#appending.drop();
      throw unavailable(error);
    }
  }

  async *follow(options: { from?: Position; signal: AbortSignal }): AsyncGenerator<LogEvent> {
    const { heartbeatMs, commandTimeoutMs } = this.#options;
    const connection = this.#connection('freshet-follow', heartbeatMs + commandTimeoutMs);
    const reader = new RedisLogReader({
      ...this.#options,
      connection,
      onUnreadable: () => {
        this.#unreadable += 1;
      },
    });
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    const close = (): void => connection.close();
    signal.addEventListener('abort', close, { once: true });
    try {
      yield* reader.read(options.from, signal);
    } finally {
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

  #appendArguments(
    message: InvalidationMessage,
    { announce, identity }: { announce: boolean; identity: string | undefined },
  ): string[] {
    const { stream, channel, recordsMax, retentionMs } = this.#options;
    const json = contentOf(message);
    const seen = seenKey(stream, identity ?? json);
    // Whatever is in the log can be read by those who follow it: checked here as there.
    readMessage(json);
    const [before, after] = announce ? writeMessageAround(message) : ['', ''];
    return [
      stream, seen, json, message.message_id, String(recordsMax),
      String(retentionMs), String(SEEN_MS), announce ? channel : '', before, after,
    ];
  }
}

/** In the slot of the Stream, so that one script may touch both in a Cluster. */
function seenKey(stream: string, identity: string): string {
  const tag = /^[^{]*\{[^}]+\}/.test(stream) ? stream : `{${stream}}`;
  return `${tag}:seen:${digestOf(identity)}`;
}

function complete(options: RedisLogOptions): Required<RedisLogOptions> {
  const {
    redis, channel = 'cache:invalidate', stream = `${channel}:log`,
    clock = systemClock, random = systemRandom,
  } = options;
  readRedisOptions(redis);
  for (const [path, name] of Object.entries({ channel, stream })) {
    if (typeof name !== 'string' || name === '') throw invalid(path, 'a name', 'none');
  }
  const {
    heartbeatMs = 250, commandTimeoutMs = 1_000, appendTimeoutMs = 250,
    retentionMs = 25 * 3_600_000, recordsMax = 1_000_000,
  } = options;
  const limits = { heartbeatMs, commandTimeoutMs, appendTimeoutMs, retentionMs, recordsMax };
  for (const [path, value] of Object.entries(limits)) {
    if (Number.isSafeInteger(value) && value >= 1) continue;
    throw invalid(path, 'a whole number of at least 1', String(value));
  }
  return { redis, channel, stream, clock, random, ...limits };
}

function invalid(path: string, required: string, got: string): FreshetError {
  return fault('REDIS_OPTIONS_INVALID', { path, required, got });
}
