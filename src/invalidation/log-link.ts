/**
 * Decides whether what was read of the log is all of it. Each record names the one before it, by
 * ID and message ID: its link. A reader holds the link of the last record that it read, so a
 * record that names another one, or an end of the log that is not where the reader stands, tells
 * that records were trimmed, deleted, or that this is another log: flushed, restored, failed over.
 * Who finds that out tells the others by a fence. Only what was lost before anyone had read it
 * leaves no trace.
 * Pure, so that every case can be simulated.
 */
import { formatPosition, latest, ORIGIN, parsePosition, type Position } from './position.ts';

/** Where a reader stands. */
export interface Cursor {
  /** Everything up to here has been read. */
  readonly position: Position;
  /** `<id>/<message_id>` of the log's last record at that place; what the next one must name. */
  readonly link: string;
}

/** An entry of the Stream, as far as order is concerned. */
export interface Linked {
  readonly position: Position;
  readonly messageId: string;
  /** The link to the entry before it; absent from what did not write this project. */
  readonly previous: string | undefined;
  /** A fence by which a reader tells all others that it found the log broken. */
  readonly tellsLoss: boolean;
}

/** The end of the log. */
export interface Tail {
  /** Redis' clock. */
  readonly timeMs: number;
  /** The last position that the log ever gave out; undefined where it never held a record. */
  readonly last: Position | undefined;
  /** The last record that is still there. */
  readonly entry: Position | undefined;
  readonly link: string;
}

export function linkOf(position: Position, messageId: string): string {
  return `${formatPosition(position)}/${messageId}`;
}

export interface Chain<Entry> {
  /** The entries that follow one another without a gap, from the cursor on. */
  readonly intact: readonly Entry[];
  /** Where the reader stands after these. */
  readonly cursor: Cursor;
  /**
   * `broken`: the next entry does not follow. `told`: somebody says that the log was broken before
   * this place. The reader may have missed records, though every link is right: those that were
   * lost with the state in which the other one had read them.
   */
  readonly end: 'whole' | 'broken' | 'told';
}

/** Follows the links from `cursor` through `entries`. */
export function followChain<Entry extends Linked>(
  cursor: Cursor,
  entries: readonly Entry[],
): Chain<Entry> {
  let { position, link } = cursor;
  for (const [index, entry] of entries.entries()) {
    const follows = entry.previous === link && entry.position > position;
    if (!follows || entry.tellsLoss) {
      const end = entry.tellsLoss ? 'told' : 'broken';
      return { intact: entries.slice(0, index), cursor: { position, link }, end };
    }
    position = entry.position;
    link = linkOf(position, entry.messageId);
  }
  return { intact: entries, cursor: { position, link }, end: 'whole' };
}

export type TailVerdict =
  /** The reader stands at the end: it has read all that there is. */
  | 'here'
  /** There is more to read. */
  | 'ahead'
  /** Records were there that can no longer be read, or this is not the log that was read. */
  | 'broken';

/** What the end of the log says to a reader that found nothing after `cursor`. */
export function judgeTail(cursor: Cursor, tail: Tail): TailVerdict {
  if (tail.link === cursor.link) return 'here';
  if (tail.entry !== undefined && tail.entry > cursor.position) return 'ahead';
  return 'broken';
}

/** Where a reader that stops to look for what it missed goes on: at the end of the log. */
export function cursorAt(tail: Tail): Cursor {
  return { position: tail.last ?? ORIGIN, link: tail.link };
}

/**
 * Where a reader begins that knows nothing: at the oldest place after which nothing is missing, and
 * not before `start`. `first` is the first record after `start`. Undefined where the log never held
 * a record, so that there is no place to speak of.
 */
export function boot(
  start: Position,
  { first, tail }: { first: Linked | undefined; tail: Tail },
): Cursor | undefined {
  if (first === undefined) {
    if (tail.last === undefined) return undefined;
    return { position: latest(start, tail.last), link: tail.link };
  }
  const { previous } = first;
  // A record that names none before it was the first of its log.
  if (previous === '') return { position: start, link: '' };
  const before = parsePosition(previous?.split('/', 1)[0] ?? '');
  if (previous === undefined || before === undefined) return undefined;
  if (before >= first.position) return undefined;
  return { position: latest(start, before), link: previous };
}
