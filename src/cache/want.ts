/** One of the keys that a caller asked for, and how far its answer has come. */
import type { Entry } from './entry.ts';
import type { CacheKey } from './key.ts';
import type { Load, Outcome, ReadOptions } from './load.ts';
import type { Flight } from './single-flight.ts';

export interface Want {
  readonly key: CacheKey;
  /** Which of the caller's keys it is: what `load` is told. */
  readonly index: number;
  /** It waits for no one, and no one for it. */
  alone: boolean;
  /** L2 holds nothing better than what was found, which is to be loaded anew. */
  knowsL2: boolean;
  /** Its own flight; undefined as well where there were too many. */
  flight: Flight | undefined;
  outcome: Outcome | undefined;
  /** What was found and may do, should the load fail. */
  fallback: Entry | undefined;
  /** Of the loads of others that it waited for. */
  readonly failures: unknown[];
}

/** Where the answer to a key belongs. */
export type Place = Pick<Want, 'key' | 'index'>;

/** Keys that one caller loads: with flights that others may join, and without. */
export interface Party {
  readonly led: readonly Want[];
  readonly alone: readonly Want[];
}

export interface Call {
  readonly load: Load;
  readonly options: ReadOptions;
  /** Off the path of any request: who began it is answered already. */
  readonly isReload: boolean;
}

export function wantOf(
  { key, index }: Place,
  { bypass: alone = false, knowsL2 = false }: Pick<ReadOptions, 'bypass' | 'knowsL2'>,
): Want {
  return {
    key, index, alone, knowsL2,
    flight: undefined, outcome: undefined, fallback: undefined, failures: [],
  };
}

/** One for each of the keys, in order; equal keys have the same one. */
export function wantsOf(keys: readonly CacheKey[], options: ReadOptions): readonly Want[] {
  const [first] = keys;
  // Most are asked for alone.
  if (keys.length === 1 && first !== undefined) return [wantOf({ key: first, index: 0 }, options)];
  const wants = new Map<string, Want>();
  return keys.map((key, index) => {
    const want = wants.get(key.id) ?? wantOf({ key, index }, options);
    wants.set(key.id, want);
    return want;
  });
}

export function isOpen({ outcome }: Want): boolean {
  return outcome === undefined;
}
