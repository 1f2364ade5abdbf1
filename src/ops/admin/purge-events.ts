/**
 * Tells watchers of what is invalidated as this process applies it, by server-sent events (HTML,
 * section 9.2): `begin` with the position from which on they are told, then `purge` and `missed`,
 * and a comment as heartbeat.
 *
 * It promises: a watcher costs bounded memory however slow it reads, and is told in its place how
 * many records it was not told of; with nobody watching a record costs nothing; and no filter holds
 * the event loop for longer than a slice.
 */
import { pause, type Clock, type Millis } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import type { InvalidationMessage } from '../../invalidation/message.ts';
import { formatPosition, type Position } from '../../invalidation/position.ts';
import type { Purge } from '../../invalidation/purge.ts';
import { isFrom, mayMeet, type EventFilter } from './event-filter.ts';
import { eventOf } from './purge-event.ts';

export interface PurgeEventsOptions {
  readonly clock: Clock;
  readonly purgesOf: (message: InvalidationMessage) => readonly Purge[];
  /** How far this node has followed the log, as JSON names it. Throws STARTING. */
  readonly position: () => string;
  /** How often the log could not be followed without a gap. */
  readonly gaps: () => number;
  /** Entries in memory that a record has touched. Default: they are not counted. */
  readonly touched?: (record: LogRecord) => Promise<number>;
  /** More are refused. Default 50. */
  readonly watchersMax?: number;
  /** Records that wait for one watcher. Default 1,000. */
  readonly waitingMax?: number;
  /** Their keys, all together. Default 20,000. */
  readonly waitingKeysMax?: number;
  /** When nothing was sent for so long there is a heartbeat. Default 10,000 ms. */
  readonly heartbeatMs?: Millis;
}

export class PurgeEvents {
  readonly #options: PurgeEventsOptions;
  readonly #watchers = new Set<Watcher>();
  readonly #turns: Turns;
  #isClosed = false;

  constructor(options: PurgeEventsOptions) {
    this.#options = options;
    this.#turns = new Turns(options.clock);
  }

  /** To be told of all records of the log, once they are applied. */
  readonly heard = (records: readonly LogRecord[]): void => {
    if (this.#watchers.size === 0) return;
    for (const record of records) {
      const heard = new Heard(record, this.#options);
      for (const watcher of this.#watchers) watcher.hear(heard);
    }
  };

  /**
   * What the filter lets through, from now on, until the reader cancels or `close`.
   *
   * @throws WATCHERS_TOO_MANY, SHUTTING_DOWN, STARTING
   */
  watch(filter: EventFilter): ReadableStream<Uint8Array> {
    const { watchersMax = 50 } = this.#options;
    if (this.#isClosed) throw fault('SHUTTING_DOWN');
    if (this.#watchers.size >= watchersMax) throw fault('WATCHERS_TOO_MANY', { max: watchersMax });
    const watcher = new Watcher(filter, { ...this.#options, turns: this.#turns });
    this.#watchers.add(watcher);
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const text = await watcher.next();
        if (text !== undefined) controller.enqueue(encoder.encode(text));
        else if (!watcher.isLeft) controller.close();
      },
      cancel: () => {
        this.#watchers.delete(watcher);
        watcher.leave();
      },
    }, { highWaterMark: 0 });
  }

  /** Ends all streams. */
  close(): void {
    this.#isClosed = true;
    for (const watcher of this.#watchers) watcher.end();
    this.#watchers.clear();
  }
}

/** Keys of which it is worked out at once what they purge. */
const PIECE_KEYS = 100;

/** A record, of which it is worked out once what it purges, piece by piece. */
class Heard {
  readonly record: LogRecord;
  readonly #purgesOf: PurgeEventsOptions['purgesOf'];
  readonly #pieces: (readonly Purge[])[] = [];
  readonly #count: () => Promise<number | undefined>;
  #touched: Promise<number | undefined> | undefined;

  constructor(record: LogRecord, { purgesOf, touched }: PurgeEventsOptions) {
    this.record = record;
    this.#purgesOf = purgesOf;
    this.#count = async () => touched?.(record);
  }

  /** Counted once for all watchers; undefined where it cannot be. */
  touched(): Promise<number | undefined> {
    return this.#touched ??= this.#count().catch(() => undefined);
  }

  get keys(): number {
    return 1 + (this.record.message.entity_ids?.length ?? 0);
  }

  /** Undefined after the last piece. */
  piece(at: number): readonly Purge[] | undefined {
    const { message } = this.record;
    const { entity_ids: keys, metadata } = message;
    if (at > 0 && at * PIECE_KEYS >= (keys?.length ?? 0)) return undefined;
    const some = keys?.slice(at * PIECE_KEYS, (at + 1) * PIECE_KEYS) ?? null;
    // What it takes along is in the first piece.
    const others = at === 0 || metadata === null ? metadata : { ...metadata, cascade: [] };
    return this.#pieces[at] ??= this.#purgesOf({ ...message, entity_ids: some, metadata: others });
  }
}

/**
 * Records that a watcher is not told of, because it read too slowly; or before `to`, because the
 * log had a gap: of that it is not known how many, and where it began.
 */
interface Missed {
  count: number | null;
  readonly from: Position | null;
  to: Position;
}

/** The event loop is held for so long, and for one match and one piece more. */
const SLICE_MS: Millis = 1;
const HEARTBEAT_MS: Millis = 10_000;
/** Where so many wait, what they have touched is not counted. */
const COUNTED_MAX = 10;

/** Lets one work after the other, so that the slices of many are not one long one. */
class Turns {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #beganAt: Millis = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take<T>(work: () => Promise<T>): Promise<T> {
    const taken = this.#last.then(work);
    this.#last = taken.catch(() => undefined);
    return taken;
  }

  /** To be asked by whoever has the turn. */
  get isOver(): boolean {
    return this.#clock.now() - this.#beganAt >= SLICE_MS;
  }

  /** Lets everything else have its turn. */
  async rest(): Promise<void> {
    await pause(this.#clock, 0);
    this.#beganAt = this.#clock.now();
  }
}

class Watcher {
  readonly #filter: EventFilter;
  readonly #options: PurgeEventsOptions & { readonly turns: Turns };
  readonly #beganAt: string;
  readonly #waiting: (Heard | Missed)[] = [];
  #waitingKeys = 0;
  #wake = new AbortController();
  /** When the last text was given, from `begin` on. */
  #toldAt: Millis | undefined;
  #isOver = false;
  #gaps: number;
  isLeft = false;

  constructor(filter: EventFilter, options: PurgeEventsOptions & { readonly turns: Turns }) {
    this.#filter = filter;
    this.#options = options;
    this.#beganAt = options.position();
    this.#gaps = options.gaps();
  }

  hear(heard: Heard): void {
    const { record: { message, position }, keys } = heard;
    if (this.#hasNewGap()) this.#miss({ count: null, from: null, to: position });
    if (!isFrom(message, this.#filter)) return;
    if (this.#isFull) {
      this.#miss({ count: 1, from: position, to: position });
    } else {
      this.#waiting.push(heard);
      this.#waitingKeys += keys;
    }
    this.#wake.abort();
  }

  get #isFull(): boolean {
    const { waitingMax = 1_000, waitingKeysMax = 20_000 } = this.#options;
    return this.#waiting.length >= waitingMax || this.#waitingKeys >= waitingKeysMax;
  }

  /** In its place; what is missed together is told together. */
  #miss(missed: Missed): void {
    const last = this.#waiting.at(-1);
    if (last === undefined || last instanceof Heard) {
      this.#waiting.push(missed);
    } else {
      last.count = last.count === null || missed.count === null ? null : last.count + missed.count;
      last.to = missed.to;
    }
    this.#wake.abort();
  }

  #hasNewGap(): boolean {
    const gaps = this.#options.gaps();
    const isNew = gaps !== this.#gaps;
    this.#gaps = gaps;
    return isNew;
  }

  /** The next text to send, when there is one; undefined at the end. */
  async next(): Promise<string | undefined> {
    const text = this.#toldAt === undefined
      ? eventText('begin', { position: this.#beganAt })
      : await this.#nextAfter(this.#toldAt);
    this.#toldAt = this.#options.clock.now();
    return text;
  }

  /** Whatever the filter leaves out meanwhile, a text comes when the heartbeat is due. */
  async #nextAfter(toldAt: Millis): Promise<string | undefined> {
    const { clock, heartbeatMs = HEARTBEAT_MS } = this.#options;
    const dueAt = toldAt + heartbeatMs;
    while (!this.#isOver) {
      const first = this.#waiting.shift();
      const text = first === undefined ? await this.#rest(dueAt) : await this.#textOf(first);
      if (text !== undefined) return text;
      if (clock.now() >= dueAt) return ': alive\n\n';
    }
    return undefined;
  }

  /** Until there is something to do, or to be told. */
  async #rest(dueAt: Millis): Promise<string | undefined> {
    const { clock, position } = this.#options;
    this.#wake = new AbortController();
    await pause(clock, Math.max(0, dueAt - clock.now()), this.#wake.signal);
    if (this.#wake.signal.aborted || !this.#hasNewGap()) return undefined;
    return eventText('missed', { count: null, from: null, to: position() });
  }

  /** Undefined where the filter leaves it out. */
  async #textOf(first: Heard | Missed): Promise<string | undefined> {
    if (first instanceof Heard) {
      this.#waitingKeys -= first.keys;
      const isAsked = await this.#options.turns.take(() => this.#isAsked(first));
      if (!isAsked) return undefined;
      return eventText('purge', eventOf(first.record, await this.#count(first)));
    }
    const { count, from, to } = first;
    return eventText('missed', {
      count, from: from === null ? null : formatPosition(from), to: formatPosition(to),
    });
  }

  /** The reader has gone. */
  leave(): void {
    this.isLeft = true;
    this.end();
  }

  end(): void {
    this.#isOver = true;
    this.#wake.abort();
  }

  /** To look through the memory for each of many would make the watcher miss some. */
  async #count(heard: Heard): Promise<number | undefined> {
    return this.#waiting.length < COUNTED_MAX ? heard.touched() : undefined;
  }

  async #isAsked(heard: Heard): Promise<boolean> {
    const { about } = this.#filter;
    const { turns } = this.#options;
    if (turns.isOver) await turns.rest();
    if (about === undefined) return true;
    for (let at = 0; !this.#isOver; at += 1) {
      const purges = heard.piece(at);
      if (purges === undefined) return false;
      for (const purge of purges) {
        if (mayMeet(about, purge)) return true;
        if (turns.isOver) await turns.rest();
      }
    }
    return false;
  }
}

function eventText(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
