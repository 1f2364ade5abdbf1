/**
 * Lets a service hear the invalidation log, and go on after a restart where it was: the place is
 * kept in its database. A message that cannot be handled at the moment (the database is away) is
 * tried again before the next one is read.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../invalidation/log.ts';
import type { InvalidationMessage } from '../invalidation/message.ts';
import {
  formatPosition, ORIGIN, parsePosition, type Position,
} from '../invalidation/position.ts';
import { createSubscriber } from '../invalidation/subscriber.ts';
import type { Database } from './database.ts';

export interface ListenerOptions {
  /** The SQL schema of the service. */
  readonly schema: string;
  readonly database: Database;
  readonly source: { readonly log: Log } | { readonly redis: string };
  readonly onMessage: (message: InvalidationMessage) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface Listener {
  /** Waits for the message under way. */
  close(): Promise<void>;
}

const ATTEMPTS_MAX = 20;
const RETRY_CAP_MS = 2_000;
/** Without Redis the service starts all the same, and hears later what it missed. */
const READY_TIMEOUT_MS = 2_000;

export async function listen(options: ListenerOptions): Promise<Listener> {
  const { source, onError } = options;
  const progress = new Progress(options);
  const from = await progress.read();
  const subscriber = createSubscriber({
    ...source,
    ...(from !== undefined && { from }),
    // In the order of the log and once: what is said on the channel alone comes by the log too.
    listen: false,
    onMessage: async (message, position) => {
      await handle(message, options);
      if (position !== undefined) await progress.note(position);
    },
    onGap: () => onError(new Error('Messages were missed: the log no longer reaches back.')),
  });
  await Promise.race([subscriber.ready(), sleep(READY_TIMEOUT_MS, undefined, { ref: false })]);
  return {
    async close() {
      await subscriber.close();
      await progress.write(subscriber.position);
    },
  };
}

async function handle(
  message: InvalidationMessage,
  { onMessage, onError }: ListenerOptions,
): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    try {
      return await onMessage(message);
    } catch (error) {
      if (attempt === 1 || attempt === ATTEMPTS_MAX) onError(error);
      await sleep(Math.min(RETRY_CAP_MS, 50 * 2 ** attempt), undefined, { ref: false });
    }
  }
}

/** Not after each message: what was handled since is handled again after a crash, at no harm. */
const NOTE_EVERY_MS = 1_000;

/** How far the service has read, one row in its own schema. */
class Progress {
  readonly #database: Database;
  readonly #table: string;
  #writtenAt = 0;

  constructor({ database, schema }: ListenerOptions) {
    this.#database = database;
    this.#table = `${schema}.progress`;
  }

  async read(): Promise<Position | undefined> {
    const sql = `select position from ${this.#table}`;
    const [row] = await this.#database.query<{ position: string }>(sql);
    return row === undefined ? undefined : parsePosition(row.position);
  }

  async note(position: Position): Promise<void> {
    if (Date.now() - this.#writtenAt >= NOTE_EVERY_MS) await this.write(position);
  }

  async write(position: Position): Promise<void> {
    if (position === ORIGIN) return;
    this.#writtenAt = Date.now();
    await this.#database.query(
      `insert into ${this.#table} (id, position) values (1, $1)
       on conflict (id) do update set position = excluded.position`,
      [formatPosition(position)],
    );
  }
}
