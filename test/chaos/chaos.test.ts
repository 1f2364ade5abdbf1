/** That the suite itself works: each topology, one fault of its own, for a few seconds. */
import { expect, test } from 'vitest';
import { chaos } from './chaos.ts';

test.each([
  { topology: 'single', fault: 'killed, comes back empty' },
  { topology: 'sentinel', fault: 'failover ordered' },
  { topology: 'cluster', fault: 'log and cache resharded' },
] as const)('nothing stale, nothing failed: $topology, $fault', async ({ topology, fault }) => {
  const [tally] = await chaos({ topology, faults: [fault], reads: 300, seed: 'smoke' });
  expect(tally?.complaints).toEqual([]);
  expect(tally).toMatchObject({ staleBeyond: 0, failed: 0, unhealed: 0 });
  expect(tally?.reads).toBeGreaterThan(100);
  expect(tally?.hits).toBeGreaterThan(10);
  expect(tally?.writes).toBeGreaterThan(10);
}, 120_000);
