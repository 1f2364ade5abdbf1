/**
 * The log as a list in the process: the embedded default, where one node is the whole fleet. Its
 * positions tell the time of the wall clock, as those of Redis do, so that they are beyond those of
 * the process before; where it is set back they go on from where they were.
 *
 * It promises what `Log` does, and that a record can be read by every follower when `append`
 * resolves. It is bounded: a follower from before the oldest record is told of a gap.
 */
import assert from 'node:assert/strict';
import { systemClock, type Clock, type Millis } from './clock.ts';
import { contentOf } from './content.ts';
import { digestOf } from './digest.ts';
import { fault } from './errors.ts';
import { fenceMessage } from './fence.ts';
import type { AppendOptions, Log, LogEvent, LogRecord } from './log.ts';
import { readMessage, type InvalidationMessage } from './message.ts';
import { latest, positionOf, successor, type Position } from './position.ts';

export interface MemoryLogOptions {
  /** Default the system's. */
  readonly clock?: Clock;
  /** An idle follower hears that the log is alive this often. Default 250 ms. */
  readonly heartbeatMs?: Millis;
  /** More records than this are not kept. Default 100,000. */
  readonly recordsMax?: number;
}

/** An equal message within this time is the same message (interface `Log`). */
const SEEN_MS = 60_000;
/** Records in one event: a follower that is far behind yields to others now and then. */
const READ_COUNT = 1000;

export class MemoryLog implements Log {
  readonly #clock: Clock;
  readonly #heartbeatMs: Millis;
  readonly #recordsMax: number;
  readonly #records: LogRecord[] = [];
  /** In the order of time: the digest of a content, and the record that holds it. */
  readonly #seen = new Map<string, { readonly position: Position; readonly until: Millis }>();
  readonly #waiting = new Set<() => void>();
  /** Of the last record, or just before the first. */
  #end: Position;
  /** Just before the oldest record that is kept. */
  #start: Position;
  #closed = false;

  constructor({
    clock = systemClock, heartbeatMs = 250, recordsMax = 100_000,
  }: MemoryLogOptions = {}) {
    assert(heartbeatMs > 0 && recordsMax >= 1, 'a log has a heartbeat and holds a record');
    this.#clock = clock;
    this.#heartbeatMs = heartbeatMs;
    this.#recordsMax = recordsMax;
    this.#start = this.#end = this.#now();
  }

  // Async, so that a message that cannot be read rejects, as it does with Redis.
  // oxlint-disable-next-line require-await
  async append(
    message: InvalidationMessage,
    { identity }: AppendOptions = {},
  ): Promise<Position> {
    if (this.#closed) throw fault('LOG_CLOSED');
    const content = contentOf(message);
    const readable = readMessage(content);
    const digest = identity ?? digestOf(content);
    this.#forgetSeen();
    const seen = this.#seen.get(digest);
    if (seen !== undefined) return seen.position;

    const position = latest(successor(this.#end), this.#now());
    this.#seen.set(digest, { position, until: this.#clock.now() + SEEN_MS });
    this.#push({ position, message: readable });
    return position;
  }

  async *follow(
    { from, signal }: { from?: Position; signal: AbortSignal },
  ): AsyncGenerator<LogEvent> {
    let position = from;
    let toldAll = false;
    while (!signal.aborted && !this.#closed) {
      if (position === undefined || position < this.#start || position > this.#end) {
        position = this.#mend(position);
        yield { kind: 'gap', end: position };
      } else if (position < this.#end) {
        const records = this.#after(position);
        position = (records.at(-1) as LogRecord).position;
        toldAll = position === this.#end;
        yield { kind: 'records', records, caughtUp: toldAll };
      } else if (toldAll) {
        toldAll = await this.#appended(signal);
      } else {
        toldAll = true;
        yield { kind: 'heartbeat' };
      }
    }
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#waiting) wake();
    return Promise.resolve();
  }

  #now(): Position {
    return positionOf(Math.floor(this.#clock.wall()), 0);
  }

  assertInvariants(): void {
    assert(this.#records.length <= this.#recordsMax && this.#seen.size <= this.#recordsMax);
    assert(this.#start <= this.#end, 'a log ends after it starts');
    assert((this.#records.at(-1)?.position ?? this.#end) === this.#end, 'the end is the last');
  }

  /**
   * Where reading goes on. A position beyond the end is of a log before this one: what is appended
   * from now on must be beyond it too.
   */
  #mend(position: Position | undefined): Position {
    if (position === undefined || position < this.#start) return this.#start;
    this.#push({ position: successor(position), message: fenceMessage(this.#clock) });
    return this.#end;
  }

  #push(record: LogRecord): void {
    this.#records.push(record);
    this.#end = record.position;
    if (this.#records.length > this.#recordsMax) this.#trim();
    for (const wake of this.#waiting) wake();
    this.assertInvariants();
  }

  /** The next records after `position`, found by halving. */
  #after(position: Position): readonly LogRecord[] {
    let [low, high] = [0, this.#records.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#records[middle] as LogRecord).position <= position) low = middle + 1;
      else high = middle;
    }
    return this.#records.slice(low, low + READ_COUNT);
  }

  /** Drops a tenth at once, so that a full log does not move all records for each new one. */
  #trim(): void {
    const dropped = this.#records.splice(0, Math.ceil(this.#recordsMax / 10));
    this.#start = (dropped.at(-1) as LogRecord).position;
  }

  #forgetSeen(): void {
    const now = this.#clock.now();
    for (const [digest, { until }] of this.#seen) {
      if (until > now && this.#seen.size < this.#recordsMax) return;
      this.#seen.delete(digest);
    }
  }

  /** Whether something was appended before the heartbeat fell due; no longer than `signal`. */
  #appended(signal: AbortSignal): Promise<boolean> {
    const end = this.#end;
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve(this.#end !== end);
      };
      const cancel = this.#clock.after(this.#heartbeatMs, wake);
      signal.addEventListener('abort', wake, { once: true });
      this.#waiting.add(wake);
    });
  }
}
