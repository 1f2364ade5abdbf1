/**
 * No request fails for the cache, and none waits for it for longer than its bounds: what a request
 * takes beyond the loads of what it asks for is bounded, whatever Redis does; and a lock that
 * another node holds, or held when it died, is waited for no longer than its lease.
 */
import type { Millis } from '../../../src/invalidation/clock.ts';
import type { FleetNode } from '../fleet-node.ts';
import { OriginError } from '../origin.ts';
import type { Checker, CheckerContext, Visit } from './checker.ts';

/** Of the second tier, in each round, and for each part within a part. */
const LOOK_UPS_MS_MAX = 4 * 2 * 55;
/** Of an append and of following it, with room for what the process itself takes. */
const APPEND_MS_MAX = 250 + 100 + 250 + 50;

/** Of a lock, once in each round, and for each part within a part. */
const LOCKS_MAX = 3 * 2;
/** To ask for a lock, and to look after it was given up, in Redis both times. */
const LOCK_MS_MAX = 2 * 55 + 50;

/** How long anything at all was being loaded on a node. */
interface Busy {
  loads: number;
  since: Millis;
  totalMs: Millis;
}

/** A lock that is another's. */
interface Taken {
  readonly until: Millis;
  readonly freezes: number;
}

export function noFailure({ report, now, fleet }: CheckerContext): Checker {
  const busy = new Map<FleetNode, Busy>();
  const busyAtArrival = new WeakMap<Visit, Millis>();
  const takenLocks = new WeakMap<FleetNode, Map<string, Taken>>();
  const busyOf = (node: FleetNode): Busy => {
    const known = busy.get(node) ?? { loads: 0, since: 0, totalMs: 0 };
    busy.set(node, known);
    return known;
  };
  const busyMs = ({ loads, since, totalMs }: Busy): Millis =>
    totalMs + (loads > 0 ? now() - since : 0);
  return {
    arrived(visit) {
      busyAtArrival.set(visit, busyMs(busyOf(visit.node)));
    },
    loading({ node }) {
      const state = busyOf(node);
      if (state.loads === 0) state.since = now();
      state.loads += 1;
    },
    loaded({ node }) {
      const state = busyOf(node);
      state.loads -= 1;
      if (state.loads === 0) state.totalMs += now() - state.since;
    },
    answered(visit, { parts }) {
      const { node, request, freezes } = visit;
      if (freezes !== node.clock.freezes || parts.some(({ how }) => how === 'uncached')) return;
      const loadMs = busyMs(busyOf(node)) - (busyAtArrival.get(visit) ?? 0);
      const waitMs = now() - request.arrivedAt - loadMs;
      const { positionWaitMs, strategies } = node.limits;
      const leaseMs = Math.max(...Object.values(strategies.terms).map((terms) =>
        terms.strategy.lockMs));
      const lockMs = leaseMs === 0 ? 0 : LOCKS_MAX * (leaseMs + LOCK_MS_MAX);
      if (waitMs <= positionWaitMs + LOOK_UPS_MS_MAX + lockMs) return;
      report(`${node.name} took ${Math.round(waitMs)} ms to answer, besides loading`);
    },
    lockTaken(node, key, leaseMs) {
      const taken = takenLocks.get(node) ?? new Map<string, Taken>();
      const { freezes } = node.clock;
      takenLocks.set(node, taken.set(key, { until: now() + leaseMs, freezes }));
    },
    lockLooked(node, key) {
      const taken = takenLocks.get(node)?.get(key);
      if (taken === undefined || taken.freezes !== node.clock.freezes) return;
      if (now() <= taken.until + LOCK_MS_MAX) return;
      report(`${node.name} waits for the lock of ${JSON.stringify(key)} beyond its lease`);
    },
    failed({ node }, error) {
      if (error instanceof OriginError) return;
      report(`${node.name} failed a request: ${String(error)}`);
    },
    wrote({ node, beganAt, answeredAt, freezes }) {
      if (freezes !== node.clock.freezes || answeredAt - beganAt <= APPEND_MS_MAX) return;
      report(`${node.name} took ${Math.round(answeredAt - beganAt)} ms to purge for a mutation`);
    },
    writeFailed(node, error) {
      if (fleet.isUp(node)) report(`${node.name} failed a mutation: ${String(error)}`);
    },
  };
}
