/**
 * A lock of all nodes in Redis: for each key a plain key `<prefix>lock:<hash>` with a token, set if
 * absent and with a lease, deleted by who knows the token. One key a command, so it works on a
 * Cluster. Redis slow, away or full: nobody waits for it longer than `timeoutMs`, and everybody
 * loads. The connection belongs to who made it.
 */
import assert from 'node:assert/strict';
import type { Cluster, Redis } from 'ioredis';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { within } from '../invalidation/within.ts';
import { Circuit } from './circuit.ts';
import { hashOf, type CacheKey } from './key.ts';
import type { Lease, LoadLock } from './load-lock.ts';

export interface RedisLoadLockOptions {
  readonly redis: Redis | Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** Unique among all processes that share the lock: tokens are made of it. */
  readonly owner: string;
  /** Before the name of each key. Default none. */
  readonly prefix?: string;
  /** How long an answer of Redis is waited for. Default 50 ms. */
  readonly timeoutMs?: Millis;
}

export interface RedisLoadLockStats {
  acquired: number;
  taken: number;
  /** Answers that did not come, or were errors: everybody loaded. */
  faults: number;
}

/** Only what is still ours: the lease may be over, and the lock somebody else's. */
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

interface Scripts {
  freshetRelease(key: string, token: string): Promise<number>;
}

const UNLOCKED: Lease = { kind: 'held', release: () => undefined };

export class RedisLoadLock implements LoadLock {
  readonly stats: RedisLoadLockStats = { acquired: 0, taken: 0, faults: 0 };
  readonly #redis: (Redis | Cluster) & Scripts;
  readonly #clock: Clock;
  readonly #circuit: Circuit;
  readonly #owner: string;
  readonly #prefix: string;
  readonly #timeoutMs: Millis;
  #tokens = 0;

  constructor(options: RedisLoadLockOptions) {
    const { redis, clock, random, owner, prefix = '', timeoutMs = 50 } = options;
    assert(owner !== '' && timeoutMs > 0, 'a lock has an owner and a bound');
    redis.defineCommand('freshetRelease', { lua: RELEASE, numberOfKeys: 1 });
    this.#redis = redis as (Redis | Cluster) & Scripts;
    this.#clock = clock;
    this.#circuit = new Circuit({ random });
    this.#owner = owner;
    this.#prefix = prefix;
    this.#timeoutMs = timeoutMs;
  }

  acquire(keys: readonly CacheKey[], leaseMs: Millis): Promise<readonly Lease[]> {
    assert(leaseMs >= 1, 'a lease lasts for at least 1 ms');
    return Promise.all(keys.map((key) => this.#acquire(this.#nameOf(key), Math.ceil(leaseMs))));
  }

  held(keys: readonly CacheKey[]): Promise<readonly boolean[]> {
    return Promise.all(keys.map(async (key) =>
      await this.#ask(() => this.#redis.exists(this.#nameOf(key))) === 1));
  }

  async #acquire(name: string, leaseMs: Millis): Promise<Lease> {
    this.#tokens += 1;
    const token = `${this.#owner}:${this.#tokens}`;
    const release = (): void => void this.#release(name, token);
    let isLate = false;
    const answer = await this.#ask(async () => {
      const reply = await this.#redis.set(name, token, 'PX', leaseMs, 'NX');
      // Nobody waits for this answer any more, nor loads under this lock.
      if (isLate && reply === 'OK') release();
      return reply;
    });
    isLate = answer === undefined;
    if (answer === undefined) return UNLOCKED;
    if (answer === null) {
      this.stats.taken += 1;
      return { kind: 'taken' };
    }
    this.stats.acquired += 1;
    return { kind: 'held', release };
  }

  async #release(name: string, token: string): Promise<void> {
    await this.#ask(() => this.#redis.freshetRelease(name, token));
  }

  /** Undefined where Redis did not answer; it is then mostly not asked for a moment. */
  async #ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    const { status } = this.#redis;
    if (status !== 'ready' && status !== 'wait') return undefined;
    if (!this.#circuit.allows(this.#clock.now())) return undefined;
    try {
      const bound = { timeoutMs: this.#timeoutMs, clock: this.#clock };
      const answer = await within(command(), bound);
      this.#circuit.succeeded();
      return answer;
    } catch {
      this.stats.faults += 1;
      this.#circuit.failed(this.#clock.now());
      return undefined;
    }
  }

  #nameOf({ id }: CacheKey): string {
    return `${this.#prefix}lock:${hashOf([id])}`;
  }
}
