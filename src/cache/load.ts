/** What the read path is given to load with, and what it answers. */
import type { Millis } from '../invalidation/clock.ts';
import type { Entry } from './entry.ts';
import type { Fill } from './fill.ts';
import type { Patience } from './patience.ts';
import type { Tier } from './tiers.ts';

/**
 * Called with the indexes of the keys to load, in order; resolves to one fill for each. Not called
 * again before it has settled.
 */
export type Load = (missing: readonly number[]) => Promise<readonly Fill[]>;

/** What a load may throw. */
export interface LoadFailure extends Error {
  /** It is of this caller alone: whoever waits loads for themselves. Default false. */
  readonly isOwn?: boolean;
  /**
   * The origin could not be reached, did not answer in time, or with a fault of its own (5xx): what
   * is past its TTL may be served instead. Default false: what the origin states is not passed by.
   */
  readonly isOutage?: boolean;
}

/** What is done with what is found, besides serving it. */
export interface Use {
  /**
   * How to load off the request's path: called each time that this is to be done, also after the
   * request has ended; what it returns is called with indexes of the same keys. Without it nothing
   * is served while it is loaded anew, and what is loaded early is loaded at once.
   */
  readonly background?: () => Load;
  /**
   * Load early by chance, so that what many ask for does not expire for all of them at once (XFetch
   * of Vattani, Chierichetti and Lowenstein, PVLDB 8(8), 2015): their beta, of which 1 is the
   * default there. Default 0, never.
   */
  readonly earlyExpiry?: number;
  /** What was used so often since it was loaded is loaded again right after a purge. 0 = never. */
  readonly refreshHits?: number;
  /** No other node loads the same meanwhile, for at most so long. Default 0, no lock. */
  readonly lockMs?: Millis;
}

export interface ReadOptions extends Use {
  /** Neither look nor wait for what others load; what is loaded may be stored. Default false. */
  readonly bypass?: boolean;
  /** L2 was asked a moment ago, and holds nothing that is of use. Default false. */
  readonly knowsL2?: boolean;
  /** Of the request that it is read for (`ReadPath.patience`). Default: it waits for each read. */
  readonly patience?: Patience | undefined;
}

export interface Outcome {
  readonly value: Buffer;
  /** `stale`: past its TTL, within a window; `why` tells which. */
  readonly how: Tier | 'loaded' | 'coalesced' | 'stale';
  readonly why?: 'revalidating' | 'error';
  /** As stored or found; undefined for what was loaded and not stored. */
  readonly entry: Entry | undefined;
  readonly stored: boolean;
}
