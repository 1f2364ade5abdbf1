/**
 * Entries in Redis, shared by all nodes. An entity is a hash `<prefix><home>` with a field for each
 * way it was asked for, so that a plain `DEL user:123` drops all of it; a value that has its home
 * to itself is a plain key. Large values are packed before they are sent.
 *
 * It promises: a read is one round trip, however many keys, and waits as redis-reads.ts says; a
 * write makes nobody wait, and overtakes none of the same home. Redis slow, away, full, or holding
 * what nobody can read: the entry is then not there, and it is counted. While Redis does not
 * answer, it is mostly not even asked. It heals by itself. The connection belongs to who made it.
 */
import assert from 'node:assert/strict';
import type { Cluster, Redis } from 'ioredis';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { Circuit } from './circuit.ts';
import { encodeEntry } from './entry-codec.ts';
import { deleteAtOf, type Entry } from './entry.ts';
import type { CacheKey } from './key.ts';
import { packValue } from './packed-value.ts';
import { RedisClocks } from './redis-clocks.ts';
import { RedisReads, type RedisReadsStats } from './redis-reads.ts';
import { RedisScripts } from './redis-scripts.ts';
import type { Store } from './store.ts';

export interface RedisStoreOptions {
  readonly redis: Redis | Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** Before the name of each key. Default none, as the services expect that `DEL user:123`. */
  readonly prefix?: string;
  /** How long a read waits; what has not come by then counts as absent. Default 50 ms. */
  readonly readTimeoutMs?: Millis;
  /** Of an entry, and of its value unpacked; larger ones are not stored. Default 5 MiB. */
  readonly valueBytesMax?: number;
  /** Values of so many bytes are packed, where there is enough to gain. Default 16 KiB. */
  readonly packBytesMin?: number;
  /** Ways of asking for one entity; a hash that has as many is dropped first. Default 64. */
  readonly fieldsMax?: number;
  /** Writes that Redis has not confirmed; further ones are dropped. Default 1,000. */
  readonly writesMax?: number;
  /** Bytes of the same. Default 32 MiB. */
  readonly writeBytesMax?: number;
  /** A write that Redis gets to do only after this long is not done. Default 1,000 ms. */
  readonly writeDelayMsMax?: Millis;
}

export interface RedisStoreStats extends RedisReadsStats {
  reads: number;
  /** Reads that were not tried: no connection, or the circuit was open. */
  readsSkipped: number;
  oversized: number;
  writes: number;
  /** Writes that were not tried, or that came too late. */
  writesDropped: number;
  /** Values that were packed. */
  packed: number;
}

/** How long `close` waits for writes under way. */
const CLOSE_MS_MAX = 250;
const KIB = 1024;
const MIB = 1024 * KIB;

export class RedisStore implements Store {
  readonly stats: RedisStoreStats = {
    reads: 0,
    readsSkipped: 0,
    timeouts: 0,
    errors: 0,
    undecodable: 0,
    oversized: 0,
    writes: 0,
    writesDropped: 0,
    packed: 0,
  };
  readonly #redis: Redis | Cluster;
  readonly #scripts: RedisScripts;
  readonly #clock: Clock;
  readonly #circuit: Circuit;
  readonly #clocks: RedisClocks;
  readonly #reads: RedisReads;
  readonly #limits: Required<Omit<RedisStoreOptions, 'redis' | 'clock' | 'random'>>;
  readonly #writes = new Set<Promise<void>>();
  /** For homes of which a value is being packed, the last of their writes: the next one waits. */
  readonly #queues = new Map<string, Promise<void>>();
  #writeBytes = 0;
  #closed = false;

  constructor({ redis, clock, random, ...limits }: RedisStoreOptions) {
    this.#limits = {
      prefix: '',
      readTimeoutMs: 50,
      valueBytesMax: 5 * MIB,
      packBytesMin: 16 * KIB,
      fieldsMax: 64,
      writesMax: 1_000,
      writeBytesMax: 32 * MIB,
      writeDelayMsMax: 1_000,
      ...limits,
    };
    const { readTimeoutMs, valueBytesMax, fieldsMax, writesMax, writeBytesMax } = this.#limits;
    assert(readTimeoutMs > 0 && fieldsMax >= 1 && writesMax >= 1, 'a store has room for one');
    assert(valueBytesMax <= writeBytesMax, 'the largest entry can be written');
    this.#redis = redis;
    this.#scripts = new RedisScripts(redis);
    this.#clock = clock;
    this.#circuit = new Circuit({ random });
    this.#clocks = new RedisClocks({ clock, isCluster: redis.isCluster });
    this.#reads = new RedisReads({
      ...this.#limits, clock, stats: this.stats,
      scripts: this.#scripts, clocks: this.#clocks, circuit: this.#circuit,
    });
  }

  /** Whether Redis has stopped answering and is mostly not asked. */
  get circuitOpen(): boolean {
    return this.#circuit.open;
  }

  /** Whether Redis is connected, and has not stopped answering. */
  get isAnswering(): boolean {
    return this.#connected && !this.#circuit.open;
  }

  get(keys: readonly CacheKey[]): Promise<readonly (Entry | undefined)[]> {
    if (keys.length === 0) return Promise.resolve([]);
    if (!this.#connected || !this.#circuit.allows(this.#clock.now())) {
      this.stats.readsSkipped += 1;
      return Promise.resolve(keys.map(() => undefined));
    }
    this.stats.reads += 1;
    return this.#reads.read(keys);
  }

  set(key: CacheKey, entry: Entry): void {
    const now = this.#clock.now();
    const { valueBytesMax, packBytesMin } = this.#limits;
    const { byteLength } = entry.value;
    if (lifeOf(entry, now) < 1) return;
    if (byteLength > valueBytesMax) {
      this.stats.oversized += 1;
    } else if (!this.#writable) {
      this.stats.writesDropped += 1;
    } else if (byteLength >= packBytesMin) {
      this.#write({ ...key, byteLength, isPacked: true }, () => this.#setPacked(key, entry));
    } else {
      const bytes = encodeEntry(entry, now);
      const lifeMs = lifeOf(entry, now);
      if (!this.#fits(bytes)) return;
      const write = { ...key, byteLength: bytes.byteLength };
      this.#write(write, () => this.#writeEntry(key, { bytes, lifeMs, now }));
    }
  }

  delete({ home, field }: CacheKey): void {
    const name = this.#limits.prefix + home;
    this.#write({ home }, async () => {
      await (field === undefined ? this.#redis.unlink(name) : this.#redis.hdel(name, field));
    });
  }

  /** Drops all that is stored of these homes: housekeeping, on which no promise rests. */
  unlink(homes: readonly string[]): void {
    for (const home of homes) {
      this.#write({ home }, async () => {
        await this.#redis.unlink(this.#limits.prefix + home);
      });
    }
  }

  /** Resolves when the writes that are under way have ended, one way or the other. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
  }

  /** Waits a moment for writes under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#within(CLOSE_MS_MAX, this.settled());
  }

  /** `wait`: a connection that is only made by the first command. */
  get #connected(): boolean {
    const { status } = this.#redis;
    return !this.#closed && (status === 'ready' || status === 'wait');
  }

  get #writable(): boolean {
    if (!this.#connected || this.#circuit.open) return false;
    return this.#writes.size < this.#limits.writesMax;
  }

  /** Its age is told as of when it has been packed. */
  async #setPacked(key: CacheKey, entry: Entry): Promise<void> {
    const packed = await packValue(entry.value);
    const now = this.#clock.now();
    const lifeMs = lifeOf(entry, now);
    if (lifeMs < 1) return;
    const bytes = encodeEntry(entry, now, packed);
    if (packed !== undefined) this.stats.packed += 1;
    if (this.#fits(bytes)) await this.#writeEntry(key, { bytes, lifeMs, now });
  }

  #fits({ byteLength }: Buffer): boolean {
    if (byteLength <= this.#limits.valueBytesMax) return true;
    this.stats.oversized += 1;
    return false;
  }

  async #writeEntry(
    { home, field }: CacheKey,
    { bytes, lifeMs, now }: { bytes: Buffer; lifeMs: Millis; now: Millis },
  ): Promise<void> {
    const { prefix, fieldsMax, writeDelayMsMax } = this.#limits;
    const name = prefix + home;
    if (this.#clocks.timeOf(name, now) === undefined) {
      const [time] = await this.#scripts.read([{ name, fields: [] }], 0);
      this.#clocks.learn(name, Number(time.toString('latin1')));
    }
    const asOf = Math.floor(this.#clocks.timeOf(name, now) ?? 0);
    const limits = { fieldsMax, lifeMs, notAfter: asOf + writeDelayMsMax };
    const written = await this.#scripts.write({ name, field, bytes, asOf, ...limits });
    if (!written) this.stats.writesDropped += 1;
  }

  #write({ home, byteLength = 0, isPacked = false }: Write, send: () => Promise<void>): void {
    if (!this.#writable || this.#writeBytes + byteLength > this.#limits.writeBytesMax) {
      this.stats.writesDropped += 1;
      return;
    }
    this.stats.writes += 1;
    this.#writeBytes += byteLength;
    const before = this.#queues.get(home);
    const sent = before === undefined ? send() : before.then(send);
    const write = sent.catch(() => {
      this.stats.errors += 1;
    }).finally(() => {
      this.#writeBytes -= byteLength;
      this.#writes.delete(write);
      if (this.#queues.get(home) === write) this.#queues.delete(home);
    });
    this.#writes.add(write);
    if (isPacked || before !== undefined) this.#queues.set(home, write);
  }

  /** What comes of `work`, which never rejects; undefined when `timeoutMs` pass before. */
  #within<T>(timeoutMs: Millis, work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(timeoutMs, () => resolve(undefined));
      void work.then((result) => {
        cancel();
        resolve(result);
      });
    });
  }
}

interface Write {
  readonly home: string;
  readonly byteLength?: number;
  /** Its value is packed first. */
  readonly isPacked?: boolean;
}

/** For how long anyone may have a use for it. */
function lifeOf(entry: Entry, now: Millis): Millis {
  return Math.floor(deleteAtOf(entry) - now);
}
