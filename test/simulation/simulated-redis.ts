/**
 * A Redis server as far as this project uses one: what its scripts and commands do, in memory and
 * in virtual time, and all that may happen to it. It knows nothing of how commands reach it.
 */
import type { Millis } from '../../src/invalidation/clock.ts';
import { APPEND, FENCE, TAIL } from '../../src/invalidation/log-scripts.ts';
import {
  before, formatPosition, ORIGIN, parsePosition, positionOf, successor, type Position,
} from '../../src/invalidation/position.ts';
import type { VirtualTime } from './virtual-time.ts';

interface StreamEntry {
  readonly position: Position;
  readonly messageId: string;
  readonly messages: readonly string[];
  readonly previous: string;
}

interface Stream {
  entries: StreamEntry[];
  last: Position;
}

/** Of a plain key the one field is ''. */
interface Hash {
  readonly fields: Map<string, Buffer>;
  until: Millis;
}

interface Lock {
  readonly token: string;
  readonly until: Millis;
}

export interface Snapshot {
  readonly stream: Stream | undefined;
  readonly seen: ReadonlyMap<string, { id: string; until: Millis }>;
  readonly hashes: ReadonlyMap<string, Hash>;
  readonly locks: ReadonlyMap<string, Lock>;
  /** How many records had been appended in all. */
  readonly appended: number;
}

/** What clients asked for of a lock and were answered, or what became of all of them. */
export type LockEvent =
  | { readonly kind: 'set'; readonly name: string; readonly token: string; readonly ms: Millis }
  | { readonly kind: 'release'; readonly name: string; readonly token: string }
  | { readonly kind: 'lost' };

export interface RedisObserver {
  appended(record: { position: Position; messageId: string; message: string }): void;
  lock(event: LockEvent): void;
}

type Reply = (error: Error | undefined, value?: unknown) => void;
type Arguments = readonly (string | number | Buffer)[];

const SCRIPTS = new Map([APPEND, TAIL, FENCE].flatMap((script) => [
  [script.sha, script], [script.lua, script],
]));

export class SimulatedRedis {
  readonly #time: VirtualTime;
  readonly #wallMs: Millis;
  readonly #observer: RedisObserver;
  #stream: Stream | undefined;
  #seen = new Map<string, { id: string; until: Millis }>();
  #hashes = new Map<string, Hash>();
  #locks = new Map<string, Lock>();
  readonly #scripts = new Set<string>();
  readonly #readers = new Set<() => boolean>();
  readonly #subscribers = new Set<(payload: string) => void>();
  readonly #backlog: (() => void)[] = [];
  #appended = 0;
  /** How far its clock is ahead of what it showed at the beginning. */
  clockAheadMs: Millis = 0;
  /** Takes commands, and answers none. */
  isStopped = false;
  /** Takes no connection. */
  isDown = false;

  constructor(
    time: VirtualTime,
    { wallMs, observer }: { wallMs: Millis; observer: RedisObserver },
  ) {
    this.#time = time;
    this.#wallMs = wallMs;
    this.#observer = observer;
  }

  /** A command has arrived. A blocking one is answered later. */
  receive(args: Arguments, reply: Reply): void {
    if (this.isStopped) {
      this.#backlog.push(() => this.receive(args, reply));
      return;
    }
    if (this.isDown) return;
    const [name, ...rest] = args;
    try {
      if (name === 'xread') this.#read(rest, reply);
      else reply(undefined, this.#execute(String(name), rest));
    } catch (error) {
      reply(error instanceof Error ? error : new Error(String(error)));
    }
  }

  subscribe(listener: (payload: string) => void): () => void {
    this.#subscribers.add(listener);
    return () => this.#subscribers.delete(listener);
  }

  /** False where it cannot be reached. */
  publish(payload: string): boolean {
    if (this.isDown || this.isStopped) return false;
    for (const listener of [...this.#subscribers]) listener(payload);
    return true;
  }

  get entries(): readonly { readonly position: Position }[] {
    return this.#stream?.entries ?? [];
  }

  resume(): void {
    this.isStopped = false;
    for (const task of this.#backlog.splice(0)) this.#time.after(0, task);
  }

  /** Connections are gone, and what they carried. */
  forgetConnections(): void {
    this.#subscribers.clear();
    this.#readers.clear();
    this.#backlog.length = 0;
    this.#scripts.clear();
  }

  snapshot(): Snapshot {
    return {
      stream: this.#stream && { ...this.#stream, entries: [...this.#stream.entries] },
      seen: new Map(this.#seen),
      hashes: copyOf(this.#hashes),
      locks: new Map(this.#locks),
      appended: this.#appended,
    };
  }

  /** What a replica holds that is behind. */
  restore({ stream, seen, hashes, locks }: Snapshot): void {
    this.loseLocks(locks);
    this.#stream = stream && { ...stream, entries: [...stream.entries] };
    this.#seen = new Map(seen);
    this.#hashes = copyOf(hashes);
  }

  restoreHashes({ hashes }: Snapshot): void {
    this.#hashes = copyOf(hashes);
  }

  wipe(): void {
    this.deleteStream();
    this.#seen.clear();
    this.#hashes.clear();
    this.loseLocks();
  }

  /** All but these, which a replica has. */
  loseLocks(kept: ReadonlyMap<string, Lock> = new Map()): void {
    this.#locks = new Map(kept);
    this.#observer.lock({ kind: 'lost' });
  }

  deleteStream(): void {
    this.#stream = undefined;
  }

  /** Drops the entries whose place (0 is the oldest) is chosen. */
  dropEntries(isChosen: (place: number, count: number) => boolean): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    const count = stream.entries.length;
    stream.entries = stream.entries.filter((_, place) => !isChosen(place, count));
  }

  evict(isChosen: () => boolean): void {
    for (const name of this.#hashes.keys()) if (isChosen()) this.#hashes.delete(name);
  }

  get #nowMs(): number {
    return Math.floor(this.#wallMs + this.#time.now + this.clockAheadMs);
  }

  #execute(name: string, args: Arguments): unknown {
    switch (name) {
      case 'evalsha':
      case 'eval':
        return this.#run(name, args);
      case 'xrange':
        return this.#range(String(args[1]));
      case 'freshetRead':
        return this.#readHashes(args);
      case 'freshetWrite':
        return this.#writeHash(args);
      case 'unlink':
        this.#locks.delete(String(args[0]));
        return this.#hashes.delete(String(args[0])) ? 1 : 0;
      case 'set':
        return this.#lock(args);
      case 'exists':
        return this.#lockOf(String(args[0])) === undefined ? 0 : 1;
      case 'freshetRelease':
        return this.#release(String(args[0]), String(args[1]));
      case 'ping':
      case 'subscribe':
        return 'OK';
      default:
        throw new Error(`the simulated Redis knows no ${name}`);
    }
  }

  #lockOf(name: string): Lock | undefined {
    const lock = this.#locks.get(name);
    return lock !== undefined && this.#time.now < lock.until ? lock : undefined;
  }

  /** `SET name token PX ms NX`, the one way in which a plain key is set without a script. */
  #lock([name, token, , ms]: Arguments): 'OK' | null {
    const lock = { name: String(name), token: String(token), ms: Number(ms) };
    if (this.#lockOf(lock.name) !== undefined) return null;
    this.#locks.set(lock.name, { token: lock.token, until: this.#time.now + lock.ms });
    this.#observer.lock({ kind: 'set', ...lock });
    return 'OK';
  }

  #release(name: string, token: string): 0 | 1 {
    this.#observer.lock({ kind: 'release', name, token });
    if (this.#lockOf(name)?.token !== token) return 0;
    this.#locks.delete(name);
    return 1;
  }

  #run(name: string, [text, keyCount, ...args]: Arguments): unknown {
    const script = SCRIPTS.get(String(text));
    if (script === undefined) throw new Error('an unknown script');
    if (name === 'evalsha' && !this.#scripts.has(script.sha)) throw new Error('NOSCRIPT');
    this.#scripts.add(script.sha);
    const texts = args.map(String);
    if (script === APPEND) return this.#append(texts.slice(2), Number(keyCount) - 2);
    if (script === FENCE) this.#fence(texts);
    const { last, entry, link } = this.#tail();
    return [String(this.#nowMs), last, entry, link];
  }

  #tail(): { last: string; entry: string; link: string } {
    if (this.#stream === undefined) return { last: '', entry: '', link: '' };
    const last = formatPosition(this.#stream.last);
    const end = this.#stream.entries.at(-1);
    if (end?.position !== this.#stream.last) {
      const entry = end === undefined ? '' : formatPosition(end.position);
      return { last, entry, link: `${last}/` };
    }
    return { last, entry: last, link: `${last}/${end.messageId}` };
  }

  #append(args: readonly string[], count: number): readonly string[] {
    const limits = args.slice(count, count + 3).map(Number);
    const [recordsMax = 0, retentionMs = 0, seenMs = 0] = limits;
    const places = new Map<string, number>();
    const records: { message: string; messageId: string }[] = [];
    for (const [at, key] of args.slice(0, count).entries()) {
      const seen = this.#seen.get(key);
      if (places.has(key) || (seen !== undefined && seen.until > this.#time.now)) continue;
      places.set(key, records.length);
      const [message, messageId] = args.slice(count + 4 + 4 * at) as [string, string];
      records.push({ message, messageId });
    }
    if (records.length > 0) {
      const last = this.#add('*', records, recordsMax);
      const oldest = positionOf(Math.max(0, this.#nowMs - retentionMs), 0);
      const stream = this.#stream as Stream;
      stream.entries = stream.entries.filter(({ position }) => position >= oldest);
      for (const [key, place] of places) {
        const id = formatPosition(before(last, records.length - 1 - place));
        this.#seen.set(key, { id, until: this.#time.now + seenMs });
      }
    }
    const ids = args.slice(0, count).map((key) => this.#seen.get(key)?.id ?? '');
    return records.length === count ? ids.slice(-1) : ids;
  }

  #fence([, , message, messageId, recordsMax, position, next, always]: readonly string[]): void {
    const last = this.#stream?.last;
    const place = parsePosition(position ?? '');
    const isBeyond = last !== undefined && (place === undefined || last > place);
    if (isBeyond && always !== 'always') return;
    const isBehind = place !== undefined && positionOf(this.#nowMs, 0) <= place;
    const id = !isBeyond && isBehind ? (next as string) : '*';
    const record = { message: message as string, messageId: messageId as string };
    this.#add(id, [record], Number(recordsMax));
  }

  #add(
    id: string,
    records: readonly { readonly message: string; readonly messageId: string }[],
    recordsMax: number,
  ): Position {
    const { link: previous } = this.#tail();
    let position = this.#positionFor(id);
    for (const [at, { message, messageId }] of records.entries()) {
      if (at > 0) position = successor(position);
      this.#appended += 1;
      this.#observer.appended({ position, messageId, message });
    }
    const stream = this.#stream ??= { entries: [], last: position };
    stream.last = position;
    const messages = records.map(({ message }) => message);
    const messageId = records.at(-1)?.messageId ?? '';
    stream.entries.push({ position, messageId, messages, previous });
    let kept = stream.entries.reduce((sum, entry) => sum + entry.messages.length, 0);
    while (kept > recordsMax) kept -= stream.entries.shift()?.messages.length ?? kept;
    for (const wake of [...this.#readers]) if (wake()) this.#readers.delete(wake);
    return position;
  }

  /** As XADD: `*` is the time, or just beyond the last where the clock is behind that. */
  #positionFor(id: string): Position {
    const last = this.#stream?.last ?? ORIGIN;
    const now = positionOf(this.#nowMs, 0);
    if (id === '*') return now > last ? now : successor(last);
    const position = parsePosition(id);
    if (position === undefined || position <= last) throw new Error('ERR the ID is too small');
    return position;
  }

  #after(position: Position, count: number): unknown[] {
    const entries = this.#stream?.entries ?? [];
    return entries.filter((entry) => entry.position > position).slice(0, count).map(rawOf);
  }

  #read(args: Arguments, reply: Reply): void {
    const [, count, , blockMs, , name, id] = args;
    const position = parsePosition(String(id)) ?? ORIGIN;
    const answer = (): boolean => {
      const entries = this.#after(position, Number(count));
      if (entries.length === 0) return false;
      cancel();
      reply(undefined, [[name, entries]]);
      return true;
    };
    const cancel = this.#time.after(Number(blockMs), () => {
      if (this.#readers.delete(answer)) reply(undefined, null);
    });
    if (!answer()) this.#readers.add(answer);
  }

  #range(start: string): unknown[] {
    const exclusive = start.startsWith('(');
    const position = parsePosition(exclusive ? start.slice(1) : start) ?? ORIGIN;
    const entries = this.#stream?.entries ?? [];
    const first = entries.find((entry) =>
      exclusive ? entry.position > position : entry.position >= position);
    return first === undefined ? [] : [rawOf(first)];
  }

  /** `count`, that many keys, the most bytes, then for each how many fields, and these. */
  #readHashes([count, ...args]: Arguments): unknown[] {
    const names = args.slice(0, Number(count)).map(String);
    let at = names.length + 1;
    const homes = names.map((name) => {
      const fieldCount = Number(args[at]);
      const fields = fieldCount === 0 ? [''] : args.slice(at + 1, at + 1 + fieldCount).map(String);
      at += 1 + fieldCount;
      const hash = this.#hashes.get(name);
      const isThere = hash !== undefined && hash.until > this.#time.now;
      return fields.map((field) => (isThere ? hash.fields.get(field) ?? null : null));
    });
    return [this.#digits(), ...homes];
  }

  #writeHash([name, bytes, lifeMs, field, ...limits]: Arguments): number {
    const [fieldsMax, notAfter, asOf] = limits.map(Number) as [number, number, number];
    if (this.#nowMs > notAfter) return 0;
    const key = String(name);
    const now = this.#time.now;
    const known = this.#hashes.get(key);
    const hash = known !== undefined && known.until > now && known.fields.size < fieldsMax
      ? known
      : { fields: new Map<string, Buffer>(), until: 0 };
    hash.fields.set(String(field), Buffer.concat([this.#digits(asOf), bytes as Buffer]));
    hash.until = Math.max(hash.until, now + Number(lifeMs));
    this.#hashes.set(key, hash);
    return 1;
  }

  #digits(timeMs = this.#nowMs): Buffer {
    return Buffer.from(String(Math.min(timeMs, this.#nowMs)).padStart(16, '0'), 'latin1');
  }
}

function copyOf(hashes: ReadonlyMap<string, Hash>): Map<string, Hash> {
  return new Map(Array.from(hashes, ([name, { fields, until }]) =>
    [name, { fields: new Map(fields), until }]));
}

function rawOf({ position, messageId, messages, previous }: StreamEntry): unknown {
  const [message, ...others] = messages;
  const content = others.length === 0
    ? ['message', message]
    : ['messages', `[${messages.join(',')}]`];
  return [formatPosition(position), [...content, 'message_id', messageId, 'previous', previous]];
}
