/** A door to the log from inside the gateway: what a mutation made stale. */
import type { Position } from '../../invalidation/position.ts';
import type { Purge } from '../../invalidation/purge.ts';

/**
 * Puts `purges` in the log and applies them on this node; both are done when it resolves, the
 * first only where the log could be reached in time (it is retried until it can, and the result is
 * then `undefined`). `reason` is kept with the record for those who ask what happened.
 */
export type Invalidate = (
  purges: readonly Purge[],
  reason: string,
) => Promise<Position | undefined>;
