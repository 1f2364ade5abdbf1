/**
 * What `cache.l1.bytesMax` is divided into: it is for all that a process keeps to answer from, so
 * that who sets it knows what the process takes.
 */
export interface MemoryShares {
  /** For entries. */
  readonly entries: number;
  /** For requests that are recognised when they come again. */
  readonly requests: number;
  /** For answers that are ready to be sent again. */
  readonly answers: number;
}

const MIB = 1024 * 1024;
const SIDE_BYTES_MAX = 32 * MIB;
/** For what has gone, and has not been collected yet (`ops/heap-growth.ts`). */
const GONE_SHARE = 1 / 8;

export function memoryShares(bytesMax: number): MemoryShares {
  const side = Math.min(SIDE_BYTES_MAX, Math.floor(bytesMax / 8));
  const entries = Math.floor(bytesMax * (1 - GONE_SHARE)) - 2 * side;
  return { entries, requests: side, answers: side };
}
