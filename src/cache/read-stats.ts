/** What a read path counts. It only grows, but for what is under way. */
import type { BackgroundLoadsStats } from './background-loads.ts';
import type { HotEntriesStats } from './hot-entries.ts';
import type { LoaderStats } from './loader.ts';
import type { LockStats } from './locked-loader.ts';

export interface ReadPathStats extends LoaderStats, LockStats, HotEntriesStats {
  /** Keys answered by what another caller loaded. */
  coalesced: number;
  /** Keys that wait, at this moment, for what another caller loads. */
  waiting: number;
  /** Keys whose waiter was not handed what had landed. */
  landingsRefused: number;
  /** Keys that were answered past their TTL while they are loaded anew. */
  staleWhileRevalidate: number;
  /** Keys that were answered past their TTL since the origin failed. */
  staleIfError: number;
  /** Loads that chance began before the TTL was over. */
  early: number;
  readonly background: BackgroundLoadsStats;
}

export function newReadPathStats(background: BackgroundLoadsStats): ReadPathStats {
  return {
    loads: 0, loaded: 0, loadsFailed: 0,
    coalesced: 0, waiting: 0, landingsRefused: 0,
    staleWhileRevalidate: 0, staleIfError: 0, early: 0, refreshes: 0,
    lockWaits: 0, lockHits: 0,
    background,
  };
}
