/**
 * Writes down what the log says, from wherever it was said. It follows the log as any node does,
 * so a purge that came by whichever door is in the database once.
 *
 * It promises: every record that the log holds gets into the database, in order, whatever becomes
 * of this process or of the database, for as long as the log still holds it; where it does not any
 * more, the database says so; it holds no more than one piece of the log in memory, since what it
 * has not written stays in the log; and nobody waits for it.
 *
 * One of the fleet writes at a time: who has the lock of the database. The others look every few
 * seconds whether it is free. That is for the sake of the database alone: a record is the same
 * whoever writes it, and its position is the primary key, so several may write.
 */
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import { isFence } from '../../invalidation/fence.ts';
import type { ArchivedEntry } from '../../invalidation/log-redis-archive.ts';
import type { Log, LogEvent, LogRecord } from '../../invalidation/log.ts';
import type { Position } from '../../invalidation/position.ts';
import { backoffMs, reasonOf } from '../../invalidation/redis.ts';
import { AuditTables } from './audit-tables.ts';
import { Chain, type Gap } from './chain.ts';
import type { AuditDatabase, AuditSession } from './database.ts';

export interface AuditorOptions {
  readonly log: Log;
  readonly database: Pick<AuditDatabase, 'open'>;
  /** All that the log holds up to a place. Undefined: a follower passes over nothing. */
  readonly entries?: ((end: Position) => AsyncIterable<readonly ArchivedEntry[]>) | undefined;
  readonly retentionDays: number;
  readonly warn: (text: string) => void;
  readonly clock: Clock;
  readonly random: Random;
  /** Who has not the lock asks for it this often. Default 5,000 ms. */
  readonly standbyMs?: Millis;
  /** New days are made, and old ones dropped, this often. Default 10 minutes. */
  readonly turnDaysMs?: Millis;
  /** At the end, so long is given to what the log still holds. Default 2,000 ms. */
  readonly drainMs?: Millis;
}

export interface AuditorStats {
  /** Whether this process is the one that writes. */
  readonly isWriting: boolean;
  /** Up to where the log has been read; undefined where this process has not, or another does. */
  readonly position: Position | undefined;
  /** The database has failed, and not answered since. */
  readonly isCutOff: boolean;
  /** Records that this process has written. */
  readonly written: number;
  readonly gaps: number;
  /** Times that the database failed; each attempt counts. */
  readonly failures: number;
}

const CHECK_MS = 5_000;
const RETRY_CAP_MS = 5_000;
const WARN_EVERY_MS = 60_000;

export class Auditor {
  readonly #options: AuditorOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #isDraining = false;
  #isWriting = false;
  #isCutOff = false;
  #position: Position | undefined;
  #written = 0;
  #gaps = 0;
  #failures = 0;
  #askedAt: Millis = 0;
  #turnedAt: Millis | undefined;
  #warnedAt: Millis | undefined;

  constructor(options: AuditorOptions) {
    this.#options = options;
    this.#clock = options.clock;
  }

  /** Begins, and goes on until `close`, whatever goes wrong. */
  start(): void {
    this.#running ??= this.#run();
  }

  get stats(): AuditorStats {
    return {
      isWriting: this.#isWriting,
      position: this.#position,
      isCutOff: this.#isCutOff,
      written: this.#written,
      gaps: this.#gaps,
      failures: this.#failures,
    };
  }

  /** Ends it when all that the log held has been written, or after `drainMs`. */
  async close(): Promise<void> {
    const { drainMs = 2_000 } = this.#options;
    this.#isDraining = true;
    if (!this.#isWriting) this.#stop.abort();
    // What is not done by then is done by whoever writes next.
    await Promise.race([this.#running, pause(this.#clock, drainMs)]);
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { random } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      const before = this.#written;
      await this.#work().catch((error: unknown) => this.#fail(error));
      this.#isWriting = false;
      if (this.#isDraining) return;
      if (this.#written > before) failures = 0;
      await pause(this.#clock, backoffMs(failures, random, RETRY_CAP_MS), signal);
    }
  }

  /** With one session, until it fails: the next one asks the database how far it is. */
  async #work(): Promise<void> {
    const { database, retentionDays, standbyMs = 5_000 } = this.#options;
    const { signal } = this.#stop;
    const session = await database.open();
    try {
      if (signal.aborted) return;
      while (!await this.#isOurs(session)) {
        await pause(this.#clock, standbyMs, signal);
        if (signal.aborted) return;
      }
      const tables = new AuditTables(session);
      const keptDays = await tables.setUp(retentionDays);
      if (keptDays !== retentionDays) this.#warnOfRetention(keptDays);
      this.#isWriting = true;
      this.#turnedAt = undefined;
      await this.#follow(tables);
    } finally {
      session.end();
    }
  }

  /** Whether this process may write. If not, another one knows how far the audit is. */
  async #isOurs(session: AuditSession): Promise<boolean> {
    const isOurs = await session.lock();
    this.#isCutOff = false;
    if (!isOurs) this.#position = undefined;
    return isOurs;
  }

  async #follow(tables: AuditTables): Promise<void> {
    const { log } = this.#options;
    const { signal } = this.#stop;
    const from = await tables.position();
    this.#position = from;
    await this.#keep(tables);
    let askedToEnd = this.#isDraining;
    for await (const event of log.follow({ signal, ...(from !== undefined && { from }) })) {
      const isAll = await this.#take(event, tables);
      if (isAll && askedToEnd) return;
      await this.#keep(tables);
      // What was appended while this was written is still to be read.
      askedToEnd = this.#isDraining;
    }
  }

  /** Resolves to whether all that the log holds is written. */
  async #take(event: LogEvent, tables: AuditTables): Promise<boolean> {
    switch (event.kind) {
      case 'records':
        await this.#write(event.records, tables);
        return event.caughtUp;
      case 'gap':
        await this.#bridge(event.end, tables);
        return false;
      case 'heartbeat':
        return true;
      case 'lost':
        return false;
      default:
        return event satisfies never;
    }
  }

  async #write(records: readonly LogRecord[], tables: AuditTables): Promise<void> {
    const last = records.at(-1);
    if (last === undefined) return;
    const meant = records.filter(({ message }) => !isFence(message));
    if (meant.length > 0) this.#written += await tables.write(meant);
    if (meant.at(-1) !== last) await tables.move(last.position);
    this.#position = last.position;
    this.#askedAt = this.#clock.now();
  }

  /** The follower goes on at `end`. What lies before and is still there is written first. */
  async #bridge(end: Position, tables: AuditTables): Promise<void> {
    const { entries } = this.#options;
    const from = this.#position;
    const chain = new Chain(from);
    let last: Position | undefined;
    if (entries !== undefined) {
      for await (const some of entries(end)) {
        // Who finds what came after a loss is to find the loss as well.
        for (const entry of some) await this.#writeGap(chain.next(entry), tables);
        await this.#writeAside(some, tables);
        last = some.at(-1)?.position ?? last;
      }
      await this.#writeGap(chain.end(end), tables);
    } else if (from !== undefined) {
      await this.#writeGap({ from, to: end }, tables);
    }
    // Where nothing was read yet, the log may begin at a place that is none of its entries.
    const position = from === undefined ? last : end;
    this.#askedAt = this.#clock.now();
    if (position === undefined) return;
    await tables.move(position);
    this.#position = position;
  }

  /** Without moving the place: should this end half-way, it begins anew. */
  async #writeAside(entries: readonly ArchivedEntry[], tables: AuditTables): Promise<void> {
    const records = entries.flatMap((entry) => entry.records)
      .filter(({ message }) => !isFence(message));
    if (records.length > 0) this.#written += await tables.write(records, { moving: false });
  }

  async #writeGap(gap: Gap | undefined, tables: AuditTables): Promise<void> {
    if (gap === undefined) return;
    const isNew = await tables.writeGap(gap.from, gap.to);
    // Where what came after it could not be written, it is told of again.
    if (!isNew) return;
    this.#gaps += 1;
    const { warn } = this.#options;
    warn('the log has lost records that the audit had not read: the audit says where');
  }

  /** What has to be done now and then. */
  async #keep(tables: AuditTables): Promise<void> {
    const { turnDaysMs = 600_000 } = this.#options;
    const now = this.#clock.now();
    if (this.#turnedAt === undefined || now - this.#turnedAt >= turnDaysMs) {
      this.#turnedAt = now;
      // Days are also made when they are needed: a failure here is no reason to stop.
      await tables.turnDays().catch((error: unknown) => this.#warnOf(error));
    }
    if (now - this.#askedAt < CHECK_MS) return;
    this.#askedAt = now;
    await tables.check();
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#isCutOff = true;
    this.#warnOf(error);
  }

  #warnOf(error: unknown): void {
    const now = this.#clock.now();
    if (this.#warnedAt !== undefined && now - this.#warnedAt < WARN_EVERY_MS) return;
    this.#warnedAt = now;
    const reason = reasonOf(error);
    this.#options.warn(`the audit cannot be written, and is tried again: ${reason}`);
  }

  #warnOfRetention(keptDays: number): void {
    this.#options.warn(
      `audit.retentionDays is not what the database keeps, ${keptDays} days: its owner sets that`);
  }
}
