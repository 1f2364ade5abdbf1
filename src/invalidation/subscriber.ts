/**
 * Calls a service back for each invalidation: what is in the log, in its order, and what foreign
 * publishers say on the channel, at once.
 *
 * It promises: after an outage it goes on where it was, and says where it cannot (`onGap`); one
 * callback runs at a time, and the next message is read only when it is done, so memory is bounded
 * however slow it is; one that throws is counted, and stops nothing.
 *
 * A foreign message comes once, by whichever way is first: when it is heard on the channel (then
 * without a position) or, where the gateways were quicker, from the log. Equal messages (ID and
 * content) within a minute are one, as in the log. Who wants the order of the log and nothing else
 * turns `listen` off, and hears of foreign messages when a gateway has appended them.
 */
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Channel } from './channel.ts';
import { contentOf, digestOf } from './content.ts';
import { fault } from './errors.ts';
import { isFence } from './fence.ts';
import { RedisLog } from './log-redis.ts';
import type { Log, LogEvent } from './log.ts';
import type { InvalidationMessage } from './message.ts';
import { ORIGIN, type Position } from './position.ts';
import { RecentlySeen } from './recently-seen.ts';
import type { RedisOptions } from './redis.ts';
import { Stats, type StatsSnapshot } from './stats.ts';
import { within } from './within.ts';

export interface SubscriberOptions {
  /** Where log and channel are. Either this or `log`. */
  readonly redis?: RedisOptions;
  /** A log that is there already, and is not closed with the subscriber. */
  readonly log?: Log;
  /** `position` is undefined for a foreign message that is not (yet) in the log. */
  readonly onMessage: (
    message: InvalidationMessage,
    position: Position | undefined,
  ) => void | Promise<void>;
  /** Messages may have been missed before `end`, where it goes on. */
  readonly onGap?: (end: Position) => void | Promise<void>;
  /**
   * Go on after this position: `subscriber.position` of an earlier run. Default: what is new once
   * `ready()` has resolved.
   */
  readonly from?: Position;
  /** Also listen on the channel. Default true with `redis`. */
  readonly listen?: boolean;
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
/** Foreign messages that wait for the callback. More come again by the log. */
const FOREIGN_WAITING_MAX = 1_000;
const SEEN_MS = 60_000;
const SEEN_MAX = 10_000;

/** Throws `REDIS_OPTIONS_INVALID`. Begins at once. */
export function createSubscriber(options: SubscriberOptions): Subscriber {
  return new Subscriber(options);
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #channel: Channel | undefined;
  readonly #seen: RecentlySeen;
  readonly #stats = new Stats();
  readonly #stop = new AbortController();
  readonly #live = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #isLive: boolean;
  #position: Position;
  #foreignWaiting = 0;
  /** The last callback that was asked for: callbacks run one after another. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: SubscriberOptions) {
    const { clock = systemClock, random = systemRandom, from } = options;
    this.#options = options;
    this.#clock = clock;
    this.#isLive = from !== undefined;
    this.#position = from ?? ORIGIN;
    this.#seen = new RecentlySeen({ clock, ageMaxMs: SEEN_MS, entriesMax: SEEN_MAX });
    this.#log = options.log ?? logOf(options, { clock, random });
    this.#channel = this.#listener({ clock, random });
    this.#channel?.start();
    this.#running = this.#follow(from);
  }

  /** Resolves when it has read to the end of the log: from then on it is told of what is new. */
  async ready(): Promise<void> {
    await Promise.all([this.#live.promise, this.#channel?.listening()]);
  }

  /** Everything up to here has been called back; where a later run can go on. */
  get position(): Position {
    return this.#position;
  }

  get stats(): StatsSnapshot {
    return this.#stats.snapshot();
  }

  /** Ends it, and waits for the callback under way for at most `timeoutMs` (default 2,000 ms). */
  async close(timeoutMs: Millis = 2_000): Promise<void> {
    this.#stop.abort();
    await this.#channel?.close();
    if (this.#options.log === undefined) await this.#log.close();
    const ended = Promise.all([this.#running, this.#last]);
    await within(ended, { timeoutMs, clock: this.#clock }).catch(() => undefined);
  }

  async #follow(from: Position | undefined): Promise<void> {
    const { signal } = this.#stop;
    const events = this.#log.follow({ signal, ...(from === undefined ? {} : { from }) });
    for await (const event of events) {
      if (signal.aborted) return;
      await this.#handle(event);
    }
  }

  async #handle(event: LogEvent): Promise<void> {
    switch (event.kind) {
      case 'records':
        for (const { message, position } of event.records) {
          if (this.#stop.signal.aborted) return;
          if (this.#isLive) await this.#deliver(message, position);
          this.#position = position;
        }
        return event.caughtUp ? this.#becomeLive() : undefined;
      case 'heartbeat':
        return this.#becomeLive();
      case 'gap':
        if (this.#isLive) await this.#tellGap(event.end);
        this.#position = event.end;
        return undefined;
      case 'lost':
        return undefined;
      default:
        return event satisfies never;
    }
  }

  #becomeLive(): void {
    this.#isLive = true;
    this.#live.resolve();
  }

  #tellGap(end: Position): Promise<void> {
    this.#stats.count('gaps');
    return this.#inTurn(() => this.#options.onGap?.(end));
  }

  #deliver(message: InvalidationMessage, position: Position | undefined): Promise<void> {
    if (isFence(message)) return Promise.resolve();
    if (this.#seen.add(digestOf(contentOf(message)))) return Promise.resolve();
    this.#stats.count('received');
    if (position === undefined) this.#stats.count('foreign');
    return this.#inTurn(() => this.#options.onMessage(message, position));
  }

  #inTurn(task: () => void | Promise<void>): Promise<void> {
    this.#last = this.#last.then(task).catch(() => this.#stats.count('errors'));
    return this.#last;
  }

  #listener({ clock, random }: { clock: Clock; random: Random }): Channel | undefined {
    const { redis, channel = 'cache:invalidate', listen = true } = this.#options;
    if (redis === undefined || this.#options.log !== undefined || !listen) return undefined;
    return new Channel({
      redis, channel, clock, random,
      heartbeatMs: HEARTBEAT_MS,
      commandTimeoutMs: COMMAND_TIMEOUT_MS,
      hearingTimeoutMs: HEARING_TIMEOUT_MS,
      onMessage: (message) => this.#hear(message),
      onRejected: () => this.#stats.count('rejected'),
      onListening: () => undefined,
    });
  }

  #hear(message: InvalidationMessage): void {
    if (this.#foreignWaiting >= FOREIGN_WAITING_MAX) return;
    this.#foreignWaiting += 1;
    void this.#deliver(message, undefined).finally(() => {
      this.#foreignWaiting -= 1;
    });
  }
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
