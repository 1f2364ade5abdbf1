/**
 * A position in Redis, for services without a disk of their own. It is as durable as Redis is: one
 * that comes back empty has forgotten the position, and the subscriber begins with what is new.
 */
import { systemClock, systemRandom, type Clock, type Millis, type Random } from './clock.ts';
import { Connection } from './connection.ts';
import { fault } from './errors.ts';
import type { PositionStore } from './position-store.ts';
import { formatPosition, ORIGIN, parsePosition, type Position } from './position.ts';
import { connectRedis, unavailable, type RedisOptions } from './redis.ts';
import { within } from './within.ts';

export interface RedisPositionStoreOptions {
  readonly redis: RedisOptions;
  /** Of the subscriber, unlike that of any other: the service and the number of its instance. */
  readonly name: string;
  /** Before the name in the key. Default `cache:invalidate:position:`. */
  readonly prefix?: string;
  /** An answer is waited for this long. Default 1,000 ms. */
  readonly timeoutMs?: Millis;
  readonly clock?: Clock;
  readonly random?: Random;
}

export class RedisPositionStore implements PositionStore {
  readonly #key: string;
  readonly #timeoutMs: Millis;
  readonly #clock: Clock;
  readonly #connection: Connection;

  /** Throws `REDIS_OPTIONS_INVALID`. Connects when it is first used. */
  constructor(options: RedisPositionStoreOptions) {
    const { redis, name, prefix = 'cache:invalidate:position:', timeoutMs = 1_000 } = options;
    const { clock = systemClock, random = systemRandom } = options;
    if (name === '') {
      throw fault('REDIS_OPTIONS_INVALID', { path: 'name', required: 'a name', got: 'none' });
    }
    this.#key = prefix + name;
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    const connection = { name: 'freshet-position', commandTimeoutMs: timeoutMs, random };
    const connect = () => connectRedis(redis, connection);
    this.#connection = new Connection({ connect, clock, random });
  }

  async load(): Promise<Position | undefined> {
    const text = await this.#ask('get', this.#key);
    if (text === null) return undefined;
    return (typeof text === 'string' ? parsePosition(text) : undefined) ?? ORIGIN;
  }

  async save(position: Position): Promise<void> {
    await this.#ask('set', this.#key, formatPosition(position));
  }

  close(): Promise<void> {
    this.#connection.close();
    return Promise.resolve();
  }

  /** Rejects with `LOG_UNAVAILABLE` within the bound. */
  async #ask(command: string, ...args: readonly string[]): Promise<unknown> {
    const client = await this.#connection.ready(this.#timeoutMs);
    try {
      const bound = { timeoutMs: this.#timeoutMs, clock: this.#clock };
      const answer = await within(client.call(command, ...args), bound);
      this.#connection.proved();
      return answer;
    } catch (error) {
      this.#connection.drop();
      throw unavailable(error);
    }
  }
}
