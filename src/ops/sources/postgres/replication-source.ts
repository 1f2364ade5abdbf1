/**
 * Reads the changes of tables from PostgreSQL's own log, by logical replication: whoever made them,
 * without a trigger, and without a word in the transaction that made them.
 *
 * It promises what every source does. The place up to which the slot has been read is confirmed
 * when all that came before is in the log, so that reading goes on from there, in this process or
 * another one; a transaction comes again as a whole, which is harmless. While nobody reads, the
 * server keeps what was not read: an operator is warned before that is too much.
 */
import { randomUUID } from 'node:crypto';
import { pause, type Clock, type Millis } from '../../../invalidation/clock.ts';
import { MessageMaker } from '../../../invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../../invalidation/message.ts';
import type { InvalidationSource, SourceStats, SourceSurroundings } from '../source.ts';
import { SourceLoop } from '../source-loop.ts';
import { connectDatabase, type DatabaseConnection } from './connection.ts';
import { PgoutputReader, type Lsn } from './pgoutput.ts';
import { setUpReplication } from './replication-setup.ts';
import { ReplicationStream } from './replication-stream.ts';
import { retainedWarning } from './retained-wal.ts';
import { messageOfType, StaleKeys } from './stale-keys.ts';
import { quotedName, quotedText, type TableMapping } from './table-mapping.ts';

export interface ReplicationSourceOptions extends SourceSurroundings {
  readonly url: string;
  /** One for each fleet: who else reads it takes away what this one should have read. */
  readonly slot: string;
  readonly publication: string;
  readonly mappings: readonly TableMapping[];
  /** Warn where the server keeps more of its WAL for the slot. Default 1 GiB. */
  readonly retainedBytesMax?: number;
  /** Who has not the lock asks for it this often. Default 2,000 ms. */
  readonly standbyMs?: Millis;
  /** Default one minute. */
  readonly retainedEveryMs?: Millis;
}

const GIB = 2 ** 30;

export class ReplicationSource implements InvalidationSource {
  readonly #options: ReplicationSourceOptions;
  readonly #clock: Clock;
  readonly #maker: MessageMaker;
  readonly #loop: SourceLoop;
  readonly #stop = new AbortController();
  #watching: Promise<void> | undefined;
  #isStandby = false;

  /** Nothing is connected before `start`. */
  constructor(options: ReplicationSourceOptions) {
    const { name, clock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#maker = new MessageMaker({ sourceService: name, clock, newId: () => randomUUID() });
    this.#loop = new SourceLoop({ ...options, work: (signal) => this.#work(signal) });
  }

  start(): void {
    this.#loop.start();
    this.#watching ??= this.#watch(this.#stop.signal);
  }

  get stats(): SourceStats {
    return this.#loop.counts;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#loop.close();
    await this.#watching;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { url, slot, standbyMs = 2_000 } = this.#options;
    const clock = this.#clock;
    const database = await connectDatabase({ url, clock });
    try {
      for (;;) {
        this.#isStandby = !await lock(database, slot);
        if (!this.#isStandby) break;
        await pause(clock, standbyMs, signal);
        if (signal.aborted) return;
      }
      await this.#read(database, signal);
    } finally {
      this.#isStandby = false;
      database.end();
    }
  }

  /** As long as `database`, by which this process has the lock, is there. */
  async #read(database: DatabaseConnection, signal: AbortSignal): Promise<void> {
    const { url, slot, publication, mappings } = this.#options;
    const clock = this.#clock;
    const forget = (): Promise<void> => this.#forget();
    await setUpReplication({ database, slot, publication, mappings, forget });
    const walsender = await connectDatabase({ url, replication: true, clock });
    const stream = new ReplicationStream(startText({ slot, publication }), clock);
    void database.over.then((error) => stream.handleError(error));
    try {
      walsender.stream(stream);
      this.#loop.isWorking = true;
      await this.#follow(stream, signal);
    } finally {
      stream.end();
      walsender.end();
    }
  }

  async #follow(stream: ReplicationStream, signal: AbortSignal): Promise<void> {
    const reader = new PgoutputReader();
    const stale = new StaleKeys({
      mappings: this.#options.mappings,
      maker: this.#maker,
      onUnknown: (table, column) => this.#warnOfIdentity(table, column),
    });
    let isWithin = false;
    let read: Lsn = 0n;
    while (!signal.aborted) {
      for (const frame of await stream.next(signal)) {
        if (frame.kind === 'keepalive') {
          // What was sent between transactions is of no table that is published.
          if (!isWithin) read = frame.end;
          continue;
        }
        const change = reader.read(frame.bytes);
        if (change.kind === 'begin') isWithin = true;
        stale.add(change);
        if (change.kind === 'commit') {
          isWithin = false;
          read = change.end;
        }
        if (stale.isFull) await this.#append(stale.take());
      }
      await this.#append(stale.take());
      stream.confirm(read);
    }
  }

  async #append(messages: readonly InvalidationMessage[]): Promise<void> {
    const { sink } = this.#options;
    await Promise.all(messages.map((message) => sink.append(message)));
    this.#loop.delivered(messages.length);
  }

  async #forget(): Promise<void> {
    const { mappings } = this.#options;
    const types = new Set(mappings.map(({ type }) => type));
    this.#loop.warn('begin', `it is read from here on, and ${types.size} types are purged`);
    await this.#append([...types].map((type) => messageOfType(type, this.#maker)));
  }

  #warnOfIdentity(table: string, column: string): void {
    this.#loop.warn('identity', `old rows of ${table} do not show ${column}, so all of its type ` +
      `is purged: ALTER TABLE ${table} REPLICA IDENTITY FULL`);
  }

  /** Also while nothing can be read, which is when it grows. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { url, slot, retainedBytesMax = GIB, retainedEveryMs = 60_000 } = this.#options;
    const clock = this.#clock;
    while (!signal.aborted) {
      await pause(clock, retainedEveryMs, signal);
      if (signal.aborted || this.#isStandby) continue;
      const text = await retainedWarning({ url, slot, retainedBytesMax, clock })
        .catch(() => undefined);
      if (text !== undefined) this.#loop.warn('retained', text);
    }
  }
}

/** Among processes that read the same slot. It is held until the session ends. */
async function lock(database: DatabaseConnection, slot: string): Promise<boolean> {
  const name = quotedText(`freshet source ${slot}`);
  const [row] = await database.query<{ locked: boolean }>(
    `SELECT pg_try_advisory_lock(hashtextextended(${name}, 0)) AS locked`);
  return row?.locked === true;
}

/** From where it was confirmed last. */
function startText({ slot, publication }: { slot: string; publication: string }): string {
  const names = quotedText(quotedName(publication));
  return `START_REPLICATION SLOT ${quotedName(slot)} LOGICAL 0/0 ` +
    `(proto_version '1', publication_names ${names})`;
}
