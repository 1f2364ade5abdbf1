/**
 * A node's ear on the channel, as src/invalidation/channel.ts: it proves that it hears by a
 * question now and then, and tells each time that it begins to listen. Written anew because the
 * real one makes its connections itself.
 */
import { pause, type Clock, type Millis, type Random } from '../../src/invalidation/clock.ts';
import { Connection } from '../../src/invalidation/connection.ts';
import { readMessage, type InvalidationMessage } from '../../src/invalidation/message.ts';
import { backoffMs } from '../../src/invalidation/redis.ts';
import { within } from '../../src/invalidation/within.ts';
import type { Wire } from './network.ts';
import { COMMAND_TIMEOUT_MS, HEARTBEAT_MS } from './simulated-log.ts';

export interface SimulatedChannelOptions {
  readonly wire: Wire;
  readonly clock: Clock;
  readonly random: Random;
  readonly hearingTimeoutMs: Millis;
  readonly onMessage: (message: InvalidationMessage) => void;
  /** What was said before `askedAt`, a reading of the clock, may have been missed. */
  readonly onListening: (askedAt: Millis) => void;
}

export class SimulatedChannel {
  readonly #options: SimulatedChannelOptions;
  readonly #connection: Connection;
  #session = new AbortController();
  #provedAt: Millis | undefined;

  constructor(options: SimulatedChannelOptions) {
    const { wire, clock, random, onMessage } = options;
    this.#options = options;
    const connect = (): ReturnType<Wire['client']> => {
      const client = wire.client(Number.POSITIVE_INFINITY);
      client.on('message', (payload: string) => onMessage(readMessage(payload)));
      return client;
    };
    this.#connection = new Connection({ connect, clock, random });
    this.#connection.onCut(() => this.#session.abort());
  }

  start(): void {
    void this.#run();
  }

  hears(now: Millis): boolean {
    return this.#provedAt !== undefined && now - this.#provedAt < this.#options.hearingTimeoutMs;
  }

  async #run(): Promise<never> {
    const { clock, random } = this.#options;
    for (let failures = 0; ; failures += 1) {
      if (await this.#listen()) failures = 0;
      this.#provedAt = undefined;
      this.#connection.drop();
      await pause(clock, backoffMs(failures, random));
    }
  }

  async #listen(): Promise<boolean> {
    const { clock, onListening } = this.#options;
    const bound = { timeoutMs: COMMAND_TIMEOUT_MS, clock };
    let isListening = false;
    try {
      const client = await this.#connection.ready(COMMAND_TIMEOUT_MS);
      const session = new AbortController();
      this.#session = session;
      const askedAt = clock.now();
      await within(client.subscribe('cache:invalidate'), bound);
      if (session.signal.aborted) return false;
      this.#provedAt = askedAt;
      this.#connection.proved();
      isListening = true;
      onListening(askedAt);
      while (!session.signal.aborted) {
        await pause(clock, HEARTBEAT_MS, session.signal);
        if (session.signal.aborted) break;
        const pingedAt = clock.now();
        await within(client.ping(), bound);
        this.#provedAt = pingedAt;
      }
    } catch {
      // Another connection is made.
    }
    return isListening;
  }
}
