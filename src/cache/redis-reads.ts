/**
 * Reads of Redis. What is asked for in one turn of the event loop is sent together, as few commands
 * as may be, and what several want is asked for once: the client and the server do for each command
 * many times what they do for a key.
 *
 * It promises: nobody waits longer than `readTimeoutMs`, and one turn of the event loop in which
 * what has come by then is read; a key that cannot be read fails no other; a command that is
 * refused or lost fails the keys that it names alone. It never rejects.
 */
import type { Clock, Millis } from '../invalidation/clock.ts';
import { isRefusal } from '../invalidation/redis.ts';
import type { Circuit } from './circuit.ts';
import { redisWaited } from './diagnostics.ts';
import { decodeEntry } from './entry-codec.ts';
import { deleteAtOf, type Entry } from './entry.ts';
import type { CacheKey } from './key.ts';
import type { RedisClocks } from './redis-clocks.ts';
import { CLOCK_DIGITS, type HomeValues, type KeyRead, type RedisScripts } from './redis-scripts.ts';

export interface RedisReadsOptions {
  readonly scripts: RedisScripts;
  readonly clock: Clock;
  /** Told of the time by each answer. */
  readonly clocks: RedisClocks;
  /** Told of each flight, whether Redis answered. */
  readonly circuit: Circuit;
  /** Where it counts. */
  readonly stats: RedisReadsStats;
  readonly prefix: string;
  readonly readTimeoutMs: Millis;
  readonly valueBytesMax: number;
  readonly fieldsMax: number;
}

export interface RedisReadsStats {
  timeouts: number;
  /** Commands that Redis refused or that broke with the connection. */
  errors: number;
  /** Values that are no entry of this version. */
  undecodable: number;
}

type Found = Entry | undefined;

/** Keys that one caller asked for. */
interface Asked {
  readonly keys: readonly CacheKey[];
  readonly entries: Found[];
  readonly resolve: (entries: readonly Found[]) => void;
  /** Keys of which it is not known yet. */
  left: number;
}

/** Where an answer belongs. */
interface Place {
  readonly asked: Asked;
  readonly index: number;
}

interface Home extends KeyRead {
  readonly fields: string[];
  /** For each field, or for the whole of a plain key, who wants it. */
  readonly places: Place[][];
}

/** What was sent together. */
interface Flight {
  readonly asked: readonly Asked[];
  readonly sentAt: Millis;
  cancel: () => void;
  /** Keys of all callers of which it is not known yet. */
  left: number;
  /** Redis said something, if only to refuse. */
  isAnswered: boolean;
  isOver: boolean;
}

/** What one command fetches, as far as can be foreseen: more would hold Redis up for others. */
const FETCH_BYTES = 512 * 1024;
const ZERO = 0x30;
/** How much the last answer weighs in what is foreseen of the next. */
const WEIGHT = 0.2;

export class RedisReads {
  readonly #options: RedisReadsOptions;
  #asked: Asked[] = [];
  /** Of what stands under one key. */
  #bytesForeseen = 0;

  constructor(options: RedisReadsOptions) {
    this.#options = options;
  }

  /** One result for each key, in order. */
  read(keys: readonly CacheKey[]): Promise<readonly Found[]> {
    return new Promise((resolve) => {
      const entries = Array.from(keys, () => undefined);
      const asked = { keys, entries, resolve, left: keys.length };
      if (this.#asked.push(asked) === 1) process.nextTick(this.#send);
    });
  }

  readonly #send = (): void => {
    const { clock, readTimeoutMs } = this.#options;
    const asked = this.#asked;
    this.#asked = [];
    let left = 0;
    for (const { keys } of asked) left += keys.length;
    const flight: Flight = {
      asked, left, sentAt: clock.now(), isAnswered: false, isOver: false,
      cancel: clock.after(readTimeoutMs, () => this.#readLast(flight)),
    };
    const homes = homesOf(asked, this.#options);
    const keysMax = this.#keysMax();
    for (let at = 0; at < homes.length; at += keysMax) {
      void this.#call(homes.slice(at, at + keysMax), flight);
    }
  };

  #keysMax(): number {
    const foreseen = Math.floor(FETCH_BYTES / Math.max(1, this.#bytesForeseen));
    return Math.min(this.#options.scripts.keysMax, Math.max(1, foreseen));
  }

  async #call(homes: readonly Home[], flight: Flight): Promise<void> {
    const { scripts, valueBytesMax, stats } = this.#options;
    let values: readonly HomeValues[] = [];
    let redisNow = Number.NaN;
    try {
      const [time, ...replies] = await scripts.read(homes, valueBytesMax + CLOCK_DIGITS);
      redisNow = Number(time.toString('latin1'));
      values = replies;
      flight.isAnswered ||= !flight.isOver;
    } catch (error) {
      stats.errors += 1;
      flight.isAnswered ||= !flight.isOver && isRefusal(error);
    }
    // Nobody waits for it any more.
    if (flight.isOver) return;
    for (const [at, home] of homes.entries()) {
      this.#take(home, { values: values[at], redisNow, flight });
    }
  }

  #take(
    { name, places }: Home,
    { values, redisNow, flight }: {
      values: HomeValues | undefined; redisNow: Millis; flight: Flight;
    },
  ): void {
    const { clocks, stats } = this.#options;
    if (values !== undefined) clocks.learn(name, redisNow);
    if (values === null) stats.errors += 1;
    let bytes = 0;
    for (const [at, wanted] of places.entries()) {
      const value = values?.[at] ?? undefined;
      bytes += value?.length ?? 0;
      const entry = value && this.#decode(value, { redisNow, sentAt: flight.sentAt });
      if (entry instanceof Promise) void entry.then((one) => this.#fill(wanted, one, flight));
      else this.#fill(wanted, entry, flight);
    }
    this.#bytesForeseen += (bytes - this.#bytesForeseen) * WEIGHT;
  }

  /** Counted from when it was asked for, not from when it came: rather too old than too young. */
  #decode(
    value: Buffer,
    { redisNow, sentAt: now }: { redisNow: Millis; sentAt: Millis },
  ): Found | Promise<Found> {
    const { valueBytesMax } = this.#options;
    const heldMs = redisNow - clockOf(value);
    const entry = decodeEntry(value.subarray(CLOCK_DIGITS), { now, heldMs, valueBytesMax });
    if (entry instanceof Promise) return entry.then((one) => this.#checked(one));
    return this.#checked(entry);
  }

  #checked(entry: Found): Found {
    const { stats, clock } = this.#options;
    if (entry === undefined) stats.undecodable += 1;
    return entry !== undefined && clock.now() < deleteAtOf(entry) ? entry : undefined;
  }

  #fill(wanted: readonly Place[], entry: Found, flight: Flight): void {
    if (flight.isOver) return;
    for (const { asked, index } of wanted) {
      asked.entries[index] = entry;
      asked.left -= 1;
      if (asked.left === 0) asked.resolve(asked.entries);
    }
    flight.left -= wanted.length;
    if (flight.left === 0) this.#end(flight);
  }

  /** Timers come before sockets: in a process that stood still, the answer may lie there unread. */
  #readLast(flight: Flight): void {
    flight.cancel = this.#options.clock.after(0, () => this.#giveUp(flight));
  }

  /** What has come until now is what there is. */
  #giveUp(flight: Flight): void {
    for (const { left, entries, resolve } of flight.asked) {
      if (left === 0) continue;
      this.#options.stats.timeouts += 1;
      resolve(entries);
    }
    this.#end(flight);
  }

  #end(flight: Flight): void {
    const { circuit, clock } = this.#options;
    flight.isOver = true;
    if (redisWaited.hasSubscribers) redisWaited.publish(clock.now() - flight.sentAt);
    flight.cancel();
    if (flight.isAnswered) circuit.succeeded();
    else circuit.failed(clock.now());
  }
}

/** The time that a value begins with; NaN where it does not. */
function clockOf(value: Buffer): Millis {
  let time = value.length < CLOCK_DIGITS ? Number.NaN : 0;
  for (let at = 0; at < CLOCK_DIGITS; at += 1) {
    const digit = (value[at] ?? 0) - ZERO;
    time = digit >= 0 && digit <= 9 ? time * 10 + digit : Number.NaN;
  }
  return time;
}

/** Each key once, and of a hash no more fields at a time than one has. */
function homesOf(
  asked: readonly Asked[],
  { prefix, fieldsMax }: Pick<RedisReadsOptions, 'prefix' | 'fieldsMax'>,
): readonly Home[] {
  const homes: Home[] = [];
  const plain = new Map<string, Home>();
  const hashes = new Map<string, Home>();
  for (const one of asked) {
    for (const [index, { home, field }] of one.keys.entries()) {
      const place = { asked: one, index };
      const known = (field === undefined ? plain : hashes).get(home);
      const at = known === undefined || field === undefined ? 0 : known.fields.indexOf(field);
      const same = known?.places[at];
      if (same !== undefined) {
        same.push(place);
      } else if (known !== undefined && field !== undefined && known.fields.length < fieldsMax) {
        known.fields.push(field);
        known.places.push([place]);
      } else {
        const fields = field === undefined ? [] : [field];
        const next: Home = { name: prefix + home, fields, places: [[place]] };
        homes.push(next);
        (field === undefined ? plain : hashes).set(home, next);
      }
    }
  }
  return homes;
}
