/**
 * What a service uses to say that something of its own has changed, after its commit.
 *
 * It promises: what it was told is in the log and announced on the channel when the call resolves
 * with a position; without one it is kept in memory and goes into the log as soon as that can be
 * reached, in order. A call waits for Redis no longer than a bound, and trouble with Redis fails no
 * caller who has not asked for it (`strict`).
 */
import { randomUUID } from 'node:crypto';
import { Batching, type Joined } from './batching.ts';
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { fault } from './errors.ts';
import { RedisLog } from './log-redis.ts';
import type { Log } from './log.ts';
import { MessageMaker } from './message-maker.ts';
import {
  readMessage, writeMessage, type InvalidationMessage, type Metadata,
} from './message.ts';
import { Outbox } from './outbox.ts';
import type { Position } from './position.ts';
import { APPEND_MS_MAX, type RedisOptions } from './redis.ts';
import { Stats, type StatsSnapshot } from './stats.ts';
import { withTraceparent } from './traceparent.ts';

export interface PublisherOptions {
  /** Where the log is. Either this or `log`. */
  readonly redis?: RedisOptions;
  /** A log that is there already, and is not closed with the publisher. */
  readonly log?: Log;
  /** The name of the service: the `source_service` of its messages. */
  readonly source: string;
  /** Default `cache:invalidate`. */
  readonly channel?: string;
  /** Default the channel's name and `:log`. */
  readonly stream?: string;
  /** No call waits longer for Redis. Default 250 ms. */
  readonly appendTimeoutMs?: Millis;
  /** Calls reject with `LOG_UNAVAILABLE` where the message had to be kept. Default false. */
  readonly strict?: boolean;
  /** Messages kept while Redis cannot be reached; more are widened. Default 10,000. */
  readonly outboxRecordsMax?: number;
  /** Bytes of the messages that are kept; more are widened. Default 32 MiB. */
  readonly outboxBytesMax?: number;
  /**
   * Entities that are published in one turn of the event loop travel in one message, where that
   * says the same (see batching.ts). Default true.
   */
  readonly batch?: boolean;
  /**
   * Its appends drop older records of the log, for everybody. Default: as the gateways are
   * configured; 25 h where none has ever run.
   */
  readonly retentionMs?: Millis;
  /** As `retentionMs`: the log keeps no more records. Default likewise, and else 1,000,000. */
  readonly recordsMax?: number;
  /**
   * Asked at each call, but for `publish`: the W3C `traceparent` of what the service is doing, so
   * that the purge on each gateway is linked to it (docs/tracing.md). What it throws, and what is
   * no traceparent, is passed over. Default: only `metadata.traceparent` says so.
   */
  readonly traceparent?: () => string | undefined;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface EntityOptions {
  /** What became of it. Default `Delete`; caches do the same for both. */
  readonly action?: 'Delete' | 'Update';
  readonly metadata?: Metadata;
}

export interface Published {
  /** Where the log has it; undefined where it is kept, to be appended later. */
  readonly position: Position | undefined;
  /** Of the message that says it, which may be one that says more: see `batch`. */
  readonly message_id: string;
}

/** Throws `REDIS_OPTIONS_INVALID`. Connects at the first call. */
export function createPublisher(options: PublisherOptions): Publisher {
  return new Publisher(options);
}

/**
 * Calls reject with `MESSAGE_INVALID` or `PATTERN_INVALID` for arguments that no cache could act
 * upon (an id that is undefined), and with `LOG_CLOSED` after `close`.
 */
export class Publisher {
  readonly #log: Log;
  readonly #ownsLog: boolean;
  readonly #outbox: Outbox;
  readonly #batching: Batching<Published> | undefined;
  readonly #maker: MessageMaker;
  readonly #strict: boolean;
  readonly #traceparent: () => string | undefined;
  readonly #clock: Clock;
  readonly #stats = new Stats();

  constructor(options: PublisherOptions) {
    const {
      source, clock = systemClock, random = systemRandom, appendTimeoutMs = APPEND_MS_MAX,
    } = options;
    this.#clock = clock;
    this.#strict = options.strict ?? false;
    this.#traceparent = options.traceparent ?? (() => undefined);
    this.#ownsLog = options.log === undefined;
    this.#log = options.log ?? logOf(options, { clock, random, appendTimeoutMs });
    this.#maker = new MessageMaker({ sourceService: source, clock, newId: () => randomUUID() });
    this.#outbox = new Outbox({
      log: this.#log, maker: this.#maker, waitMs: appendTimeoutMs, clock, random,
      recordsMax: options.outboxRecordsMax ?? 10_000,
      bytesMax: options.outboxBytesMax ?? 32 * 2 ** 20,
    });
    const send = (joined: Joined): Promise<Published> => this.#append(joined);
    if (options.batch ?? true) this.#batching = new Batching({ maker: this.#maker, send });
  }

  invalidateUser(id: string | number, options?: EntityOptions): Promise<Published> {
    return this.invalidateCustom('User', id, options);
  }

  invalidatePost(id: string | number, options?: EntityOptions): Promise<Published> {
    return this.invalidateCustom('Post', id, options);
  }

  invalidateComment(id: string | number, options?: EntityOptions): Promise<Published> {
    return this.invalidateCustom('Comment', id, options);
  }

  invalidateNotification(id: string | number, options?: EntityOptions): Promise<Published> {
    return this.invalidateCustom('Notification', id, options);
  }

  invalidateFeed(id: string | number, options?: EntityOptions): Promise<Published> {
    return this.invalidateCustom('Feed', id, options);
  }

  /** An entity of any type, in any case: `session`. */
  async invalidateCustom(
    type: string,
    id: string | number,
    { action = 'Delete', metadata }: EntityOptions = {},
  ): Promise<Published> {
    const message = action === 'Update'
      ? this.#maker.updated(type, id, metadata)
      : this.#maker.deleted(type, id, metadata);
    return this.#send(message);
  }

  /** Full cache keys, `user:1`; at most 10,000. */
  async invalidateBatch(keys: readonly string[], metadata?: Metadata): Promise<Published> {
    return this.#send(this.#maker.batch(keys, metadata));
  }

  /** `feed:123:*`, `*:posts`; see pattern.ts. */
  async invalidatePattern(pattern: string, metadata?: Metadata): Promise<Published> {
    return this.#send(this.#maker.pattern(pattern, metadata));
  }

  /** The entity is new: every cached list of its type is stale. */
  async created(type: string, id: string | number, metadata?: Metadata): Promise<Published> {
    return this.#send(this.#maker.created(type, id, metadata));
  }

  /** A message as it is, with the id and the time that it bears. */
  async publish(message: InvalidationMessage): Promise<Published> {
    checkReadable(message);
    return this.#counted(() => this.#append({ message }));
  }

  get stats(): StatsSnapshot & { readonly outbox: number } {
    return { ...this.#stats.snapshot(), outbox: this.#outbox.kept };
  }

  /**
   * Takes nothing more, and appends what is kept for at most `timeoutMs` (default 2,000 ms).
   * Resolves to how many messages could not be appended.
   */
  async close(timeoutMs: Millis = 2_000): Promise<number> {
    this.#batching?.flush();
    const lost = await this.#outbox.close(timeoutMs);
    if (this.#ownsLog) await this.#log.close();
    return lost;
  }

  // Async, so that a message that cannot be read rejects.
  async #send(made: InvalidationMessage): Promise<Published> {
    const message = this.#traced(made);
    checkReadable(message);
    return this.#counted(() => this.#batching?.add(message) ?? this.#append({ message }));
  }

  #traced(message: InvalidationMessage): InvalidationMessage {
    try {
      return withTraceparent(message, this.#traceparent());
    } catch {
      return message;
    }
  }

  async #append({ message, types }: Joined): Promise<Published> {
    const position = await this.#outbox.append(message, types === undefined ? {} : { types });
    return { position, message_id: message.message_id };
  }

  async #counted(send: () => Promise<Published>): Promise<Published> {
    const startedAt = this.#clock.now();
    const published = await send();
    if (published.position !== undefined) {
      this.#stats.published(this.#clock.now() - startedAt);
      return published;
    }
    this.#stats.count('kept');
    const reason = 'the message is kept, and will be appended when it can be reached';
    if (this.#strict) throw fault('LOG_UNAVAILABLE', { reason });
    return published;
  }
}

/** Before the message is kept, so that the caller learns what is wrong with it. */
function checkReadable(message: InvalidationMessage): void {
  readMessage(writeMessage(message));
}

function logOf(
  { redis, channel, stream, retentionMs, recordsMax }: PublisherOptions,
  shared: { clock: Clock; random: Random; appendTimeoutMs: Millis },
): Log {
  if (redis === undefined) {
    const required = 'a URL or an object, or a log';
    throw fault('REDIS_OPTIONS_INVALID', { path: 'redis', required, got: 'neither' });
  }
  return new RedisLog({
    ...shared, redis,
    ...(channel === undefined ? {} : { channel }),
    ...(stream === undefined ? {} : { stream }),
    ...(retentionMs === undefined ? {} : { retentionMs }),
    ...(recordsMax === undefined ? {} : { recordsMax }),
  });
}
