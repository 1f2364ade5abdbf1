import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Millis } from '../../src/invalidation/clock.ts';
import { FULL_OUTBOX, only, PLANTED, type Planted } from './planted.ts';
import { COUNTS, simulate, type Report, type SimulationOptions } from './simulation.ts';
import { plainStrategies } from './strategies.ts';

/** Seeds of every run of the tests; many more are run by `npm run simulate`. */
const SEEDS = Array.from({ length: 20 }, (_, seed) => String(seed));
const SEEDS_MAX = 200;
/** Of a machine that has other things to do. */
const PATIENCE_MS = 120_000;

async function expectNothing(seed: string, options: SimulationOptions = {}): Promise<Report> {
  const report = await simulate(seed, options);
  const again = `to run it again: npm run simulate -- --seed ${seed}`;
  expect(report.violations, again).toEqual([]);
  return report;
}

describe('a fleet in which much goes wrong', () => {
  test('keeps all promises, for a list of seeds', async () => {
    const totals = new Map<typeof COUNTS[number], number>();
    for (const seed of SEEDS) {
      const report = await expectNothing(seed);
      for (const name of COUNTS) totals.set(name, (totals.get(name) ?? 0) + report[name]);
    }
    // A run in which little happens would show little.
    expect(totals.get('reads')).toBeGreaterThan(5_000);
    expect(totals.get('hits')).toBeGreaterThan(1_000);
    expect(totals.get('writes')).toBeGreaterThan(300);
    expect(totals.get('faults')).toBeGreaterThan(100);
    expect(COUNTS.filter((name) => totals.get(name) === 0)).toEqual([]);
  }, PATIENCE_MS);

  test('keeps all promises, for the seed that is this commit', async () => {
    let commit = 'no commit';
    try {
      commit = execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    } catch {
      // A copy of the sources without their history has one seed less.
    }
    await expectNothing(commit);
  }, PATIENCE_MS);

  test('goes the same way for the same seed, to the last event', async () => {
    const [first, second] = await Promise.all(['7', '7'].map(traceOf));
    expect(first?.length).toBeGreaterThan(100);
    expect(second).toEqual(first);
  }, PATIENCE_MS);
});

async function traceOf(seed: string): Promise<readonly string[]> {
  const lines: string[] = [];
  // The ids of a node's own messages come from the system, and nothing hangs on them.
  const id = /[0-9a-f]{8}-[0-9a-f-]{27}/g;
  const trace = (at: Millis, text: string): void => {
    lines.push(`${at} ${text.replaceAll(id, 'id')}`);
  };
  await simulate(seed, { trace });
  return lines;
}

describe('what simulation has found', () => {
  test('a purge that was widened in a full outbox is held until it has its place', async () => {
    const { seed } = PLANTED['what was widened in a full outbox is not held'];
    for (const next of [seed, seed + 1, seed + 2]) {
      await expectNothing(String(next), { plan: FULL_OUTBOX });
    }
  }, PATIENCE_MS);

  test('a settle time is counted from a gap, also where nothing was loaded since', async () => {
    await expectNothing('925');
  }, PATIENCE_MS);

  test('a whole slides no further than its parts while it takes long to load', async () => {
    await expectNothing('273');
  }, PATIENCE_MS);
});

describe('a node that is held five seconds behind', () => {
  const SEEDS_HELD = ['held 1', 'held 2', 'held 3'];
  const held = (positionShare: number, options: SimulationOptions = {}): SimulationOptions => ({
    ...options,
    plan: (plan) => ({
      ...only(plan, []), positionShare, faultsUntil: 15_000, roamShare: 1, writeEveryMs: 100,
      routes: { publisher: 0, foreign: 0, mutation: 1 },
      limits: {
        ...plan.limits, maxStalenessMs: 5_000, strategies: plainStrategies(8_000),
      },
    }),
    script: ({ time, fleet }) => {
      for (const at of [1_000, 8_000]) {
        time.after(at, () => {
          const [, node] = fleet.nodes;
          if (node !== undefined) node.log.heldUntil = node.clock.now() + 5_000;
        });
      }
    },
  });

  test('shows no client that sends its position older state than it has written', async () => {
    for (const seed of SEEDS_HELD) await expectNothing(seed, held(1));
  }, PATIENCE_MS);

  test('would, were the position not waited for', async () => {
    const reports = SEEDS_HELD.map((seed) =>
      simulate(seed, held(1, { parts: { waitsForPosition: false } })));
    const found = (await Promise.all(reports)).flatMap(({ violations }) => violations);
    expect(found.map(({ checker }) => checker)).toContain('read your writes');
  }, PATIENCE_MS);

  test('shows others old state for no longer than it may without hearing', async () => {
    for (const seed of SEEDS_HELD) await expectNothing(seed, held(0));
  }, PATIENCE_MS);
});

describe('a fault that somebody might make', () => {
  test.each(Object.entries<Planted>(PLANTED))('is found: %s', async (_name, planted) => {
    const { parts, plan, seed, foundBy } = planted;
    const options = { parts, ...(plan !== undefined && { plan }) };
    // The seed that is known to find it goes first; should code have moved, another one does.
    for (const next of [seed, ...Array.from({ length: SEEDS_MAX }, (_, other) => other)]) {
      const { violations } = await simulate(String(next), options);
      const [first] = violations;
      if (first === undefined) continue;
      expect(foundBy).toContain(first.checker);
      return;
    }
    expect.unreachable(`no violation in ${SEEDS_MAX} seeds`);
  }, PATIENCE_MS);
});
