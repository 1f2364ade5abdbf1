/**
 * Nothing is served for longer than is declared: what came out of a cache is no older than its TTL,
 * or than it may slide to; what is served as stale no older than that and the window that it is
 * served in; and only after an outage where that is what it is served for. All that a whole was
 * made of counts for the whole.
 */
import type { Millis } from '../../../src/invalidation/clock.ts';
import type { FleetNode } from '../fleet-node.ts';
import { OriginError } from '../origin.ts';
import type { Leaf } from '../part-reader.ts';
import type { Read } from '../provenance.ts';
import type { Checker, CheckerContext, Visit } from './checker.ts';
import { isKept } from './lagging.ts';

/** Ages in Redis are of whole milliseconds, as are TTLs there. */
const ROUNDING_MS = 5;

export function windows({ fleet, now, report }: CheckerContext): Checker {
  /**
   * When a load last failed for an outage: of whatever was loaded along with it, or waited for with
   * it, something else may be what failed.
   */
  const outages = new WeakMap<FleetNode, Millis>();
  const check = (leaf: Leaf, { node, request: { arrivedAt } }: Visit): void => {
    if (!isKept(leaf)) return;
    const what = `${node.name} answered ${leaf.part} (${leaf.how} ${leaf.why ?? ''})`;
    for (const read of leaf.reads) {
      const ageMs = arrivedAt - read.at;
      const ageMsMax = ageMsMaxOf(leaf, read) + ROUNDING_MS + fleet.clockSetBackMs;
      if (ageMs <= ageMsMax) continue;
      report(`${what}, with ${read.tags.join(' ')} read ${Math.round(ageMs)} ms ago, which may be`
        + ` served for ${Math.round(ageMsMax)} ms`);
    }
    if (leaf.why !== 'error') return;
    const failedAt = outages.get(node) ?? Number.NEGATIVE_INFINITY;
    if (failedAt < arrivedAt) report(`${what}, and the origin had not failed`);
  };
  return {
    loaded({ node }, { error }) {
      if (error instanceof OriginError && error.isOutage) outages.set(node, now());
    },
    answered(visit, { parts }) {
      for (const { leaves } of parts) for (const leaf of leaves) check(leaf, visit);
    },
  };
}

function ageMsMaxOf({ how, why }: Leaf, { terms: { ttlMs, strategy } }: Read): Millis {
  const lifeMs = Math.max(ttlMs, strategy.slidingMs);
  if (how !== 'stale') return lifeMs;
  const { staleIfErrorMs, staleWhileRevalidateMs } = strategy;
  return lifeMs + (why === 'error' ? staleIfErrorMs : staleWhileRevalidateMs);
}
