/** Our own gateway passes every check of the kit: two nodes on one Redis, one of them cut off. */
import { expect, test, vi } from 'vitest';
import { freshetPair, type FreshetPair } from './freshet-pair.ts';
import { notPassed, reportOfKit } from './kit.ts';

vi.setConfig({ testTimeout: 200_000 });

/** Other tests may keep the machine busy. */
const PATIENT = ['--settle-ms', '500', '--total-ms', '180000'];

// What a run does most is wait until a purge has settled: both wait at once.
test.concurrent.for<[string, (pair: FreshetPair) => readonly string[]]>([
  ['a service publishes on Redis', ({ redisArgs }) => redisArgs],
  ['changes go through the gateway as mutations', () => []],
])('everything passes where %s', async ([, adapterOf]) => {
  const pair = await freshetPair();
  try {
    const started = pair.start();
    const [{ code, report }] = await Promise.all([
      reportOfKit([...pair.args, ...adapterOf(pair), ...PATIENT]), started,
    ]);
    expect(notPassed(report)).toEqual([]);
    expect(code).toBe(0);
  } finally {
    await pair.stop();
  }
});
