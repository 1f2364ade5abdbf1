/**
 * Nothing stale beyond the promise: no answer holds a version older than the newest one whose
 * invalidation its node had applied when the request arrived; nor one that has been on record as
 * stale for longer than a node may go on without hearing the log. What was purged softly is served
 * only as stale.
 */
import type { Millis } from '../../../src/invalidation/clock.ts';
import type { Tag } from '../../../src/invalidation/tag.ts';
import type { Leaf } from '../part-reader.ts';
import type { Checker, CheckerContext, Visit } from './checker.ts';
import { dueOf, isGuarded, isKept } from './lagging.ts';

/** Ages in Redis are of whole milliseconds. */
const ROUNDING_MS = 3;

export function fresh({ ledger, fleet, origin, report }: CheckerContext): Checker {
  /** For how long it has been on record that this is stale. */
  const staleMsOf = (leaf: Leaf, tag: Tag, arrivedAt: Millis): Millis => {
    const lags = origin.lagMsOf(tag) > 0;
    if (lags && !isKept(leaf)) return 0;
    const isBlind = lags && leaf.reads.some(({ at, blindUntil }) =>
      at - origin.lagMsOf(tag) < blindUntil);
    if (isBlind && origin.guard === 'versions') return 0;
    const since = ledger.staleSince(tag, leaf.versions[tag] ?? 0, (cover) =>
      isGuarded(cover, origin) && (!cover.isSoft || leaf.how !== 'stale'));
    return arrivedAt - (since ?? arrivedAt);
  };
  const check = (leaf: Leaf, { node, request, known }: Visit): void => {
    const { maxStalenessMs, hearingTimeoutMs } = node.limits;
    const { clockSetBackMs } = fleet;
    const staleMsMax = Math.max(maxStalenessMs, hearingTimeoutMs) + ROUNDING_MS + clockSetBackMs;
    const isStale = leaf.how === 'stale';
    const [versions, told] = isStale ? [known.hard, known.hardTold] : [known.all, known.allTold];
    for (const [text, version] of Object.entries(leaf.versions)) {
      const tag = text as Tag;
      const due = { version: versions.get(tag) ?? 0, told: told.get(tag) ?? 0 };
      const required = dueOf(leaf, tag, { due, origin });
      const what = `${node.name} answered ${leaf.part} (${leaf.how})`
        + ` with version ${version} of ${tag}`;
      if (version < required) report(`${what}, and had applied that ${required} replaced it`);
      const staleMs = staleMsOf(leaf, tag, request.arrivedAt);
      // Who cannot hear of it reads a replica's old state for as long as that lags.
      if (staleMs <= staleMsMax + origin.lagMsOf(tag)) continue;
      report(`${what}, which had been on record as stale for ${Math.round(staleMs)} ms`);
    }
  };
  return {
    answered(visit, { parts }) {
      for (const { leaves } of parts) for (const leaf of leaves) check(leaf, visit);
    },
  };
}
