/**
 * What has been answered by this process: by outcome, by entity type, and how long it took of
 * late. It costs a request some hundred nanoseconds, and bounded memory whatever is asked.
 */
import assert from 'node:assert/strict';
import {
  REQUEST_OUTCOMES, type OperationIdentity, type RequestAnswered, type RequestOutcome,
} from '../../gateway/diagnostics.ts';
import type { Spread } from '../../invalidation/histogram.ts';
import { RecentLatency } from './recent-latency.ts';

export interface TypeCounts {
  hits: number;
  misses: number;
}

/** In a form that processes tell each other. */
export interface Requests {
  readonly outcomes: Readonly<Record<RequestOutcome, number>>;
  readonly types: readonly (readonly [type: string, counts: Readonly<TypeCounts>])[];
  readonly recent: readonly Spread[];
}

/** What an outcome says of how well an operation is cached; undefined: nothing. */
export const KINDS = {
  hit_l1: 'hits', hit_l2: 'hits', stale: 'hits',
  partial: 'misses', miss: 'misses', coalesced: 'misses',
  bypass: undefined, error: undefined, refused: undefined,
} as const satisfies Record<RequestOutcome, keyof TypeCounts | undefined>;

/** Of a schema with more, those that were met first. */
const TYPES_MAX = 1_000;
const NONE: readonly TypeCounts[] = [];

export class RequestCounts {
  readonly #outcomes = zeroes();
  readonly #types = new Map<string, TypeCounts>();
  /** Of an operation, so that its types are looked up once. */
  readonly #countsOf = new WeakMap<OperationIdentity, readonly TypeCounts[]>();
  readonly #latency = new RecentLatency();

  count({ outcome, durationMs, operation }: RequestAnswered): void {
    this.#outcomes[outcome] += 1;
    this.#latency.record(durationMs);
    const kind = KINDS[outcome];
    if (kind === undefined || operation === undefined) return;
    const all = this.#countsOf.get(operation) ?? this.#begin(operation);
    for (const counts of all) counts[kind] += 1;
  }

  /** To be called every `SLICE_MS` of `recent-latency`. */
  turn(): void {
    this.#latency.turn();
  }

  get snapshot(): Requests {
    return {
      outcomes: { ...this.#outcomes },
      types: [...this.#types].map(([type, counts]) => [type, { ...counts }]),
      recent: this.#latency.spreads,
    };
  }

  #begin(operation: OperationIdentity): readonly TypeCounts[] {
    const found = operation.types.flatMap((type) => this.#ofType(type) ?? []);
    this.#countsOf.set(operation, found.length === 0 ? NONE : found);
    return found;
  }

  #ofType(type: string): TypeCounts | undefined {
    const known = this.#types.get(type);
    if (known !== undefined || this.#types.size >= TYPES_MAX) return known;
    const counts = { hits: 0, misses: 0 };
    this.#types.set(type, counts);
    assert(this.#types.size <= TYPES_MAX, 'types are bounded');
    return counts;
  }
}

/** Of several processes. */
export function sumOf(all: readonly Requests[]): Requests {
  const outcomes = zeroes();
  const types = new Map<string, TypeCounts>();
  for (const one of all) {
    for (const name of REQUEST_OUTCOMES) outcomes[name] += one.outcomes[name];
    for (const [type, { hits, misses }] of one.types) {
      const known = types.get(type) ?? { hits: 0, misses: 0 };
      types.set(type, { hits: known.hits + hits, misses: known.misses + misses });
    }
  }
  return { outcomes, types: [...types], recent: all.flatMap(({ recent }) => recent) };
}

function zeroes(): Record<RequestOutcome, number> {
  return Object.fromEntries(REQUEST_OUTCOMES.map((name) => [name, 0])) as
    Record<RequestOutcome, number>;
}
