/**
 * A place for entries. A store says what it holds, not whether it may be used: that is asked of
 * `Freshness`, each time.
 *
 * Every store promises: what `get` returns was `set` under that very key; an entry that is of use
 * to nobody any more is not returned; no method rejects or waits longer than its configured bound
 * for a fault of the world (Redis down, slow, full; a value that does not decode): the entry is
 * then not there. Once closed, it is empty.
 */
import type { CacheKey } from './key.ts';
import type { Entry } from './entry.ts';

export type Awaitable<T> = T | Promise<T>;

export interface Store {
  /** One result for each key, in order. */
  get(keys: readonly CacheKey[]): Awaitable<readonly (Entry | undefined)[]>;
  set(key: CacheKey, entry: Entry): Awaitable<void>;
  delete(key: CacheKey): Awaitable<void>;
  /** Resolves when what was set and deleted so far is done, or is not going to be. */
  settled(): Awaitable<void>;
  close(): Awaitable<void>;
}
