/**
 * Appends to the log what transactions have written into the outbox's table, once they have
 * committed.
 *
 * It promises: every row of a transaction that committed is appended at least once, and again only
 * where the process, the database or Redis went away between the append and the mark (the log takes
 * an equal message within a minute as the same); a row that was rolled back never is. It survives
 * the database and Redis being away, each on its own, and waits for neither without bound.
 *
 * Order. A sequence number is given out when a row is written, not when it becomes visible, so a
 * lower one may appear after a higher one. The relay therefore keeps no place in the table: it
 * takes whatever is visible and not yet marked. So what committed before another transaction
 * enqueued is appended before it, and nothing waits for a transaction that is still open, be it
 * for an hour. Two that overlapped are in the order in which the relay saw them commit. Where it
 * saw both at once, they are in the order of their commits if the server keeps it
 * (`track_commit_timestamp = on`), else in that in which they enqueued: neither could have known
 * of the other.
 *
 * Several relays may run: one has the table's advisory lock and works, the others take over when
 * its session ends.
 */
import {
  pause, systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../clock.ts';
import { fault, FreshetError } from '../errors.ts';
import { Histogram, type Percentiles } from '../histogram.ts';
import { RedisLog } from '../log-redis.ts';
import type { Log } from '../log.ts';
import { readMessage } from '../message.ts';
import { formatPosition, type Position } from '../position.ts';
import { backoffMs, reasonOf, type RedisOptions } from '../redis.ts';
import type { PostgresClient } from './client.ts';
import { Session } from './session.ts';
import { checkedTable, DEFAULT_TABLE } from './table.ts';

export interface OutboxRelayOptions {
  /**
   * Makes a client that is not connected yet: `() => new pg.Client(url)`. It must reach the server
   * itself or a pooler in session mode: LISTEN and the lock belong to a session.
   */
  readonly connect: () => PostgresClient;
  /** Where the log is. Either this or `log`. */
  readonly redis?: RedisOptions;
  /** A log that is there already, and is not closed with the relay. */
  readonly log?: Pick<Log, 'append'>;
  /** Default `cache:invalidate`. */
  readonly channel?: string;
  /** Default the channel's name and `:log`. */
  readonly stream?: string;
  /** Default `freshet_outbox`. */
  readonly table?: string;
  /** Rows that are appended at once. Default 1,000. */
  readonly batchLength?: number;
  /** Looks for rows this often where no notification came, and for the lock. Default 1,000 ms. */
  readonly pollMs?: Millis;
  /** Rows that are done are deleted after this long. Default 1 h. */
  readonly retentionMs?: Millis;
  /** An answer of the database is waited for this long. Default 10,000 ms. */
  readonly queryTimeoutMs?: Millis;
  /** Told why the relay stands still, at most once a minute. Default: nobody is. */
  readonly warn?: (text: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface OutboxRelayStats {
  /** Rows appended and marked. */
  readonly delivered: number;
  /** Rows that no log would take: they hold no message, and are marked `refused`. */
  readonly refused: number;
  /** Times that the database or the log could not be reached; each attempt counts. */
  readonly failures: number;
  /** Whether this relay has the lock. */
  readonly isWorking: boolean;
  /** From enqueuing to the confirmation by the log, with the time the transaction took. */
  readonly delay: Percentiles;
}

interface Row {
  readonly sequence: string;
  readonly message: string;
  readonly age_ms: string;
}

interface Outcome {
  readonly row: Row;
  readonly position?: Position;
  readonly refused?: string;
}

/** Appends fail sooner for a service's callers; here nobody waits but the next batch. */
const APPEND_TIMEOUT_MS = 2_000;
const CLEAN_EVERY_MS = 10_000;
const CLEAN_LENGTH = 5_000;
const WARN_EVERY_MS = 60_000;

export class OutboxRelay {
  readonly #options: OutboxRelayOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Pick<Log, 'append'>;
  readonly #ownLog: Log | undefined;
  readonly #table: string;
  readonly #stop = new AbortController();
  readonly #delay = new Histogram();
  #running: Promise<void> | undefined;
  #delivered = 0;
  #refused = 0;
  #failures = 0;
  #isWorking = false;
  #cleanedAt: Millis = Number.NEGATIVE_INFINITY;
  #warnedAt: Millis = Number.NEGATIVE_INFINITY;

  /** Throws `REDIS_OPTIONS_INVALID` and `OUTBOX_INVALID`. Nothing is connected before `start`. */
  constructor(options: OutboxRelayOptions) {
    const { clock = systemClock, random = systemRandom, table = DEFAULT_TABLE } = options;
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#table = checkedTable(table);
    if (options.log === undefined) this.#ownLog = logOf(options, { clock, random });
    this.#log = options.log ?? this.#ownLog as Log;
  }

  /** Begins to relay, and goes on until `close`, whatever goes wrong. */
  start(): void {
    this.#running ??= this.#run();
  }

  get stats(): OutboxRelayStats {
    return {
      delivered: this.#delivered,
      refused: this.#refused,
      failures: this.#failures,
      isWorking: this.#isWorking,
      delay: this.#delay.percentiles(),
    };
  }

  /** Ends it when the batch under way is marked. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#ownLog?.close();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const before = this.#delivered;
      await this.#work().catch((error: unknown) => this.#fail(error));
      this.#isWorking = false;
      if (this.#delivered > before) failures = 0;
      await pause(this.#clock, backoffMs(failures, this.#random), signal);
    }
  }

  /** With one session, until it or the log fails: whoever has the lock then may do better. */
  async #work(): Promise<void> {
    const { connect, queryTimeoutMs = 10_000, pollMs = 1_000 } = this.#options;
    const { signal } = this.#stop;
    const session = await Session.open({
      connect, queryTimeoutMs, table: this.#table, clock: this.#clock,
    });
    try {
      const select = await this.#select(session);
      while (!signal.aborted) {
        session.listen();
        this.#isWorking ||= await session.lock();
        if (this.#isWorking) {
          const isMore = await this.#relay(session, select);
          await this.#clean(session);
          if (isMore) continue;
        }
        await session.wait(pollMs, signal);
      }
    } finally {
      session.end();
    }
  }

  /** What waits, in the order of the commits as far as the server knows it. */
  async #select(session: Session): Promise<string> {
    const { batchLength = 1_000 } = this.#options;
    const [setting] = await session.query<{ value: string }>(
      "SELECT current_setting('track_commit_timestamp') AS value");
    const commit = 'pg_xact_commit_timestamp(transaction::xid) NULLS FIRST, ';
    return `SELECT sequence, message,
        extract(epoch FROM clock_timestamp() - enqueued_at) * 1000 AS age_ms
      FROM ${this.#table} WHERE done_at IS NULL
      ORDER BY ${setting?.value === 'on' ? commit : ''}sequence LIMIT ${batchLength}`;
  }

  /** True where there may be more. */
  async #relay(session: Session, select: string): Promise<boolean> {
    const rows = await session.query<Row>(select);
    if (rows.length === 0) return false;
    const startedAt = this.#clock.now();
    // All at once: one connection to Redis keeps their order.
    const settled = await Promise.allSettled(rows.map((row) => this.#append(row)));
    const outcomes = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const tookMs = this.#clock.now() - startedAt;
    if (outcomes.length > 0) await this.#mark(session, outcomes);
    for (const { row, position } of outcomes) {
      if (position === undefined) this.#refused += 1;
      else this.#delay.record(Number(row.age_ms) + tookMs);
    }
    this.#delivered += outcomes.filter(({ position }) => position !== undefined).length;
    const failed = settled.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    return true;
  }

  /** Rejects where it has to be tried again. */
  async #append(row: Row): Promise<Outcome> {
    try {
      return { row, position: await this.#log.append(readMessage(row.message)) };
    } catch (error) {
      if (!(error instanceof FreshetError) || isTrouble(error)) throw error;
      // Nobody could read it: it must not stand in the way of those behind it.
      this.#warn(`a row of ${this.#table} holds no message (${error.code})`);
      return { row, refused: error.code };
    }
  }

  async #mark(session: Session, outcomes: readonly Outcome[]): Promise<void> {
    const text = `UPDATE ${this.#table} AS outbox
      SET done_at = clock_timestamp(), position = done.position, refused = done.refused
      FROM unnest($1::bigint[], $2::text[], $3::text[]) AS done (sequence, position, refused)
      WHERE outbox.sequence = done.sequence`;
    await session.query(text, [
      outcomes.map(({ row }) => row.sequence),
      outcomes.map(({ position }) => (position === undefined ? null : formatPosition(position))),
      outcomes.map(({ refused }) => refused ?? null),
    ]);
  }

  async #clean(session: Session): Promise<void> {
    const { retentionMs = 3_600_000 } = this.#options;
    if (this.#clock.now() - this.#cleanedAt < CLEAN_EVERY_MS) return;
    const deleted = await session.query(
      `DELETE FROM ${this.#table} WHERE sequence IN (
        SELECT sequence FROM ${this.#table}
        WHERE done_at < clock_timestamp() - $1 * interval '1 millisecond'
        ORDER BY done_at LIMIT ${CLEAN_LENGTH}) RETURNING sequence`, [retentionMs]);
    // A full helping: there is more, and the next look goes on with it.
    if (deleted.length < CLEAN_LENGTH) this.#cleanedAt = this.#clock.now();
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#warn(`the relay of ${this.#table} tries again: ${reasonOf(error)}`);
  }

  #warn(text: string): void {
    const now = this.#clock.now();
    if (now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    this.#options.warn?.(text);
  }
}

function isTrouble({ code }: FreshetError): boolean {
  return code === 'LOG_UNAVAILABLE' || code === 'LOG_CLOSED';
}

function logOf(
  { redis, channel, stream }: OutboxRelayOptions,
  shared: { clock: Clock; random: Random },
): Log {
  if (redis === undefined) {
    const required = 'a URL or an object, or a log';
    throw fault('REDIS_OPTIONS_INVALID', { path: 'redis', required, got: 'neither' });
  }
  return new RedisLog({
    ...shared, redis, appendTimeoutMs: APPEND_TIMEOUT_MS,
    ...(channel === undefined ? {} : { channel }),
    ...(stream === undefined ? {} : { stream }),
  });
}
