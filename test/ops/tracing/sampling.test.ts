import { describe, expect, it } from 'vitest';
import { Sampling } from '../../../src/ops/tracing/sampling.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { seededRandom } from '../../support/seeded-random.ts';

function samplingOf(options: { ratio?: number; perSecondMax?: number } = {}) {
  const clock = new ManualClock();
  const { ratio = 1, perSecondMax = 1_000_000 } = options;
  const random = seededRandom(7);
  return { clock, sampling: new Sampling({ ratio, perSecondMax, clock, random }) };
}

function count(times: number, is: () => boolean): number {
  return Array.from({ length: times }, is).filter(Boolean).length;
}

describe('sampling', () => {
  it('begins the share of traces that is configured', () => {
    expect(count(1_000, () => samplingOf({ ratio: 0 }).sampling.begins())).toBe(0);
    const { sampling } = samplingOf({ ratio: 0.1 });
    const begun = count(10_000, () => sampling.begins());
    expect(begun).toBeGreaterThan(800);
    expect(begun).toBeLessThan(1_200);
  });

  it('goes on with every trace that others record, whatever the share', () => {
    const { sampling } = samplingOf({ ratio: 0 });
    expect(count(100, () => sampling.goesOn())).toBe(100);
  });

  it('records no more a second than is allowed, whoever asks for it', () => {
    const { sampling, clock } = samplingOf({ perSecondMax: 10 });
    expect(count(50, () => sampling.goesOn()) + count(50, () => sampling.begins())).toBe(10);
    clock.advance(500);
    expect(count(50, () => sampling.goesOn())).toBe(5);
    clock.advance(60_000);
    expect(count(50, () => sampling.begins())).toBe(10);
  });
});
