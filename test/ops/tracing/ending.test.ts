import { pino } from 'pino';
import { expect, it } from 'vitest';
import { guardWith } from '../../../src/ops/tracing/subscription.ts';
import { Tracing } from '../../../src/ops/tracing/tracing.ts';
import { ManualClock } from '../../support/manual-clock.ts';

it('ends within two seconds where the collector does not answer, and says so', async () => {
  const clock = new ManualClock();
  const said: string[] = [];
  const tracing = new Tracing({
    config: { sampleRatio: 1, perSecondMax: 1 },
    version: '0.0.0-test',
    log: pino({}, { write: (line) => void said.push(line) }),
    clock,
    random: () => 0,
    exporter: { export: () => undefined, shutdown: () => new Promise(() => undefined) },
  });
  tracing.start();
  const closing = tracing.close();
  clock.advance(2_000);
  await closing;
  expect(said.join()).toContain('the last spans could not be exported');
});

it('a bug in a trace is told, and disturbs nobody', () => {
  const told: unknown[] = [];
  const bug = new Error('a bug');
  const guarded = guardWith((error) => told.push(error))(() => {
    throw bug;
  });
  expect(guarded()).toBeUndefined();
  expect(told).toEqual([bug]);
});
