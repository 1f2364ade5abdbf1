/**
 * What has been asked of this process, operation by operation: how often, how it was answered, and
 * what that cost. It holds so many of them and forgets those that were not used for longest; of
 * what callers send it holds the text of their operations, and never variables.
 */
import assert from 'node:assert/strict';
import type {
  OperationIdentity, RequestAnswered, RequestOutcome,
} from '../../gateway/diagnostics.ts';

/** In a form that processes tell each other. */
export interface OperationCounts {
  readonly id: string;
  readonly name: string | undefined;
  readonly kind: OperationIdentity['kind'];
  readonly scope: OperationIdentity['scope'];
  readonly types: readonly string[];
  /** With the literals that the client wrote; undefined where it is too long. */
  readonly text: string | undefined;
  requests: number;
  hits: number;
  misses: number;
  bypasses: number;
  errors: number;
  /** Those whose answer is kept for one caller alone. */
  apart: number;
  hitMs: number;
  /** Of those that found nothing in the cache: how many, what they took, what they fetched. */
  wholeMisses: number;
  missMs: number;
  missCalls: number;
  savedCalls: number;
  /** Why it was not answered from the cache, or not kept there, and how often. */
  readonly whys: Record<string, number>;
}

/** Of all operations that touch a type. */
export interface TypeCounts {
  readonly type: string;
  readonly hits: number;
  readonly misses: number;
}

interface Row extends OperationCounts {
  /** When it was last used, in turns. */
  usedAt: number;
  isForgotten: boolean;
}

export interface Operations {
  readonly rows: readonly OperationCounts[];
  readonly known: number;
  readonly forgotten: number;
}

/** What an outcome says of how well an operation is cached; undefined: nothing. */
const KINDS = {
  hit_l1: 'hits', hit_l2: 'hits', stale: 'hits',
  partial: 'misses', miss: 'misses', coalesced: 'misses',
  bypass: undefined, error: undefined, refused: undefined,
} as const satisfies Record<RequestOutcome, 'hits' | 'misses' | undefined>;

const OPERATIONS_MAX = 1_000;
/** Of a schema with more, those that were met first. */
const TYPES_MAX = 1_000;
/** So many go at once, so that a flood of operations does not look through all for each. */
const FORGOTTEN_AT_ONCE = OPERATIONS_MAX / 10;
export const TEXT_LENGTH_MAX = 8_000;
const WHYS_MAX = 10;

export class OperationTable {
  readonly #operationsMax: number;
  readonly #rows = new Map<string, Row>();
  /** The same, found without a look at a text. */
  readonly #rowOf = new WeakMap<OperationIdentity, Row>();
  readonly #typesOfForgotten = new Map<string, TypeCounts>();
  #turn = 0;
  #forgotten = 0;

  /** Default 1,000, each with up to 8,000 characters of text. */
  constructor(operationsMax = OPERATIONS_MAX) {
    assert(operationsMax >= 1, 'a table holds an operation');
    this.#operationsMax = operationsMax;
  }

  count(request: RequestAnswered): void {
    const { operation, outcome, durationMs, why, isPrivate } = request;
    if (operation === undefined) return;
    const known = this.#rowOf.get(operation);
    const row = known === undefined || known.isForgotten ? this.#begin(operation) : known;
    row.requests += 1;
    row.usedAt = this.#turn;
    const kind = KINDS[outcome];
    if (kind !== undefined) row[kind] += 1;
    else if (outcome === 'bypass') row.bypasses += 1;
    else row.errors += 1;
    if (isPrivate) row.apart += 1;
    if (kind === 'hits') row.hitMs += durationMs;
    if (outcome === 'miss') {
      row.wholeMisses += 1;
      row.missMs += durationMs;
      row.missCalls += request.subgraphCalls;
    }
    row.savedCalls += request.subgraphCallsSaved;
    if (why === undefined) return;
    const isRoom = why in row.whys || Object.keys(row.whys).length < WHYS_MAX;
    if (isRoom) row.whys[why] = (row.whys[why] ?? 0) + 1;
  }

  /** To be called now and then: what is used after it was used later. */
  turn(): void {
    this.#turn += 1;
  }

  /** Those that `order` puts first, at most `rowsMax` of them. */
  top(order: (one: OperationCounts) => number, rowsMax: number): Operations {
    const rows = [...this.#rows.values()]
      .toSorted((one, other) => order(other) - order(one))
      .slice(0, rowsMax)
      .map((row) => ({ ...row, whys: { ...row.whys } }));
    return { rows, known: this.#rows.size, forgotten: this.#forgotten };
  }

  /** By type, of those that are forgotten too. */
  get types(): readonly TypeCounts[] {
    const types = new Map(this.#typesOfForgotten);
    for (const row of this.#rows.values()) addTypes(types, row);
    return [...types.values()];
  }

  #begin(operation: OperationIdentity): Row {
    const row = this.#rows.get(operation.id) ?? this.#add(operation);
    this.#rowOf.set(operation, row);
    return row;
  }

  #add({ id, name, kind, scope, types, text }: OperationIdentity): Row {
    if (this.#rows.size >= this.#operationsMax) this.#forgetSome();
    const row: Row = {
      id, name, kind, scope, types,
      text: text === undefined || text.length > TEXT_LENGTH_MAX ? undefined : text,
      requests: 0, hits: 0, misses: 0, bypasses: 0, errors: 0, apart: 0,
      hitMs: 0, wholeMisses: 0, missMs: 0, missCalls: 0, savedCalls: 0,
      whys: Object.create(null) as Record<string, number>,
      usedAt: this.#turn, isForgotten: false,
    };
    this.#rows.set(id, row);
    assert(this.#rows.size <= this.#operationsMax, 'operations are bounded');
    return row;
  }

  #forgetSome(): void {
    const oldest = [...this.#rows.values()]
      .toSorted((one, other) => one.usedAt - other.usedAt || one.requests - other.requests)
      .slice(0, Math.min(FORGOTTEN_AT_ONCE, Math.ceil(this.#operationsMax / 10)));
    for (const row of oldest) {
      row.isForgotten = true;
      addTypes(this.#typesOfForgotten, row);
      this.#rows.delete(row.id);
    }
    this.#forgotten += oldest.length;
  }
}

function addTypes(counts: Map<string, TypeCounts>, { types, hits, misses }: Row): void {
  if (hits + misses === 0) return;
  for (const type of types) {
    const known = counts.get(type);
    if (known === undefined && counts.size >= TYPES_MAX) continue;
    const { hits: hitsBefore = 0, misses: missesBefore = 0 } = known ?? {};
    counts.set(type, { type, hits: hitsBefore + hits, misses: missesBefore + misses });
  }
}

/** What its hits would have cost, had they found nothing; 0 where that is not known. */
export function savedMsOf({ hits, hitMs, wholeMisses, missMs }: OperationCounts): number {
  return wholeMisses === 0 ? 0 : Math.max(0, (hits * missMs) / wholeMisses - hitMs);
}

/** What its requests cost that were no hits, as far as the cache might have saved it. */
export function unsavedOf({ misses, bypasses, kind }: OperationCounts): number {
  return kind === 'query' ? misses + bypasses : 0;
}
