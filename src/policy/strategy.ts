/**
 * What is done against staleness and stampedes, beside keeping an answer for its time: of one
 * operation, or of one type. It is complete, and none of it may serve past a hard invalidation.
 */

export interface Strategy {
  /** Each use renews the TTL, up to this long after the origin was read. 0: it is not renewed. */
  readonly slidingMs: number;
  /** The share of the TTL, at most 0.5, of which a random part is taken off. */
  readonly jitter: number;
  /**
   * Beta of XFetch (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede
   * Prevention, PVLDB 8(8), 2015). 0: nothing is loaded before its TTL is over.
   */
  readonly earlyExpiry: number;
  /** Past the TTL, while it is loaded anew (RFC 5861, section 3). */
  readonly staleWhileRevalidateMs: number;
  /** Past the TTL, while the origin cannot be reached (RFC 5861, section 4). */
  readonly staleIfErrorMs: number;
  /** Used so often since it was loaded, an entry is loaded again right after a purge. 0: never. */
  readonly refreshHits: number;
  /** What was read so shortly after one of its tags was purged is not kept. */
  readonly settleMs: number;
  /** TTL of an answer with a null in place of what was asked for. Unset: as of any other. */
  readonly negativeTtlMs: number | undefined;
  /** The lease of the lock under which one node loads for the whole fleet. 0: no lock. */
  readonly lockMs: number;
}

export const NO_STRATEGY: Strategy = {
  slidingMs: 0,
  jitter: 0,
  earlyExpiry: 0,
  staleWhileRevalidateMs: 0,
  staleIfErrorMs: 0,
  refreshHits: 0,
  settleMs: 0,
  negativeTtlMs: undefined,
  lockMs: 0,
};
