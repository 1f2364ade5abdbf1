/**
 * Publisher and subscriber without Redis, for the tests of services: what one publishes, the others
 * hear, in order, in the same process.
 *
 * It promises what Redis does as long as it works; `cut` is an outage. It is meant for tests: it
 * keeps the last 10,000 messages.
 */
import { pause, systemClock, type Clock, type Millis } from './clock.ts';
import { fault } from './errors.ts';
import { isFence } from './fence.ts';
import { MemoryLog } from './log-memory.ts';
import type { AppendOptions, Log, LogEvent } from './log.ts';
import { readMessage, type InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { Publisher, type PublisherOptions } from './publisher.ts';
import { Subscriber, type SubscriberOptions } from './subscriber.ts';

export interface MemoryBusOptions {
  readonly clock?: Clock;
}

const MESSAGES_MAX = 10_000;
const HEARTBEAT_MS = 10;

export class MemoryBus {
  readonly #clock: Clock;
  readonly #log: CutLog;
  readonly #publishers: Publisher[] = [];
  readonly #subscribers: Subscriber[] = [];

  constructor({ clock = systemClock }: MemoryBusOptions = {}) {
    this.#clock = clock;
    this.#log = new CutLog(new MemoryLog({ clock, heartbeatMs: HEARTBEAT_MS }));
  }

  /** For whatever takes a log: a gateway in the same test. */
  get log(): Log {
    return this.#log;
  }

  /** What was published so far, in order. */
  get messages(): readonly InvalidationMessage[] {
    return this.#log.messages;
  }

  /** Closed with the bus. */
  publisher(options: Omit<PublisherOptions, 'log' | 'redis'>): Publisher {
    const publisher = new Publisher({ clock: this.#clock, ...options, log: this.#log });
    this.#publishers.push(publisher);
    return publisher;
  }

  /** Hears what is published once its `ready()` has resolved. Closed with the bus. */
  subscriber(options: Omit<SubscriberOptions, 'log' | 'redis'>): Subscriber {
    const subscriber = new Subscriber({ clock: this.#clock, ...options, log: this.#log });
    this.#subscribers.push(subscriber);
    return subscriber;
  }

  /**
   * Publishes a payload as a service does that does not use this library. Rejects with
   * `MESSAGE_INVALID` for one that no subscriber could read; on Redis it would be dropped.
   */
  async send(payload: string | Uint8Array): Promise<Position> {
    return this.#log.append(readMessage(payload));
  }

  /** From now on nothing can be published, until `restore`. */
  cut(): void {
    this.#log.isCut = true;
  }

  restore(): void {
    this.#log.isCut = false;
  }

  /**
   * Resolves to true when all that was published is called back, to false after `timeoutMs`
   * (default 2,000 ms).
   */
  async settled(timeoutMs: Millis = 2_000): Promise<boolean> {
    const startedAt = this.#clock.now();
    while (this.#publishers.some(({ stats }) => stats.outbox > 0)) {
      if (this.#clock.now() - startedAt >= timeoutMs) return false;
      await pause(this.#clock, 1);
    }
    const end = this.#log.end;
    if (end === undefined) return true;
    const leftMs = Math.max(0, timeoutMs - (this.#clock.now() - startedAt));
    const reached = await Promise.all(this.#subscribers.map((each) => each.reached(end, leftMs)));
    return reached.every(Boolean);
  }

  /** Resolves to how many messages publishers still kept. */
  async close(): Promise<number> {
    const lost = await Promise.all(this.#publishers.map((publisher) => publisher.close(0)));
    await Promise.all(this.#subscribers.map((subscriber) => subscriber.close()));
    await this.#log.close();
    return lost.reduce((sum, count) => sum + count, 0);
  }
}

class CutLog implements Log {
  readonly #log: Log;
  readonly #messages: InvalidationMessage[] = [];
  isCut = false;
  end: Position | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  get messages(): readonly InvalidationMessage[] {
    return this.#messages;
  }

  async append(message: InvalidationMessage, options?: AppendOptions): Promise<Position> {
    if (this.isCut) throw fault('LOG_UNAVAILABLE', { reason: 'the bus was cut' });
    const position = await this.#log.append(message, options);
    if (this.end !== undefined && position <= this.end) return position;
    this.end = position;
    if (!isFence(message)) this.#messages.push(message);
    if (this.#messages.length > MESSAGES_MAX) this.#messages.shift();
    return position;
  }

  follow(options: { from?: Position; signal: AbortSignal }): AsyncIterable<LogEvent> {
    return this.#log.follow(options);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
