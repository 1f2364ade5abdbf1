/**
 * Calls a service back for each invalidation: what is in the log, in its order, and what foreign
 * publishers say on the channel, at once.
 *
 * It promises: after an outage it goes on where it was, with a `PositionStore` also in a later
 * process, and says where it cannot (`onGap`); one callback runs at a time, and the next messages
 * are read only when it is done, so memory is bounded however slow it is; one that throws is
 * counted, tried again by choice, and stops nothing.
 *
 * What was called back may come again: a position is saved after the fact. A foreign message comes
 * once, by whichever way is first: when it is heard on the channel (then without a position) or,
 * where the gateways were quicker, from the log. Equal messages (ID and content) within a minute
 * are one, as in the log. Who wants the order of the log and nothing else turns `listen` off, and
 * hears of foreign messages when a gateway has appended them.
 *
 * What was said on the channel while it did not listen, it cannot have heard, and the log proves
 * nothing of it: a gateway may have appended it, or nobody. So each time that it listens again, and
 * the first time where it goes on at a position, that is a gap; unless `trustOtherNodes`.
 */
import { Callbacks, type CallbackOptions, type Delivery } from './callbacks.ts';
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Channel } from './channel.ts';
import { contentOf } from './content.ts';
import { digestOf } from './digest.ts';
import { fault, type FreshetError } from './errors.ts';
import { isFence } from './fence.ts';
import { RedisLog } from './log-redis.ts';
import type { Log, LogEvent, LogRecord } from './log.ts';
import type { InvalidationMessage } from './message.ts';
import { ORIGIN, type Position } from './position.ts';
import { PositionKeeper } from './position-keeper.ts';
import type { PositionStore } from './position-store.ts';
import { RecentlySeen } from './recently-seen.ts';
import type { RedisOptions } from './redis.ts';
import { Stats, type StatsSnapshot } from './stats.ts';
import { within } from './within.ts';

export interface SubscriberOptions extends CallbackOptions {
  /** Where log and channel are. Either this or `log`. */
  readonly redis?: RedisOptions;
  /** A log that is there already, and is not closed with the subscriber. */
  readonly log?: Log;
  /**
   * Messages may have been missed before `end`, where it goes on: forget what was cached. Also
   * where it was the channel that was not heard; see `trustOtherNodes`.
   */
  readonly onGap?: (end: Position) => void | Promise<void>;
  /**
   * Where the position is kept, and where a later run goes on. Not closed with the subscriber.
   * Default: nowhere.
   */
  readonly positions?: PositionStore;
  /** The position is saved this often. Default 1,000 ms. */
  readonly saveEveryMs?: Millis;
  /**
   * Go on after this position, where `positions` holds none: `subscriber.position` of an earlier
   * run. Default: what is new once `ready()` has resolved.
   */
  readonly from?: Position;
  /** Also listen on the channel. Default true with `redis`. */
  readonly listen?: boolean;
  /**
   * At every moment some gateway listens on the channel and puts in the log what it hears, so it is
   * no gap that this one did not. Default false.
   */
  readonly trustOtherNodes?: boolean;
  /** Default `cache:invalidate`. */
  readonly channel?: string;
  /** Default the channel's name and `:log`. */
  readonly stream?: string;
  readonly clock?: Clock;
  readonly random?: Random;
}

const HEARTBEAT_MS = 250;
const COMMAND_TIMEOUT_MS = 1_000;
const HEARING_TIMEOUT_MS = 1_000;
/** Foreign messages that wait for the callback. */
const FOREIGN_WAITING_MAX = 1_000;
const SEEN_MS = 60_000;
const SEEN_MAX = 10_000;

/** Throws `REDIS_OPTIONS_INVALID` and `SUBSCRIBER_INVALID`. Begins at once. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  return new Subscriber(options);
}

interface Waiter {
  readonly position: Position;
  readonly wake: (reached: boolean) => void;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Log;
  readonly #channel: Channel | undefined;
  readonly #seen: RecentlySeen;
  readonly #stats = new Stats();
  readonly #stop = new AbortController();
  readonly #live = Promise.withResolvers<void>();
  /** Where it goes on; undefined where it begins with what is new. */
  readonly #begun = Promise.withResolvers<Position | undefined>();
  readonly #listening = Promise.withResolvers<void>();
  readonly #callbacks: Callbacks;
  readonly #keeper: PositionKeeper;
  readonly #waiters = new Set<Waiter>();
  readonly #running: Promise<void>;
  #isLive = false;
  #position: Position = ORIGIN;
  #foreign: Delivery[] = [];
  #hasDropped = false;
  #hasListened = false;

  constructor(options: SubscriberOptions) {
    const { clock = systemClock, random = systemRandom, saveEveryMs = 1_000 } = options;
    checkOptions(options);
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#seen = new RecentlySeen({ clock, ageMaxMs: SEEN_MS, entriesMax: SEEN_MAX });
    this.#log = options.log ?? logOf(options, { clock, random });
    const { signal } = this.#stop;
    this.#callbacks = new Callbacks({ ...options, stats: this.#stats, clock, random, signal });
    this.#keeper = new PositionKeeper({
      clock, random,
      store: options.positions,
      everyMs: saveEveryMs,
      onError: () => this.#stats.count('errors'),
    });
    this.#channel = this.#listener();
    if (this.#channel === undefined) this.#listening.resolve();
    this.#channel?.start();
    this.#running = this.#run();
  }

  /**
   * Resolves when it has read to the end of the log, listens, and `onGap` has been called for what
   * was missed before: from then on it is told of what is new.
   */
  async ready(): Promise<void> {
    await Promise.all([this.#live.promise, this.#listening.promise]);
  }

  /** Everything up to here has been called back; where a later run can go on. */
  get position(): Position {
    return this.#position;
  }

  /**
   * Resolves to true once everything up to `position` has been called back, to false after
   * `timeoutMs` (default 2,000 ms): what a service publishes is then gone from its own cache.
   */
  reached(position: Position, timeoutMs: Millis = 2_000): Promise<boolean> {
    if (this.#position >= position) return Promise.resolve(true);
    return new Promise((resolve) => {
      const wake = (reached: boolean): void => {
        cancel();
        this.#waiters.delete(waiter);
        resolve(reached);
      };
      const waiter: Waiter = { position, wake };
      const cancel = this.#clock.after(timeoutMs, () => wake(false));
      this.#waiters.add(waiter);
    });
  }

  get stats(): StatsSnapshot {
    return this.#stats.snapshot();
  }

  /**
   * Ends it: waits for the callback under way, and saves the position, for at most `timeoutMs`
   * (default 2,000 ms).
   */
  async close(timeoutMs: Millis = 2_000): Promise<void> {
    this.#stop.abort();
    for (const { wake } of this.#waiters) wake(false);
    await this.#channel?.close();
    if (this.#options.log === undefined) await this.#log.close();
    const ended = Promise.all([this.#running, this.#callbacks.idle()]).then(() =>
      this.#isLive ? this.#keeper.flush(this.#position) : undefined);
    await within(ended, { timeoutMs, clock: this.#clock }).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const from = await this.#keeper.load(signal) ?? this.#options.from;
    if (from !== undefined) this.#position = from;
    this.#isLive = from !== undefined;
    this.#begun.resolve(from);
    const events = this.#log.follow({ signal, ...(from === undefined ? {} : { from }) });
    for await (const event of events) {
      if (signal.aborted) return;
      await this.#handle(event);
      if (this.#isLive) this.#keeper.keep(this.#position);
    }
  }

  async #handle(event: LogEvent): Promise<void> {
    switch (event.kind) {
      case 'records':
        await this.#pass(event.records);
        return event.caughtUp ? this.#becomeLive() : undefined;
      case 'heartbeat':
        return this.#becomeLive();
      case 'gap':
        if (!this.#isLive || await this.#tellGap(event.end)) this.#advance(event.end);
        return undefined;
      case 'lost':
        return undefined;
      default:
        return event satisfies never;
    }
  }

  /** With `onMessage` the position follows each message, with `onBatch` each batch. */
  async #pass(records: readonly LogRecord[]): Promise<void> {
    const { onBatch, batchLengthMax = 100 } = this.#options;
    const length = onBatch === undefined ? 1 : batchLengthMax;
    for (let at = 0; at < records.length; at += length) {
      if (this.#stop.signal.aborted) return;
      const passed = records.slice(at, at + length);
      if (this.#isLive && !await this.#deliver(passed)) return;
      this.#advance((passed.at(-1) as LogRecord).position);
    }
  }

  #advance(position: Position): void {
    this.#position = position;
    for (const waiter of this.#waiters) if (waiter.position <= position) waiter.wake(true);
  }

  #becomeLive(): void {
    this.#isLive = true;
    this.#live.resolve();
  }

  #tellGap(end: Position): Promise<boolean> {
    this.#stats.count('gaps');
    return this.#callbacks.call(() => this.#options.onGap?.(end));
  }

  /** False where it was stopped before all of them were called back. */
  async #deliver(deliveries: readonly Delivery[]): Promise<boolean> {
    const unseen = deliveries.filter(({ message }) => this.#isNew(message));
    if (unseen.length < deliveries.length) {
      // Those that were heard on the channel may still wait for their callback.
      await this.#passForeign();
      await this.#callbacks.idle();
    }
    if (unseen.length === 0) return !this.#stop.signal.aborted;
    this.#stats.count('received', unseen.length);
    return this.#callbacks.deliver(unseen);
  }

  #isNew(message: InvalidationMessage): boolean {
    return !isFence(message) && !this.#seen.add(digestOf(contentOf(message)));
  }

  #listener(): Channel | undefined {
    const { redis, channel = 'cache:invalidate', listen = true } = this.#options;
    if (redis === undefined || this.#options.log !== undefined || !listen) return undefined;
    return new Channel({
      redis, channel,
      clock: this.#clock,
      random: this.#random,
      heartbeatMs: HEARTBEAT_MS,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      hearingTimeoutMs: HEARING_TIMEOUT_MS,
      onMessages: (messages) => {
        for (const { message } of messages) this.#hear(message);
      },
      onRejected: () => this.#stats.count('rejected'),
      onListening: () => void this.#listensAnew(),
    });
  }

  /** Before anything that it hears from now on is called back, but for the first time. */
  async #listensAnew(): Promise<void> {
    const isFirst = !this.#hasListened;
    this.#hasListened = true;
    const { trustOtherNodes = false } = this.#options;
    const mayHaveMissed = !isFirst || await this.#begun.promise !== undefined;
    if (mayHaveMissed && !trustOtherNodes) await this.#tellGap(this.#position);
    this.#listening.resolve();
  }

  /** Where the callback is too slow for the channel, a gap stands for what has no room. */
  #hear(message: InvalidationMessage): void {
    if (this.#foreign.length >= FOREIGN_WAITING_MAX) {
      this.#stats.count('dropped');
      this.#hasDropped = true;
      return;
    }
    if (!this.#isNew(message)) return;
    this.#stats.count('received');
    this.#stats.count('foreign');
    this.#foreign.push({ message, position: undefined });
    if (this.#foreign.length === 1) void this.#callbacks.idle().then(() => this.#passForeign());
  }

  async #passForeign(): Promise<void> {
    while (this.#foreign.length > 0 && !this.#stop.signal.aborted) {
      const [heard, hasDropped] = [this.#foreign, this.#hasDropped];
      [this.#foreign, this.#hasDropped] = [[], false];
      if (await this.#callbacks.deliver(heard) && hasDropped) await this.#tellGap(this.#position);
    }
  }
}

function checkOptions(options: SubscriberOptions): void {
  const { onMessage, onBatch, batchLengthMax, attemptsMax } = options;
  if ((onMessage === undefined) === (onBatch === undefined)) {
    const got = onMessage === undefined ? 'neither' : 'both';
    throw invalid('callback', 'one of onMessage and onBatch', got);
  }
  for (const [path, value] of Object.entries({ batchLengthMax, attemptsMax })) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue;
    throw invalid(path, 'a whole number of at least 1', String(value));
  }
}

function invalid(path: string, required: string, got: string): FreshetError {
  return fault('SUBSCRIBER_INVALID', { path, required, got });
}

function logOf(
  { redis, channel, stream }: SubscriberOptions,
  shared: { clock: Clock; random: Random },
): Log {
  if (redis === undefined) {
    const required = 'a URL or an object, or a log';
    throw fault('REDIS_OPTIONS_INVALID', { path: 'redis', required, got: 'neither' });
  }
  return new RedisLog({
    ...shared, redis, heartbeatMs: HEARTBEAT_MS, commandTimeoutMs: COMMAND_TIMEOUT_MS,
    ...(channel === undefined ? {} : { channel }),
    ...(stream === undefined ? {} : { stream }),
  });
}
