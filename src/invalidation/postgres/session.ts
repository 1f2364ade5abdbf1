/**
 * One connection of a relay to PostgreSQL: it is woken by NOTIFY, and holds the lock by which one
 * relay at a time works for a table. It promises: no wait is longer than a bound; and once it has
 * failed it is of no more use, and says so to whoever waits.
 */
import type { Clock, Millis } from '../clock.ts';
import { fault } from '../errors.ts';
import { within } from '../within.ts';
import type { PostgresClient } from './client.ts';
import { channelOf } from './table.ts';

export interface SessionOptions {
  readonly connect: () => PostgresClient;
  readonly table: string;
  /** An answer is waited for this long. */
  readonly queryTimeoutMs: Millis;
  readonly clock: Clock;
}

/**
 * The table is full and empty by turns, so what the planner knows of it is always out of date, and
 * it would rather sort all that waits for each batch. This session asks for nothing but indexes.
 */
const BY_INDEX = ['bitmapscan', 'seqscan', 'hashjoin', 'mergejoin'].map((plan) =>
  `SET enable_${plan} = off`);

export class Session {
  readonly #options: SessionOptions;
  readonly #client: PostgresClient;
  #failure: Error | undefined;
  #isWoken = false;
  #wake: () => void = () => undefined;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#client = options.connect();
    this.#client.on('notification', () => this.#wakeUp());
    this.#client.on('error', (error) => this.#fail(error));
    this.#client.on('end', () => this.#fail(new Error('the connection was closed')));
  }

  /** Rejects where the database cannot be reached or has no such table. */
  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    try {
      await session.#within(session.#client.connect());
      const [found] = await session.query<{ present: boolean }>(
        'SELECT to_regclass($1) IS NOT NULL AS present', [options.table]);
      if (found?.present !== true) {
        const required = 'a table that the statements of outboxSql() have made';
        throw fault('OUTBOX_INVALID', { path: 'table', required, got: 'none' });
      }
      for (const statement of BY_INDEX) await session.query(statement);
      await session.query(`LISTEN ${channelOf(options.table)}`);
    } catch (error) {
      session.end();
      throw error;
    }
    return session;
  }

  async query<Row>(text: string, values: unknown[] = []): Promise<readonly Row[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const { rows } = await this.#within(this.#client.query(text, values));
    return rows as readonly Row[];
  }

  /** Whether this session has the table for itself, among relays. It keeps it until its end. */
  async lock(): Promise<boolean> {
    const [row] = await this.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_lock(hashtextextended('freshet outbox ' || $1::regclass::oid, 0))
       AS locked`, [this.#options.table]);
    return row?.locked === true;
  }

  /** From here on a notification ends the next `wait` at once. */
  listen(): void {
    this.#isWoken = false;
  }

  /** Until something was enqueued since `listen`, the session failed, or `timeoutMs` are over. */
  wait(timeoutMs: Millis, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || this.#failure !== undefined || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        this.#wake = () => undefined;
        resolve();
      };
      const cancel = this.#options.clock.after(timeoutMs, done);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  /** Ends the connection, and with it the lock. */
  end(): void {
    this.#fail(new Error('the session has ended'));
    this.#client.end().catch(() => undefined);
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    const { queryTimeoutMs, clock } = this.#options;
    return within(promise, { timeoutMs: queryTimeoutMs, clock });
  }

  #wakeUp(): void {
    this.#isWoken = true;
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }
}
