/**
 * Runs gateways under load on real Redis while that is made to fail, one fault after the other and
 * mixed, and counts what must not be. What is checked, and why that is what was promised, stands in
 * ledger.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '../support/seeded-random.ts';
import { FAULTS } from './faults.ts';
import { MAX_STALENESS_MS, startGateways } from './gateways.ts';
import { healed } from './healing.ts';
import { Ledger } from './ledger.ts';
import { Load } from './load.ts';
import { startOrigin } from './origin.ts';
import { Scene } from './scene.ts';
import { Tally } from './tally.ts';
import { startTopology, type TopologyName } from './topology.ts';

export interface ChaosOptions {
  readonly topology: TopologyName;
  /** By name; all that this topology has by default. */
  readonly faults?: readonly string[];
  /** For each fault at least; it is made as often as that takes, and once in any case. */
  readonly reads: number;
  readonly seed: string;
  readonly pauseMsMax?: number;
  /** A fault is done with, or `undefined` about one that has begun. */
  readonly onTally?: (tally: Tally) => void;
}

/** Between two faults: the load goes on, and the caches fill. */
const CALM_MS = 300;
/** However slow the machine is, one fault takes no longer. */
const FAULT_MS_MAX = 10 * 60_000;

export async function chaos(options: ChaosOptions): Promise<readonly Tally[]> {
  const { topology: name, seed, reads, onTally, pauseMsMax } = options;
  const random = seededRandom(`${seed} ${name}`);
  const ledger = new Ledger(MAX_STALENESS_MS);
  const topology = await startTopology(name);
  const origin = await startOrigin({
    random, onWrite: (id, version) => ledger.wrote(id, version),
  });
  const gateways = await startGateways(topology, origin.subgraphs);
  const tallies: Tally[] = [];
  const faults = options.faults ?? Object.keys(FAULTS[name]);
  const warming = new Tally(name, 'warming up');
  const load = new Load({ gateways, topology, origin, ledger, random, pauseMsMax }, warming);
  const scene = new Scene({ topology, gateways, load, random });
  try {
    await healed({ gateways, load, origin });
    for (const fault of faults) {
      const tally = new Tally(name, fault);
      tallies.push(tally);
      load.tally = tally;
      const endAt = performance.now() + FAULT_MS_MAX;
      do {
        await sleep(CALM_MS);
        await FAULTS[name][fault]!(scene);
        const healMs = await healed({ gateways, load, origin });
        tally.times += 1;
        tally.healMsMax = Math.max(tally.healMsMax, healMs ?? 0);
        if (healMs === undefined) tally.unhealed += 1;
      } while (tally.reads < reads && tally.unhealed === 0 && performance.now() < endAt);
      onTally?.(tally);
    }
  } finally {
    await load.end();
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await origin.stop();
    await topology.stop();
  }
  return tallies;
}
