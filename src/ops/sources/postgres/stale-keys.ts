/**
 * What the changes of tables make stale, gathered until it is told to the log. It promises: for
 * each change that is mapped, the keys of the entity before and after it are among what is taken,
 * or all of its type where a key cannot be told; and it holds a bounded number of keys, if it is
 * emptied when it is full.
 */
import type { MessageMaker } from '../../../invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../../invalidation/message.ts';
import { collectionTag, entityTag, type Tag } from '../../../invalidation/tag.ts';
import type { Change, Relation, Tuple } from './pgoutput.ts';
import { patternOfType, quotedTable, type TableMapping } from './table-mapping.ts';

export interface StaleKeysOptions {
  readonly mappings: readonly TableMapping[];
  readonly maker: MessageMaker;
  /** A transaction that touches more entities of a type purges all of it. Default 50,000. */
  readonly keysMax?: number;
  /** Told of a table whose old rows do not show a column that is mapped. */
  readonly onUnknown?: (table: string, column: string) => void;
}

/** What one message takes, in keys and in the characters of them. */
const KEYS_MAX = 1_000;
const CHARACTERS_MAX = 100_000;

/** A mapping, with the places of its columns in the table as it was last defined. */
interface Placed {
  readonly mapping: TableMapping;
  readonly columns: readonly number[];
  /** The first of its columns that an old row does not show. */
  readonly hidden: string | undefined;
}

export class StaleKeys {
  readonly #options: StaleKeysOptions;
  readonly #keysMax: number;
  readonly #placed = new WeakMap<Relation, readonly Placed[]>();
  readonly #keys = new Set<Tag>();
  readonly #types = new Set<string>();
  /** Of the transaction that is being read. */
  readonly #counts = new Map<string, number>();
  #characters = 0;

  constructor(options: StaleKeysOptions) {
    this.#options = options;
    this.#keysMax = options.keysMax ?? 50_000;
  }

  get isFull(): boolean {
    return this.#keys.size >= KEYS_MAX || this.#characters >= CHARACTERS_MAX;
  }

  add(change: Change): void {
    switch (change.kind) {
      case 'begin':
        this.#counts.clear();
        return;
      case 'insert':
        for (const placed of this.#mapped(change.relation)) this.#addInserted(change.after, placed);
        return;
      case 'update':
        for (const placed of this.#mapped(change.relation)) this.#addUpdated(change, placed);
        return;
      case 'delete':
        for (const placed of this.#mapped(change.relation)) {
          this.#addOld(change.before, change.relation, placed);
        }
        return;
      case 'truncate':
        for (const relation of change.relations) {
          for (const { mapping } of this.#mapped(relation)) this.#types.add(mapping.type);
        }
        return;
      case 'commit':
      case 'other':
        return;
      default:
        change satisfies never;
    }
  }

  /** What was gathered; afterwards there is nothing. */
  take(): readonly InvalidationMessage[] {
    const { maker } = this.#options;
    const messages = [...this.#types].map((type) => messageOfType(type, maker));
    if (this.#keys.size > 0) messages.push(maker.batch([...this.#keys]));
    this.#types.clear();
    this.#keys.clear();
    this.#characters = 0;
    return messages;
  }

  #addInserted(after: Tuple, { mapping, columns }: Placed): void {
    if (!mapping.isPart) this.#keep(collectionTag(mapping.type));
    this.#addRow(after, { mapping, columns });
  }

  #addUpdated(
    { relation, before, after }: Extract<Change, { kind: 'update' }>,
    placed: Placed,
  ): void {
    if (before !== undefined) this.#addOld(before, relation, placed);
    // Without the old row the columns of the identity are as they were; the others may not be.
    else if (placed.hidden !== undefined) this.#addUnknown(relation, placed);
    this.#addRow(after, placed);
  }

  #addOld(before: Tuple, relation: Relation, placed: Placed): void {
    if (placed.hidden === undefined) this.#addRow(before, placed);
    else this.#addUnknown(relation, placed);
  }

  #addUnknown(relation: Relation, { mapping, hidden = '' }: Placed): void {
    this.#types.add(mapping.type);
    this.#options.onUnknown?.(`${relation.schema}.${relation.name}`, hidden);
  }

  /** A key that is null in part is none: no entity is known by it. */
  #addRow(row: Tuple, { mapping, columns }: Pick<Placed, 'mapping' | 'columns'>): void {
    const { type } = mapping;
    const values = columns.map((column) => row.value(column));
    if (values.includes(null)) return;
    const ids = values.filter((value) => typeof value === 'string');
    if (ids.length < values.length) this.#types.add(type);
    else this.#addKey(type, entityTag(type, ...ids));
  }

  #addKey(type: string, key: Tag): void {
    const count = (this.#counts.get(type) ?? 0) + 1;
    this.#counts.set(type, count);
    // All of the transaction was committed before any of it came: once is enough.
    if (count === this.#keysMax + 1) this.#types.add(type);
    if (count <= this.#keysMax) this.#keep(key);
  }

  #keep(key: Tag): void {
    if (this.#keys.has(key)) return;
    this.#keys.add(key);
    this.#characters += key.length;
  }

  #mapped(relation: Relation): readonly Placed[] {
    const known = this.#placed.get(relation);
    if (known !== undefined) return known;
    const table = quotedTable(relation);
    const placed = this.#options.mappings
      .filter((mapping) => quotedTable(mapping.table) === table)
      .map((mapping) => placeOf(mapping, relation));
    this.#placed.set(relation, placed);
    return placed;
  }
}

/** All entities of the type, and its lists. */
export function messageOfType(type: string, maker: MessageMaker): InvalidationMessage {
  const { pattern, cascade } = patternOfType(type);
  return maker.pattern(pattern, { cascade });
}

/** A column that is not there any more is at a place where no row has a value that is known. */
function placeOf(mapping: TableMapping, { columns }: Relation): Placed {
  const places = mapping.columns.map((name) => columns.findIndex((one) => one.name === name));
  const hidden = mapping.columns.find((_, at) => columns[places[at] ?? -1]?.isIdentity !== true);
  return { mapping, columns: places, hidden };
}
