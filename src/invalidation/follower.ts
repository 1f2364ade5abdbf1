/**
 * Drives a node's horizon from the log, and knows whether the log is being heard.
 *
 * It promises: records are applied in order, each before anyone is told of it; a gap makes the
 * horizon forget; and it says that it hears only while it can prove it: it had read to the end of
 * the log less than `hearingTimeoutMs` ago, counted from when it asked, not from when the answer
 * came. Nothing that the log does can stop it.
 */
import { pause, type Clock, type Millis } from './clock.ts';
import { tellsSilence } from './fence.ts';
import type { Horizon } from './horizon.ts';
import type { Log, LogEvent, LogRecord } from './log.ts';
import type { InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import type { Purge } from './purge.ts';
import { purging } from './tracing-channels.ts';

export interface FollowerOptions {
  readonly log: Log;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly purgesOf: (message: InvalidationMessage) => readonly Purge[];
  /** Without proof for so long, the log is not heard. Default 1,000 ms. */
  readonly hearingTimeoutMs?: Millis;
  /**
   * After the log could not be heard for longer than that (and at the start), it counts as heard
   * only when it has been for so long: publishers deliver late what they had to keep, and try at
   * least every 500 ms. Default 1,000 ms.
   */
  readonly settleMs?: Millis;
  /** Callers that wait for a position at once; more are refused. Default 10,000. */
  readonly waitersMax?: number;
}

export interface FollowerCounts {
  readonly records: number;
  readonly gaps: number;
  /** Times that the log could not be heard; each attempt counts. */
  readonly losses: number;
  /** Listeners that threw. */
  readonly errors: number;
}

/** Purges applied in one turn of the event loop. */
const PURGES_PER_SLICE = 2_000;

interface Waiter {
  readonly position: Position;
  readonly resolve: (reached: boolean) => void;
}

export class Follower {
  readonly #log: Log;
  readonly #horizon: Horizon;
  readonly #clock: Clock;
  readonly #purgesOf: (message: InvalidationMessage) => readonly Purge[];
  readonly #hearingTimeoutMs: Millis;
  readonly #settleMs: Millis;
  readonly #waitersMax: number;
  readonly #recordListeners = new Set<(records: readonly LogRecord[]) => void>();
  readonly #gapListeners = new Set<(end: Position) => void>();
  readonly #waiters = new Set<Waiter>();
  readonly #stop = new AbortController();
  readonly #firstProof = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  /** When the last proof was asked for. */
  #provedAt: Millis | undefined;
  /** Since when proof has followed proof. */
  #heardSince: Millis | undefined;
  #isLost = true;
  #records = 0;
  #gaps = 0;
  #losses = 0;
  #errors = 0;

  constructor(options: FollowerOptions) {
    const { hearingTimeoutMs = 1_000, settleMs = 1_000, waitersMax = 10_000 } = options;
    this.#log = options.log;
    this.#horizon = options.horizon;
    this.#clock = options.clock;
    this.#purgesOf = options.purgesOf;
    this.#hearingTimeoutMs = hearingTimeoutMs;
    this.#settleMs = settleMs;
    this.#waitersMax = waitersMax;
  }

  get position(): Position {
    return this.#horizon.position;
  }

  get counts(): FollowerCounts {
    const [records, gaps, losses] = [this.#records, this.#gaps, this.#losses];
    return { records, gaps, losses, errors: this.#errors };
  }

  /** Begins to follow; does nothing when called again. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Resolves when the log has been read to its end for the first time. */
  caughtUp(): Promise<void> {
    return this.#firstProof.promise;
  }

  /** True while the node knows of every invalidation up to a moment ago. */
  hears(now: Millis): boolean {
    const [provedAt, heardSince] = [this.#provedAt, this.#heardSince];
    if (this.#isLost || provedAt === undefined || heardSince === undefined) return false;
    return now - provedAt < this.#hearingTimeoutMs && now - heardSince >= this.#settleMs;
  }

  /** How long ago it last had read to the end of the log; undefined where it never has. */
  lagMs(now: Millis): Millis | undefined {
    return this.#provedAt === undefined ? undefined : Math.max(0, now - this.#provedAt);
  }

  /** Resolves to true once everything up to `position` is applied, to false after `timeoutMs`. */
  reached(position: Position, timeoutMs: Millis): Promise<boolean> {
    if (this.position >= position) return Promise.resolve(true);
    if (this.#stop.signal.aborted || this.#waiters.size >= this.#waitersMax) {
      return Promise.resolve(false);
    }
    return new Promise((done) => {
      const resolve = (reached: boolean): void => {
        cancel();
        this.#waiters.delete(waiter);
        done(reached);
      };
      const waiter = { position, resolve };
      const cancel = this.#clock.after(timeoutMs, () => resolve(false));
      this.#waiters.add(waiter);
    });
  }

  /** `listener` is called with records that have been applied. Returns what ends that. */
  onRecords(listener: (records: readonly LogRecord[]) => void): () => void {
    this.#recordListeners.add(listener);
    return () => this.#recordListeners.delete(listener);
  }

  /** `listener` is called when records may have been missed, after the horizon has forgotten. */
  onGap(listener: (end: Position) => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const waiter of this.#waiters) waiter.resolve(false);
    await this.#running;
    this.#isLost = true;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const events = this.#log.follow({ signal })[Symbol.asyncIterator]();
    while (!signal.aborted) {
      const askedAt = this.#clock.now();
      const next = await events.next();
      if (next.done === true || signal.aborted) break;
      await this.#apply(next.value, askedAt);
    }
    this.#isLost = true;
    await events.return?.();
  }

  async #apply(event: LogEvent, askedAt: Millis): Promise<void> {
    switch (event.kind) {
      case 'records':
        await this.#applyRecords(event.records);
        if (event.caughtUp) this.#prove(askedAt);
        return;
      case 'heartbeat':
        return this.#prove(Math.min(event.askedAt ?? askedAt, this.#clock.now()));
      case 'gap':
        this.#gaps += 1;
        this.#horizon.forget(event.end);
        this.#wakeWaiters();
        return this.#tell(this.#gapListeners, event.end);
      case 'lost':
        this.#losses += 1;
        this.#isLost = true;
        return;
      default:
        event satisfies never;
    }
  }

  async #applyRecords(records: readonly LogRecord[]): Promise<void> {
    let purged = 0;
    const isTraced = purging.hasSubscribers;
    for (const [n, record] of records.entries()) {
      const end = endOf(record);
      if (end <= this.#horizon.position) continue;
      const purges = this.#purgesOf(record.message);
      if (tellsSilence(record.message)) this.#horizon.silentUntil(end);
      if (isTraced) this.#markTraced(record, purges);
      else this.#horizon.mark(end, purges);
      const next = records[n + 1];
      if (next === undefined || endOf(next) !== end) this.#horizon.advance(end, []);
      purged += purges.length;
      if (purged < PURGES_PER_SLICE) continue;
      purged = 0;
      await pause(this.#clock, 0, this.#stop.signal);
    }
    this.#records += records.length;
    this.#wakeWaiters();
    if (records.length > 0) this.#tell(this.#recordListeners, records);
  }

  #markTraced(record: LogRecord, purges: readonly Purge[]): void {
    const { position, message: { action, metadata } } = record;
    const traceparent = metadata?.traceparent;
    const mark = (): void => this.#horizon.mark(endOf(record), purges);
    if (traceparent === undefined) mark();
    else purging.traceSync(mark, { action, position, traceparent, purges: purges.length });
  }

  #prove(askedAt: Millis): void {
    const lastAt = this.#provedAt;
    const wasDeaf = lastAt === undefined || askedAt - lastAt >= this.#hearingTimeoutMs;
    if (wasDeaf) this.#heardSince = this.#clock.now();
    this.#provedAt = askedAt;
    this.#isLost = false;
    this.#firstProof.resolve();
  }

  #wakeWaiters(): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of [...this.#waiters]) {
      if (this.position >= waiter.position) waiter.resolve(true);
    }
  }

  /** A listener that throws is not the business of the log, nor of the other listeners. */
  #tell<T>(listeners: ReadonlySet<(value: T) => void>, value: T): void {
    for (const listener of listeners) {
      try {
        listener(value);
      } catch {
        this.#errors += 1;
      }
    }
  }
}

/**
 * All of a batch are marked at its end: its place is one text for all of them, and each text that a
 * mark keeps is garbage when the mark is made anew.
 */
function endOf({ position, batchEnd = position }: LogRecord): Position {
  return batchEnd;
}
