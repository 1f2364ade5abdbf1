/**
 * What the log still tells of the past, for whoever asks why something is as it is. Reading it
 * changes nothing, in the log and in the node, and it is not on the way of any request.
 */
import { isFence } from './fence.ts';
import type { RedisLogArchive, ArchivedEntry } from './log-redis-archive.ts';
import type { Log, LogRecord } from './log.ts';
import { ORIGIN, parsePosition, type Position } from './position.ts';

/** Records, one after the other. */
export interface Stretch {
  readonly records: readonly LogRecord[];
  /** There may have been others before them, which the log does not hold any more. */
  readonly afterGap: boolean;
}

export interface LogHistory {
  /** The records after `position`, oldest first. Rejects where the log cannot be reached. */
  after(position: Position): AsyncIterable<Stretch>;
  /** All records, newest first. Rejects likewise. */
  backwards(): AsyncIterable<readonly LogRecord[]>;
}

/** Of a log in this process: what it holds is at hand. */
export class MemoryHistory implements LogHistory {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  async *after(position: Position): AsyncGenerator<Stretch> {
    const stop = new AbortController();
    let afterGap = false;
    try {
      for await (const event of this.#log.follow({ from: position, signal: stop.signal })) {
        if (event.kind === 'gap') afterGap = true;
        if (event.kind === 'records') {
          yield { records: meantOf(event.records), afterGap };
          afterGap = false;
        }
        // Nothing is left: what comes now is of later.
        if (event.kind === 'heartbeat' || event.kind === 'lost') break;
        if (event.kind === 'records' && event.caughtUp) break;
      }
    } finally {
      stop.abort();
    }
    if (afterGap) yield { records: [], afterGap };
  }

  async *backwards(): AsyncGenerator<readonly LogRecord[]> {
    const stretches: (readonly LogRecord[])[] = [];
    for await (const { records } of this.after(ORIGIN)) stretches.push(records);
    for (const records of stretches.toReversed()) yield records.toReversed();
  }
}

/** Of a log in Redis, read from the side. */
export class RedisHistory implements LogHistory {
  readonly #archive: Pick<RedisLogArchive, 'after' | 'backwards'>;

  constructor(archive: Pick<RedisLogArchive, 'after' | 'backwards'>) {
    this.#archive = archive;
  }

  async *after(position: Position): AsyncGenerator<Stretch> {
    let isFirst = true;
    for await (const entries of this.#archive.after(position)) {
      const [first] = entries;
      const afterGap = isFirst && first !== undefined && !follows(first, position);
      isFirst = false;
      const records = entries.flatMap((entry) => entry.records);
      yield { records: meantOf(records).filter((one) => one.position > position), afterGap };
    }
  }

  async *backwards(): AsyncGenerator<readonly LogRecord[]> {
    for await (const entries of this.#archive.backwards()) {
      yield entries.flatMap((entry) => meantOf(entry.records).toReversed());
    }
  }
}

/** Whether nothing stood between them: the one before it is named by it, or holds the position. */
function follows({ first, previous }: ArchivedEntry, position: Position): boolean {
  if (first <= position) return true;
  const before = parsePosition(previous?.split('/', 1)[0] ?? '');
  // What names none before it was the first of its log: of one before, nothing is known.
  return before === undefined ? previous === '' && position === ORIGIN : before <= position;
}

function meantOf(records: readonly LogRecord[]): readonly LogRecord[] {
  return records.filter(({ message }) => !isFence(message));
}
