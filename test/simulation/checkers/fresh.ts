/**
 * Nothing stale beyond the promise: no answer holds a version older than the newest one whose
 * invalidation its node had applied when the request arrived; nor one that has been on record as
 * stale for longer than a node may go on without hearing the log.
 */
import type { Tag } from '../../../src/invalidation/tag.ts';
import type { Checker, CheckerContext } from './checker.ts';

/** Ages in Redis are of whole milliseconds. */
const ROUNDING_MS = 3;

export function fresh({ ledger, fleet, report }: CheckerContext): Checker {
  return {
    answered({ node, request, known }, { parts }) {
      const { maxStalenessMs, hearingTimeoutMs } = node.limits;
      const { clockSetBackMs } = fleet;
      const staleMsMax = Math.max(maxStalenessMs, hearingTimeoutMs) + ROUNDING_MS + clockSetBackMs;
      for (const { part, how, versions } of parts) {
        for (const [tag, version] of Object.entries(versions)) {
          const required = known.get(tag as Tag) ?? 0;
          const what = `${node.name} answered ${part.name} (${how})`
            + ` with version ${version} of ${tag}`;
          if (version < required) report(`${what}, and had applied that ${required} replaced it`);
          const staleSince = ledger.staleSince(tag as Tag, version);
          const staleMs = request.arrivedAt - (staleSince ?? request.arrivedAt);
          if (staleMs <= staleMsMax) continue;
          report(`${what}, which had been on record as stale for ${Math.round(staleMs)} ms`);
        }
      }
    },
  };
}
