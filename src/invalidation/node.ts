/**
 * What a gateway, or a server with the cache as a plugin, embeds to take part in invalidation: its
 * horizon, driven by the log, and the door by which it appends. With Redis it also listens on the
 * channel for foreign publishers, and puts in the log what it hears of them.
 *
 * It promises: when `invalidate` resolves, the purge is applied on this node, and is in the log or
 * kept until it can be; no wait on Redis exceeds a bound; and `hears` is true only while the node
 * can prove that it misses nothing. What it cannot have heard, it treats as invalidated: each time
 * that it begins to listen on the channel, also the first time, all that was read before is
 * forgotten, unless `trustOtherNodes` says that at every moment another node was listening.
 */
import { randomUUID } from 'node:crypto';
import {
  pause, systemClock, systemRandom, type Clock, type Millis, type Random,
} from './clock.ts';
import { Channel } from './channel.ts';
import { fenceMessage, isFence } from './fence.ts';
import { Follower } from './follower.ts';
import { Forgetting } from './forgetting.ts';
import { Horizon, type HorizonLimits } from './horizon.ts';
import type { KeyMap } from './key-map.ts';
import { MemoryLog } from './log-memory.ts';
import { RedisLog, type RedisLogOptions } from './log-redis.ts';
import type { Identified, Log, LogRecord } from './log.ts';
import { MessageMaker } from './message-maker.ts';
import type { InvalidationMessage } from './message.ts';
import { Outbox, type OutboxAppendOptions } from './outbox.ts';
import { latest, ORIGIN, type Position } from './position.ts';
import type { Purge } from './purge.ts';
import { purgesOf } from './purges-of.ts';
import { APPEND_MS_MAX } from './redis.ts';
import type { Settle, Siblings } from './siblings.ts';
import { Stats, type NodeStats } from './stats.ts';
import { tracedAppend } from './tracing-channels.ts';

export interface NodeRedisOptions extends Omit<RedisLogOptions, 'clock' | 'random'> {
  /**
   * Listen on the channel for publishers that do not append to the log. Default true; false where
   * every service publishes with this project's publisher.
   */
  readonly listen?: boolean;
  /**
   * At every moment some node of the fleet listens, so nothing is forgotten when this one begins to
   * listen (again). Default false.
   */
  readonly trustOtherNodes?: boolean;
}

export interface InvalidationNodeOptions {
  /** The log in Redis. Without this and without `log`, the log is in memory. */
  readonly redis?: NodeRedisOptions;
  /** A log of one's own making; instead of `redis`. Closed with the node. */
  readonly log?: Log;
  readonly horizon?: HorizonLimits;
  /** For services whose keys are spelled otherwise. */
  readonly keyMap?: KeyMap;
  /** The `source_service` of what the node itself has to say. Default `freshet`. */
  readonly source?: string;
  /** See `Follower`. Default 1,000 ms. */
  readonly hearingTimeoutMs?: Millis;
  /** See `Follower`. Default 1,000 ms with Redis, else 0. */
  readonly settleMs?: Millis;
  /** Other processes that answer as this node. Default none. */
  readonly siblings?: Siblings;
  /** Messages kept while the log does not take them: two seconds of a storm. Default 100,000. */
  readonly outboxRecordsMax?: number;
  /** Told of what an operator should know, at most once a minute for each matter. */
  readonly warn?: (text: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export type { NodeStats } from './stats.ts';
export type InvalidateOptions = Pick<OutboxAppendOptions, 'identity' | 'onSettled'>;

/** `start` waits no longer for Redis: the node then begins without. */
const START_TIMEOUT_MS = 2_000;
const WARN_EVERY_MS = 60_000;
/** Fences that make the log go on come no closer together. */
const FENCE_EVERY_MS = 10;
/** So long the own fence is waited for, before another one. */
const FENCE_READ_MS = 1_000;

export class InvalidationNode {
  readonly horizon: Horizon;
  readonly #clock: Clock;
  readonly #keyMap: KeyMap | undefined;
  readonly #log: Log;
  readonly #outbox: Outbox;
  readonly #follower: Follower;
  readonly #channel: Channel | undefined;
  readonly #forgetting: Forgetting;
  readonly #trustOtherNodes: boolean;
  readonly #siblings: Siblings | undefined;
  readonly #warn: (text: string) => void;
  readonly #stats = new Stats();
  readonly #stop = new AbortController();
  #rejectionWarnedAt: Millis | undefined;
  /** The latest place of a mark that the log may not have come to. */
  #guess = ORIGIN;
  #isGoingBeyond = false;

  /** Throws `REDIS_OPTIONS_INVALID`. Nothing is connected before `start`. */
  constructor(options: InvalidationNodeOptions = {}) {
    const { redis, clock = systemClock, random = systemRandom, source = 'freshet' } = options;
    const { hearingTimeoutMs = 1_000, settleMs = redis === undefined ? 0 : 1_000 } = options;
    this.horizon = new Horizon(options.horizon);
    this.#clock = clock;
    this.#keyMap = options.keyMap;
    this.#warn = options.warn ?? (() => undefined);
    this.#log = options.log ?? logOf(redis, { clock, random });
    const { horizon } = this;
    const log = this.#log;
    const maker = new MessageMaker({ sourceService: source, clock, newId: () => randomUUID() });
    this.#outbox = new Outbox({
      log, maker, clock, random,
      recordsMax: options.outboxRecordsMax ?? 100_000,
      waitMs: redis?.appendTimeoutMs ?? APPEND_MS_MAX,
      onWidened: (message) => this.#apply(message),
    });
    this.#follower = new Follower({
      log, horizon, clock, hearingTimeoutMs, settleMs,
      purgesOf: (message) => purgesOf(message, this.#keyMap),
    });
    this.onRecords((records) => this.#stats.count('received', records.length));
    this.#follower.onGap(() => this.#stats.count('gaps'));
    this.#forgetting = new Forgetting({ log, horizon, clock, random, signal: this.#stop.signal });
    this.#trustOtherNodes = redis?.trustOtherNodes ?? false;
    this.#siblings = options.siblings;
    this.#siblings?.join((message) => this.#apply(message));
    const listens = redis !== undefined && options.log === undefined && (redis.listen ?? true);
    const shared = { clock, random, hearingTimeoutMs };
    this.#channel = listens ? this.#listener(redis, shared) : undefined;
  }

  /**
   * Begins to follow and to listen. Resolves when the log has been read to its end and the channel
   * is heard, or after 2 s: the node then begins without Redis, and catches up when it is there.
   */
  async start(): Promise<void> {
    this.#follower.start();
    this.#channel?.start();
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(START_TIMEOUT_MS, resolve);
      const listening = this.#channel?.listening() ?? Promise.resolve();
      void Promise.all([this.#follower.caughtUp(), listening]).then(() => {
        cancel();
        resolve();
      });
    });
  }

  /** Whether the node knows of every invalidation up to a moment ago. */
  hears(now: Millis): boolean {
    if (this.#forgetting.isPending || !this.#follower.hears(now)) return false;
    return this.#channel?.hears(now) ?? true;
  }

  get position(): Position {
    return this.horizon.position;
  }

  /**
   * Applies `message` on this node, in each of its processes, and appends it. Resolves to its
   * position; to undefined where the log could not be reached in time, so that it is kept and
   * appended later. Rejects for a message that nobody could read (`MESSAGE_INVALID`,
   * `MESSAGE_TOO_LARGE`), and once closed.
   */
  async invalidate(
    message: InvalidationMessage,
    options: InvalidateOptions = {},
  ): Promise<Position | undefined> {
    const startedAt = this.#clock.now();
    const position = await tracedAppend(message, (one) => this.#applyAndAppend(one, options));
    if (position === undefined) this.#stats.count('kept');
    else this.#stats.published(this.#clock.now() - startedAt);
    return position;
  }

  /**
   * On this node, and in this process of it, all that was read so far counts as invalidated.
   * Resolves when that has a place in the log; until then nothing that was read before is served.
   */
  forget(): Promise<void> {
    return this.#forgetting.forget();
  }

  /** Resolves to true once everything up to `position` is applied, to false after `timeoutMs`. */
  reached(position: Position, timeoutMs: Millis): Promise<boolean> {
    return this.#follower.reached(position, timeoutMs);
  }

  /** What `message` makes stale on this node, by whose key map it is read. */
  purgesOf(message: InvalidationMessage): readonly Purge[] {
    return purgesOf(message, this.#keyMap);
  }

  /** `listener` is called with records of the log after they were applied. Returns what ends it. */
  onRecords(listener: (records: readonly LogRecord[]) => void): () => void {
    return this.#follower.onRecords((records) => {
      const meant = records.filter(({ message }) => !isFence(message));
      if (meant.length > 0) listener(meant);
    });
  }

  /** `listener` is called when the position may have moved, fences and gaps included. */
  onMoved(listener: () => void): () => void {
    const ends = [this.#follower.onRecords(() => listener()), this.#follower.onGap(listener)];
    return () => ends.forEach((end) => end());
  }

  /** `listener` is called when records may have been missed. Returns what ends it. */
  onGap(listener: (end: Position) => void): () => void {
    return this.#follower.onGap(listener);
  }

  get stats(): NodeStats {
    const [counted, now] = [this.#stats.snapshot(), this.#clock.now()];
    return {
      ...counted,
      errors: counted.errors + this.#follower.counts.errors,
      hears: this.hears(now),
      lagMs: this.#follower.lagMs(now),
      position: this.horizon.position,
      floor: this.horizon.floor,
      floorRaises: this.horizon.floorRaises,
      marks: this.horizon.size,
      outbox: this.#outbox.kept,
    };
  }

  /** Appends what is kept, for at most 2 s, and releases everything. */
  async close(): Promise<void> {
    await this.#channel?.close();
    const lost = await this.#outbox.close();
    if (lost > 0) this.#warn(`${lost} invalidations could not be appended to the log`);
    this.#stop.abort();
    await this.#follower.close();
    await this.#log.close();
  }

  async #applyAndAppend(
    message: InvalidationMessage,
    { onSettled: told, ...options }: InvalidateOptions,
  ): Promise<Position | undefined> {
    const held = this.#siblings?.hold(message);
    const settled = this.#apply(message);
    const onSettled: Settle = (position) => {
      settled(position);
      void held?.then((settle) => settle(position));
      told?.(position);
    };
    const appended = this.#outbox.append(message, { ...options, onSettled });
    const [position] = await Promise.all([appended, held]);
    return position;
  }

  /**
   * Applies what is on its way to the log. Until the returned function is called, with the place
   * that it got or undefined, it is held, which may be longer than `append` takes.
   */
  #apply(message: InvalidationMessage): Settle {
    const settle = this.#applyAll([message]);
    return (position) => settle(0, position);
  }

  /** As `#apply`; all are held until the last of them is settled, each by its index. */
  #applyAll(messages: readonly InvalidationMessage[]): (at: number, position?: Position) => void {
    const { horizon } = this;
    const purges = messages.map((message) => purgesOf(message, this.#keyMap));
    const all = purges.flat();
    const guess = horizon.next;
    // A hold is for those that nobody may see any more; what is soft ends a TTL at once.
    horizon.markNow(all.filter(({ soft }) => soft === true));
    const release = horizon.hold(all);
    let [unsettled, doubled] = [messages.length, false];
    return (at, position = horizon.next) => {
      horizon.mark(latest(position, guess), purges[at] ?? []);
      // It was in the log already: sent twice, or followed before it was heard.
      doubled ||= position < guess;
      unsettled -= 1;
      if (unsettled > 0) return;
      release();
      if (doubled) void this.#goBeyond(guess);
    };
  }

  /**
   * What was marked at a place that the log has not come to is not kept until it has, and the next
   * record may be hours away: a fence brings the log there.
   */
  async #goBeyond(guess: Position): Promise<void> {
    this.#guess = latest(this.#guess, guess);
    if (this.#isGoingBeyond) return;
    this.#isGoingBeyond = true;
    const { signal } = this.#stop;
    for (let reached = true; reached && this.position < this.#guess && !signal.aborted;) {
      const fence = this.#outbox.append(fenceMessage(this.#clock), { announce: false });
      const position = await fence.catch(() => undefined);
      reached = position !== undefined && await this.reached(position, FENCE_READ_MS);
      await pause(this.#clock, FENCE_EVERY_MS, signal);
    }
    this.#isGoingBeyond = false;
  }

  #listener(
    redis: NodeRedisOptions,
    shared: { clock: Clock; random: Random; hearingTimeoutMs: Millis },
  ): Channel {
    const { channel = 'cache:invalidate', heartbeatMs = 250, commandTimeoutMs = 1_000 } = redis;
    return new Channel({
      ...shared, channel, heartbeatMs, commandTimeoutMs,
      redis: redis.redis,
      onMessages: (messages) => this.#hear(messages),
      onRejected: (reason) => this.#reject(reason),
      onListening: () => {
        if (!this.#trustOtherNodes) void this.#forgetting.forget();
      },
    });
  }

  #hear(messages: readonly Identified[]): void {
    this.#stats.count('foreign', messages.length);
    this.#outbox.appendAll(messages, this.#applyAll(messages.map(({ message }) => message)));
  }

  #reject(reason: string): void {
    this.#stats.count('rejected');
    const [now, last] = [this.#clock.now(), this.#rejectionWarnedAt];
    if (last !== undefined && now - last < WARN_EVERY_MS) return;
    this.#rejectionWarnedAt = now;
    const { rejected } = this.#stats.snapshot();
    this.#warn(`messages on the channel that cannot be read: ${rejected} so far (${reason})`);
  }
}

function logOf(
  redis: NodeRedisOptions | undefined,
  { clock, random }: { clock: Clock; random: Random },
): Log {
  if (redis === undefined) return new MemoryLog({ clock });
  return new RedisLog({ ...redis, clock, random });
}
