/** Our own gateway passes every check of the kit: two nodes on one Redis, one of them cut off. */
import { afterEach, expect, test, vi } from 'vitest';
import { freshetPair, type FreshetPair } from './freshet-pair.ts';
import { notPassed, reportOfKit } from './kit.ts';

vi.setConfig({ testTimeout: 200_000 });

/** Other tests may keep the machine busy. */
const PATIENT = ['--settle-ms', '1000', '--total-ms', '180000'];

let pair: FreshetPair;

afterEach(() => pair.stop());

async function check(adapter: (pair: FreshetPair) => readonly string[]) {
  pair = await freshetPair();
  const started = pair.start();
  const [run] = await Promise.all([
    reportOfKit([...pair.args, ...adapter(pair), ...PATIENT]), started,
  ]);
  return run;
}

test('everything passes where a service publishes on Redis', async () => {
  const { code, report } = await check(({ redisArgs }) => redisArgs);
  expect(notPassed(report)).toEqual([]);
  expect(code).toBe(0);
});

test('everything passes where changes go through the gateway as mutations', async () => {
  const { code, report } = await check(() => []);
  expect(notPassed(report)).toEqual([]);
  expect(code).toBe(0);
});
