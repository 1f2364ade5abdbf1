/**
 * A lock for all nodes on the load of a key, so that one loads and the others wait for what it
 * stores. It is for economy alone: what is right rests on the rule, which is asked of whatever is
 * stored, so a lock that is lost, or held twice, costs a load and nothing else.
 *
 * Every lock promises: one `held` at a time for a key, while its lease lasts; released by who holds
 * it only; and no method rejects, or waits longer than its bound, for a fault of the world: then
 * everybody holds it.
 */
import type { Millis } from '../invalidation/clock.ts';
import type { CacheKey } from './key.ts';

export type Lease =
  /** Load now. `release` returns at once, and does nothing to a lease that is over. */
  | { readonly kind: 'held'; readonly release: () => void }
  /** Somebody else loads. */
  | { readonly kind: 'taken' };

export interface LoadLock {
  /** One lease for each key, in order. */
  acquire(keys: readonly CacheKey[], leaseMs: Millis): Promise<readonly Lease[]>;
  /** Of each key, whether somebody holds it; false where that cannot be told. */
  held(keys: readonly CacheKey[]): Promise<readonly boolean[]>;
}
