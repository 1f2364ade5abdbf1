/**
 * One connection to Redis that its owner can wait for, drop and get again.
 *
 * It promises: to wait for it is bounded; a connection that was dropped, because what it carried
 * was not answered, is never used again; and it comes back by itself for as long as it is open.
 */
import type { Clock, Millis, Random } from './clock.ts';
import { fault } from './errors.ts';
import { backoffMs, reasonOf, type RedisClient } from './redis.ts';

export interface ConnectionOptions {
  /** Begins a connection: `() => connectRedis(...)`. Called again after each drop. */
  readonly connect: () => RedisClient;
  readonly clock: Clock;
  readonly random: Random;
}

export class Connection {
  readonly #connect: () => RedisClient;
  readonly #clock: Clock;
  readonly #random: Random;
  #client: RedisClient | undefined;
  #closed = false;
  #drops = 0;
  #cancelReopen: (() => void) | undefined;
  #reason = 'it has not been reached yet';
  readonly #waiting = new Set<() => void>();
  readonly #cutListeners = new Set<() => void>();

  constructor({ connect, clock, random }: ConnectionOptions) {
    this.#connect = connect;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether a command would be sent at once. */
  get isReady(): boolean {
    return this.#client?.status === 'ready';
  }

  /** Begins to connect, where that has not begun yet. */
  open(): void {
    if (this.#closed || this.#client !== undefined || this.#cancelReopen !== undefined) return;
    const client = this.#connect();
    this.#client = client;
    // Each listener asks first whether this client is still the one in use.
    client.on('ready', () => {
      if (this.#client === client) this.#wake();
    });
    client.on('error', (error: unknown) => {
      if (this.#client === client) this.#reason = reasonOf(error);
    });
    client.on('close', () => {
      if (this.#client === client) this.#announceCut();
    });
    client.on('end', () => {
      if (this.#client === client) this.drop();
    });
  }

  /** The client, ready. Rejects with `LOG_UNAVAILABLE` after `timeoutMs`, or `LOG_CLOSED`. */
  ready(timeoutMs: Millis): Promise<RedisClient> {
    this.open();
    return new Promise((resolve, reject) => {
      const settle = (): boolean => {
        if (this.#closed) reject(fault('LOG_CLOSED'));
        else if (this.#client?.status === 'ready') resolve(this.#client);
        else return false;
        return true;
      };
      if (settle()) return;
      const wake = (): void => {
        if (!settle()) return;
        this.#waiting.delete(wake);
        cancel();
      };
      this.#waiting.add(wake);
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(wake);
        reject(fault('LOG_UNAVAILABLE', { reason: this.#reason }));
      });
    });
  }

  /** Gives the connection up: whatever waits on it is refused, and another one is begun. */
  drop(): void {
    const client = this.#client;
    if (client === undefined) return;
    this.#client = undefined;
    client.disconnect();
    this.#announceCut();
    if (this.#closed || this.#cancelReopen !== undefined) return;
    this.#cancelReopen = this.#clock.after(backoffMs(this.#drops, this.#random), () => {
      this.#cancelReopen = undefined;
      this.open();
    });
    this.#drops += 1;
  }

  /** The connection has proved itself: the next drop is followed by a short pause again. */
  proved(): void {
    this.#drops = 0;
  }

  /** `listener` is called when the connection is cut or dropped. */
  onCut(listener: () => void): void {
    this.#cutListeners.add(listener);
  }

  close(): void {
    this.#closed = true;
    this.#cancelReopen?.();
    this.#cancelReopen = undefined;
    this.drop();
    this.#wake();
  }

  #announceCut(): void {
    for (const listener of this.#cutListeners) listener();
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
