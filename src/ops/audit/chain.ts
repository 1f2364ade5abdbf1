/**
 * Finds out what an auditor has missed, when the log cannot be followed from where it had been
 * read to. All that the log still holds is gone through once, from its oldest entry on, and each
 * names the one before it: where that one is missing, so may be others.
 * Pure, so that every case can be tested.
 */
import { ORIGIN, parsePosition, type Position } from '../../invalidation/position.ts';

/** An entry of the log, which may hold several records. */
export interface ChainEntry {
  readonly position: Position;
  /** Of its first record. */
  readonly first: Position;
  /** What it says of the entry before it: `<id>/<message_id>`; absent from a foreign writer. */
  readonly previous: string | undefined;
  /** A reader of the log found here that the log had lost what was in it. */
  readonly tellsLoss: boolean;
}

/** Records after `from`, and up to `to`, may be missing. */
export interface Gap {
  readonly from: Position;
  readonly to: Position;
}

export class Chain {
  readonly #read: Position | undefined;
  /** The entry before the next one; undefined at the beginning. */
  #last: Position | undefined;
  #isBeyond = false;

  /** `read`: all up to there has been audited. Undefined: nothing has, and the log begins here. */
  constructor(read: Position | undefined) {
    this.#read = read;
  }

  /** The next entry, in order. Gives the gap before it. */
  next(entry: ChainEntry): Gap | undefined {
    if (this.#read !== undefined && entry.position <= this.#read) {
      this.#last = entry.position;
      return undefined;
    }
    const gap = this.#gapBefore(entry);
    this.#isBeyond = true;
    this.#last = entry.position;
    return gap;
  }

  /** The log ends at `end`. Gives the gap there, where no entry told of it. */
  end(end: Position): Gap | undefined {
    if (this.#isBeyond || this.#read === undefined || end <= this.#read) return undefined;
    return { from: this.#read, to: end };
  }

  #gapBefore(entry: ChainEntry): Gap | undefined {
    const { position, previous, tellsLoss } = entry;
    const before = previous === undefined ? undefined : previousOf(previous);
    const follows = this.#isBeyond ? before === this.#last : this.#isNext(entry, before);
    if (follows && !tellsLoss) return undefined;
    const from = this.#isBeyond ? this.#last : this.#read;
    if (from === undefined) return undefined;
    // Nothing is known to be missing after the entry that it names.
    const to = !tellsLoss && before !== undefined && before > from ? before : position;
    return { from, to };
  }

  /** Whether the first entry beyond what has been read is the one that follows it. */
  #isNext({ first }: ChainEntry, before: Position | undefined): boolean {
    return this.#read === undefined || first <= this.#read || before === this.#read;
  }
}

function previousOf(link: string): Position | undefined {
  return link === '' ? ORIGIN : parsePosition(link.split('/', 1)[0] ?? '');
}
