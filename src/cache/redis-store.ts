/**
 * Entries in Redis, shared by all nodes. An entity is a hash `<prefix><home>` with a field for each
 * way it was asked for, so that a plain `DEL user:123` drops all of it; a value that has its home
 * to itself is a plain key.
 *
 * It promises: a read is one round trip, however many keys, and waits at most `readTimeoutMs`; a
 * write makes nobody wait. Redis slow, away, full, or holding what nobody can read: the entry is
 * then not there, and it is counted. While Redis does not answer, it is mostly not even asked. It
 * heals by itself. The connection belongs to who made it.
 */
import assert from 'node:assert/strict';
import type { Cluster, Redis } from 'ioredis';
import type { Clock, Millis, Random } from '../invalidation/clock.ts';
import { Circuit } from './circuit.ts';
import { decodeEntry, encodeEntry } from './entry-codec.ts';
import { deleteAtOf, type Entry } from './entry.ts';
import type { CacheKey } from './key.ts';
import { RedisClocks } from './redis-clocks.ts';
import { CLOCK_DIGITS, RedisScripts, type KeyRead } from './redis-scripts.ts';
import type { Store } from './store.ts';

export interface RedisStoreOptions {
  readonly redis: Redis | Cluster;
  readonly clock: Clock;
  readonly random: Random;
  /** Before the name of each key. Default none, as the services expect that `DEL user:123`. */
  readonly prefix?: string;
  /** How long a read waits; what has not come by then counts as absent. Default 50 ms. */
  readonly readTimeoutMs?: Millis;
  /** Of an entry in its stored form; larger ones are not stored. Default 5 MiB. */
  readonly valueBytesMax?: number;
  /** Ways of asking for one entity; a hash that has as many is dropped first. Default 64. */
  readonly fieldsMax?: number;
  /** Writes that Redis has not confirmed; further ones are dropped. Default 1,000. */
  readonly writesMax?: number;
  /** Bytes of the same. Default 32 MiB. */
  readonly writeBytesMax?: number;
  /** A write that Redis gets to do only after this long is not done. Default 1,000 ms. */
  readonly writeDelayMsMax?: Millis;
}

export interface RedisStoreStats {
  reads: number;
  /** Reads that were not tried: no connection, or the circuit was open. */
  readsSkipped: number;
  timeouts: number;
  /** Commands that Redis refused or that broke with the connection. */
  errors: number;
  /** Values that are no entry of this version. */
  undecodable: number;
  oversized: number;
  writes: number;
  /** Writes that were not tried, or that came too late. */
  writesDropped: number;
}

/** How long `close` waits for writes under way. */
const CLOSE_MS_MAX = 250;
const MIB = 1024 * 1024;

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
  };
  readonly #redis: Redis | Cluster;
  readonly #scripts: RedisScripts;
  readonly #clock: Clock;
  readonly #circuit: Circuit;
  readonly #clocks: RedisClocks;
  readonly #limits: Required<Omit<RedisStoreOptions, 'redis' | 'clock' | 'random'>>;
  readonly #writes = new Set<Promise<void>>();
  #writeBytes = 0;
  #closed = false;

  constructor({ redis, clock, random, ...limits }: RedisStoreOptions) {
    this.#limits = {
      prefix: '',
      readTimeoutMs: 50,
      valueBytesMax: 5 * MIB,
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
    this.#clocks = new RedisClocks(clock);
  }

  /** Whether Redis has stopped answering and is mostly not asked. */
  get circuitOpen(): boolean {
    return this.#circuit.open;
  }

  async get(keys: readonly CacheKey[]): Promise<readonly (Entry | undefined)[]> {
    const entries: (Entry | undefined)[] = keys.map(() => undefined);
    if (keys.length === 0) return entries;
    if (!this.#connected || !this.#circuit.allows(this.#clock.now())) {
      this.stats.readsSkipped += 1;
      return entries;
    }
    this.stats.reads += 1;
    const reads = this.#batchesOf(keys).map((homes) => this.#read(homes, entries));
    const answered = await this.#within(this.#limits.readTimeoutMs, Promise.all(reads));
    if (answered === undefined) this.stats.timeouts += 1;
    if (answered?.includes(true)) this.#circuit.succeeded();
    else this.#circuit.failed(this.#clock.now());
    // What comes later is written into `entries`, which nobody reads any more.
    return [...entries];
  }

  set(key: CacheKey, entry: Entry): void {
    const now = this.#clock.now();
    const lifeMs = Math.floor(deleteAtOf(entry) - now);
    if (lifeMs < 1) return;
    if (entry.value.byteLength > this.#limits.valueBytesMax) {
      this.stats.oversized += 1;
      return;
    }
    if (!this.#writable) {
      this.stats.writesDropped += 1;
      return;
    }
    const bytes = encodeEntry(entry, now);
    if (bytes.byteLength > this.#limits.valueBytesMax) {
      this.stats.oversized += 1;
      return;
    }
    this.#write(bytes.byteLength, () => this.#writeEntry(key, { bytes, lifeMs, now }));
  }

  delete({ home, field }: CacheKey): void {
    const name = this.#limits.prefix + home;
    this.#write(0, async () => {
      await (field === undefined ? this.#redis.unlink(name) : this.#redis.hdel(name, field));
    });
  }

  /** Drops all that is stored of these homes: housekeeping, on which no promise rests. */
  unlink(homes: readonly string[]): void {
    for (const home of homes) {
      this.#write(0, async () => {
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

  /** As many homes in each batch as one call may name. */
  #batchesOf(keys: readonly CacheKey[]): readonly (readonly Home[])[] {
    const { prefix, fieldsMax } = this.#limits;
    const homes = homesOf(keys, { prefix, fieldsMax });
    const { keysMax } = this.#scripts;
    const batches = Math.ceil(homes.length / keysMax);
    return Array.from({ length: batches }, (_, at) =>
      homes.slice(at * keysMax, (at + 1) * keysMax));
  }

  /** Fills in what it finds; true where Redis answered, if only to refuse. Never rejects. */
  async #read(homes: readonly Home[], entries: (Entry | undefined)[]): Promise<boolean> {
    const sentAt = this.#clock.now();
    try {
      const bytesMax = this.#limits.valueBytesMax + CLOCK_DIGITS;
      const [time, ...replies] = await this.#scripts.read(homes, bytesMax);
      for (const [at, home] of homes.entries()) {
        const redisNow = this.#clocks.learn(home.name, time);
        const values = replies[at] ?? null;
        if (values === null) this.stats.errors += 1;
        for (const [place, index] of home.indexes.entries()) {
          const value = values?.[place] ?? null;
          if (value !== null) entries[index] = this.#decode(value, { redisNow, sentAt });
        }
      }
      return true;
    } catch (error) {
      this.stats.errors += 1;
      return error instanceof Error && error.name === 'ReplyError';
    }
  }

  /** Counted from when it was asked for, not from when it came: rather too old than too young. */
  #decode(value: Buffer, times: { redisNow: Millis; sentAt: Millis }): Entry | undefined {
    const { redisNow, sentAt: now } = times;
    const digits = value.toString('latin1', 0, CLOCK_DIGITS);
    const heldMs = /^\d+$/.test(digits) ? redisNow - Number(digits) : Number.NaN;
    const entry = decodeEntry(value.subarray(CLOCK_DIGITS), { now, heldMs });
    if (entry === undefined) this.stats.undecodable += 1;
    return entry !== undefined && this.#clock.now() < deleteAtOf(entry) ? entry : undefined;
  }

  async #writeEntry(
    { home, field }: CacheKey,
    { bytes, lifeMs, now }: { bytes: Buffer; lifeMs: Millis; now: Millis },
  ): Promise<void> {
    const { prefix, fieldsMax, writeDelayMsMax } = this.#limits;
    const name = prefix + home;
    if (this.#clocks.timeOf(name, now) === undefined) {
      const [time] = await this.#scripts.read([{ name, fields: [] }], 0);
      this.#clocks.learn(name, time);
    }
    const asOf = Math.floor(this.#clocks.timeOf(name, now) ?? 0);
    const limits = { fieldsMax, lifeMs, notAfter: asOf + writeDelayMsMax };
    const written = await this.#scripts.write({ name, field, bytes, asOf, ...limits });
    if (!written) this.stats.writesDropped += 1;
  }

  #write(byteLength: number, send: () => Promise<void>): void {
    if (!this.#writable || this.#writeBytes + byteLength > this.#limits.writeBytesMax) {
      this.stats.writesDropped += 1;
      return;
    }
    this.stats.writes += 1;
    this.#writeBytes += byteLength;
    const write = send().catch(() => {
      this.stats.errors += 1;
    }).finally(() => {
      this.#writeBytes -= byteLength;
      this.#writes.delete(write);
    });
    this.#writes.add(write);
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

interface Home extends KeyRead {
  readonly fields: string[];
  /** Where the answers belong. */
  readonly indexes: number[];
}

function homesOf(
  keys: readonly CacheKey[],
  { prefix, fieldsMax }: { prefix: string; fieldsMax: number },
): readonly Home[] {
  const homes: Home[] = [];
  const open = new Map<string, Home>();
  for (const [index, { home, field }] of keys.entries()) {
    const same = field === undefined ? undefined : open.get(home);
    if (same !== undefined && field !== undefined && same.fields.length < fieldsMax) {
      same.fields.push(field);
      same.indexes.push(index);
      continue;
    }
    const fields = field === undefined ? [] : [field];
    const next: Home = { name: prefix + home, fields, indexes: [index] };
    homes.push(next);
    if (field !== undefined) open.set(home, next);
  }
  return homes;
}
