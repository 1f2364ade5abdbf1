/**
 * One load at a time for a key in a node, whether a request waits for it or not. Not counted are
 * requests that may not wait for others (a position that the node has not reached), those that have
 * waited three times and been refused what came, or once for what nobody may keep, and loads that
 * have been in the air for too long to be joined. A load that fails fails all that its request
 * wanted, also what it still waited for under a lock.
 */
import type { FleetNode, Loading, Request } from '../fleet-node.ts';
import type { Checker, CheckerContext } from './checker.ts';

const ROUNDS_MAX = 3;
/** Of one node; as many as may be asked after. */
const FAILURES_KEPT = 100;
/** Less than the 10 s after which nobody joins a flight, which begins somewhat before its load. */
const JOINABLE_MS = 9_000;

interface KeyLoads {
  /** Those that others may wait for. */
  readonly inTheAir: Set<Loading>;
  /** When the last few landed, as counted. */
  landings: number[];
}

/** A load that failed, and what of its request's keys it was for. */
interface Failure {
  readonly landing: number;
  readonly keys: readonly string[];
}

export function oneLoad({ report, now }: CheckerContext): Checker {
  const nodes = new WeakMap<FleetNode, Map<string, KeyLoads>>();
  const failures = new WeakMap<FleetNode, readonly Failure[]>();
  /** What had landed, of all keys, when the request arrived. */
  const arrivals = new WeakMap<Request, number>();
  let landed = 0;
  const loadsOf = (node: FleetNode, key: string): KeyLoads => {
    const keys = nodes.get(node) ?? new Map<string, KeyLoads>();
    nodes.set(node, keys);
    const loads = keys.get(key) ?? { inTheAir: new Set(), landings: [] };
    keys.set(key, loads);
    return loads;
  };
  const land = (loads: KeyLoads, times: number): void => {
    landed += 1;
    const landings = [...loads.landings, ...Array.from({ length: times }, () => landed)];
    loads.landings = landings.slice(-ROUNDS_MAX);
  };
  return {
    arrived({ request }) {
      arrivals.set(request, landed);
    },
    found(node, key) {
      land(loadsOf(node, key), 1);
    },
    loading(load) {
      for (const key of load.keys) {
        const loads = loadsOf(load.node, key);
        const arrival = arrivals.get(load.request) ?? 0;
        const failed = (failures.get(load.node) ?? []).filter(({ landing, keys }) =>
          landing > arrival && !keys.includes(key)).length;
        const refused = loads.landings.filter((landing) => landing > arrival).length + failed;
        const mayLoadAlone = load.bypass || refused >= ROUNDS_MAX;
        const others = [...loads.inTheAir].filter(({ beganAt }) => now() - beganAt < JOINABLE_MS);
        if (!mayLoadAlone && others.length > 0) {
          report(`${load.node.name} loads ${JSON.stringify(key)} while it is loading it already`);
        }
        if (!mayLoadAlone) loads.inTheAir.add(load);
      }
    },
    loaded(load, { uncacheable, error }) {
      if (error !== undefined) {
        const before = failures.get(load.node) ?? [];
        const failure = { landing: landed + 1, keys: load.keys };
        failures.set(load.node, [...before, failure].slice(-FAILURES_KEPT));
      }
      for (const key of load.keys) {
        const loads = loadsOf(load.node, key);
        loads.inTheAir.delete(load);
        land(loads, uncacheable.has(key) ? ROUNDS_MAX : 1);
      }
    },
  };
}
