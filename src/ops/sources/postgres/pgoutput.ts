/**
 * Reads what PostgreSQL sends to a subscriber of logical replication: the messages of the plugin
 * pgoutput, protocol version 1 (PostgreSQL, "Logical Replication Message Formats"). In this version
 * a transaction comes in one piece, and only after it has committed.
 *
 * It promises: what cannot be read throws, and is never taken for something else.
 */

/** A place in the WAL; it only grows. */
export type Lsn = bigint;

export type Change =
  /** What follows, up to the next commit, belongs to one transaction that has committed. */
  | { readonly kind: 'begin' }
  /** `end` is the place after the transaction. */
  | { readonly kind: 'commit'; readonly end: Lsn }
  | { readonly kind: 'insert'; readonly relation: Relation; readonly after: Tuple }
  /** `before` is there where the key has changed, or with REPLICA IDENTITY FULL. */
  | {
    readonly kind: 'update'; readonly relation: Relation;
    readonly before: Tuple | undefined; readonly after: Tuple;
  }
  /** `before` holds the columns of the replica identity; the others read as null. */
  | { readonly kind: 'delete'; readonly relation: Relation; readonly before: Tuple }
  | { readonly kind: 'truncate'; readonly relations: readonly Relation[] }
  /** Nothing that invalidates: a definition, an origin, a message. */
  | { readonly kind: 'other' };

export interface Relation {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
}

export interface Column {
  readonly name: string;
  /** Whether an old row always shows it. */
  readonly isIdentity: boolean;
}

/** Undefined: it is not known. The server does not send what is large and was not changed. */
export type Value = string | null | undefined;

/** The definitions that a server may send. Tables that are published have to be few. */
const RELATIONS_MAX = 10_000;

export class PgoutputReader {
  readonly #relations = new Map<number, Relation>();

  /** Throws where the bytes are not what the protocol says. */
  read(bytes: Buffer): Change {
    const cursor = new Cursor(bytes);
    const tag = cursor.letter();
    switch (tag) {
      case 'B':
        return { kind: 'begin' };
      case 'C':
        // Flags and the place of the commit come first.
        cursor.skip(9);
        return { kind: 'commit', end: cursor.lsn() };
      case 'R':
        this.#define(cursor);
        return { kind: 'other' };
      case 'I': {
        const relation = this.#relation(cursor);
        return { kind: 'insert', relation, after: tupleAfter(cursor, 'N') };
      }
      case 'U':
        return update(cursor, this.#relation(cursor));
      case 'D': {
        const relation = this.#relation(cursor);
        return { kind: 'delete', relation, before: tupleAfter(cursor, 'KO') };
      }
      case 'T':
        return this.#truncate(cursor);
      case 'O':
      case 'Y':
      case 'M':
        return { kind: 'other' };
      default:
        throw new Error('a message of pgoutput, version 1, was required, got another');
    }
  }

  #define(cursor: Cursor): void {
    const id = cursor.int32();
    const schema = cursor.text() || 'pg_catalog';
    const name = cursor.text();
    const isFull = cursor.letter() === 'f';
    const columns = Array.from({ length: cursor.int16() }, (): Column => {
      const isIdentity = (cursor.byte() & 1) === 1 || isFull;
      const column = { name: cursor.text(), isIdentity };
      // Its type, and what there is to say about that.
      cursor.skip(8);
      return column;
    });
    if (this.#relations.size >= RELATIONS_MAX && !this.#relations.has(id)) {
      throw new Error(`at most ${RELATIONS_MAX} tables in the publication were required`);
    }
    this.#relations.set(id, { schema, name, columns });
  }

  #relation(cursor: Cursor): Relation {
    const relation = this.#relations.get(cursor.int32());
    if (relation === undefined) throw new Error('a table that was defined before was required');
    return relation;
  }

  #truncate(cursor: Cursor): Change {
    const count = cursor.int32();
    cursor.skip(1);
    const relations = Array.from({ length: count }, () => this.#relation(cursor));
    return { kind: 'truncate', relations };
  }
}

/** The values of a row. They are read when they are asked for: most columns never are. */
export class Tuple {
  readonly #bytes: Buffer;
  readonly #starts: readonly number[];

  constructor(bytes: Buffer, starts: readonly number[]) {
    this.#bytes = bytes;
    this.#starts = starts;
  }

  value(column: number): Value {
    const start = this.#starts[column];
    const kind = start === undefined ? 'u' : String.fromCharCode(this.#bytes.readUInt8(start));
    if (start === undefined || kind === 'u') return undefined;
    if (kind === 'n') return null;
    const length = this.#bytes.readUInt32BE(start + 1);
    return this.#bytes.toString('utf8', start + 5, start + 5 + length);
  }
}

function update(cursor: Cursor, relation: Relation): Change {
  const before = 'KO'.includes(cursor.peek()) ? tupleAfter(cursor, 'KO') : undefined;
  return { kind: 'update', relation, before, after: tupleAfter(cursor, 'N') };
}

function tupleAfter(cursor: Cursor, tags: string): Tuple {
  if (!tags.includes(cursor.letter())) throw new Error(`a row after ${tags} was required`);
  const starts = Array.from({ length: cursor.int16() }, () => cursor.skipValue());
  return new Tuple(cursor.bytes, starts);
}

/** Every read beyond the end throws. */
class Cursor {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  peek(): string {
    return String.fromCharCode(this.bytes.readUInt8(this.#at));
  }

  letter(): string {
    return String.fromCharCode(this.byte());
  }

  byte(): number {
    return this.bytes.readUInt8(this.#move(1));
  }

  int16(): number {
    return this.bytes.readUInt16BE(this.#move(2));
  }

  int32(): number {
    return this.bytes.readUInt32BE(this.#move(4));
  }

  lsn(): Lsn {
    return this.bytes.readBigUInt64BE(this.#move(8));
  }

  text(): string {
    const end = this.bytes.indexOf(0, this.#at);
    if (end < 0) throw new Error('a text with an end was required');
    return this.bytes.toString('utf8', this.#move(end + 1 - this.#at), end);
  }

  skip(length: number): void {
    this.#move(length);
  }

  /** Where the value begins that is passed over. */
  skipValue(): number {
    const start = this.#at;
    const kind = this.letter();
    if (kind === 't') this.skip(this.int32());
    else if (kind !== 'n' && kind !== 'u') throw new Error('a value as text was required');
    return start;
  }

  #move(length: number): number {
    const at = this.#at;
    if (at + length > this.bytes.length) throw new Error('a whole message was required');
    this.#at = at + length;
    return at;
  }
}
