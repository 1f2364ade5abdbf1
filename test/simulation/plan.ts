/**
 * What one seed makes of a run. A swarm rather than an average: each seed leaves some faults and
 * some kinds of writes out altogether, and weighs the others wildly, so that together they reach
 * states which a mixture of everything at once never does.
 */
import type { Millis, Random } from '../../src/invalidation/clock.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import type { NodeLimits } from './fleet-node.ts';
import { lifeMsMax, strategiesOf } from './strategies.ts';
import { ROUTES, WRITE_NAMES, type Route, type WriteName } from './writes.ts';

/** How often each is chosen, compared with the others; 0 = never. */
export type Weights<Name extends string> = Readonly<Record<Name, number>>;

export interface Plan {
  readonly seed: string;
  readonly nodes: number;
  readonly clients: number;
  readonly faultsUntil: Millis;
  readonly readEveryMs: Millis;
  readonly writeEveryMs: Millis;
  readonly faultEveryMs: Millis;
  /** A fault is over after this long at the most; some last. */
  readonly faultMsMax: Millis;
  /** Of the faults of one node, those that hit the same one. */
  readonly victimShare: number;
  /** So many users, and at most so many posts: few are asked for and changed the more often. */
  readonly users: number;
  readonly posts: number;
  /** Between a commit and what is published of it. */
  readonly publishDelayMsMax: Millis;
  /** Clients that send the position they have seen, of all requests. */
  readonly positionShare: number;
  /** Clients that go to another node than their own, of all requests. */
  readonly roamShare: number;
  readonly latencyMsMax: Millis;
  readonly readMsMax: Millis;
  readonly limits: NodeLimits;
  readonly faults: Weights<FaultName>;
  readonly writes: Weights<WriteName>;
  readonly routes: Weights<Route>;
}

export function planOf(seed: string): Plan {
  const random = seededRandom(`${seed}/plan`);
  const between = (low: number, high: number): number => low + (high - low) * random();
  const often = <T>(usual: T, odd: () => T): T => (random() < 0.6 ? usual : odd());
  const strategies = strategiesOf(seed, pick(random, [300, 1_000, 3_000, 8_000]));
  return {
    seed,
    nodes: 2 + integerBelow(random, 4),
    clients: 3 + integerBelow(random, 5),
    faultsUntil: between(6_000, 16_000),
    readEveryMs: between(5, 40),
    writeEveryMs: between(40, 800),
    faultEveryMs: between(200, 2_000),
    faultMsMax: pick(random, [800, 4_000, 8_000]),
    victimShare: pick(random, [0, 0.8]),
    users: 1 + integerBelow(random, 4),
    posts: 1 + integerBelow(random, 6),
    publishDelayMsMax: pick(random, [1, 20, 300]),
    positionShare: pick(random, [0, 0.3, 1]),
    roamShare: pick(random, [0.1, 0.5, 1]),
    latencyMsMax: pick(random, [1, 5, 20]),
    readMsMax: pick(random, [2, 10, 60]),
    limits: {
      maxStalenessMs: pick(random, [0, 200, 1_500, 5_000]),
      hearingTimeoutMs: 1_000,
      settleMs: 1_000,
      positionWaitMs: pick(random, [20, 200, 1_000]),
      horizon: {
        marksMax: often(500_000, () => 1 + integerBelow(random, 6)),
        patternsMax: often(128, () => 1),
      },
      l1: {
        bytesMax: often(2 ** 24, () => 8_000 + integerBelow(random, 24_000)),
        entriesMax: often(1_000, () => 2 + integerBelow(random, 6)),
      },
      outboxRecordsMax: often(10_000, () => 1 + integerBelow(random, 3)),
      log: {
        recordsMax: often(1_000_000, () => 3 + integerBelow(random, 30)),
        retentionMs: lifeMsMax(strategies) + 1_000,
        duplicates: often(0, () => 0.3),
      },
      strategies,
    },
    faults: weights(FAULT_NAMES, random),
    writes: weights(WRITE_NAMES, random),
    routes: weights(ROUTES, random),
  };
}

/** At least one is more than 0. */
function weights<Name extends string>(names: readonly Name[], random: Random): Weights<Name> {
  const some = pick(random, names);
  const leftOut = pick(random, [0.3, 0.6, 0.9]);
  const entries = names.map((name) => {
    const isLeftOut = random() < leftOut && name !== some;
    return [name, isLeftOut ? 0 : Math.exp(3 * random())] as const;
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}

export function choose<Name extends string>(random: Random, chances: Weights<Name>): Name {
  const entries = Object.entries(chances) as [Name, number][];
  let left = random() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (weight > 0 && left <= 0) return name;
  }
  return (entries.findLast(([, weight]) => weight > 0) ?? entries[0])?.[0] as Name;
}
