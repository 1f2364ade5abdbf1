import { describe, expect, it } from 'vitest';
import { Histogram } from '../../src/invalidation/histogram.ts';
import { RecentlySeen } from '../../src/invalidation/recently-seen.ts';
import { Stats } from '../../src/invalidation/stats.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { seededRandom } from '../support/seeded-random.ts';

describe('the histogram', () => {
  it('gives percentiles that are right to 7 %, over nine orders of magnitude', () => {
    const random = seededRandom('histogram');
    const values = Array.from({ length: 10_000 }, () => 10 ** (random() * 9 - 3));
    const histogram = new Histogram();
    for (const value of values) histogram.record(value);
    const sorted = values.toSorted((a, b) => a - b);
    const percentiles = histogram.percentiles();
    for (const [share, value] of [
      [0.5, percentiles.p50Ms], [0.9, percentiles.p90Ms], [0.99, percentiles.p99Ms],
    ] as const) {
      const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
      expect(value / exact).toBeGreaterThan(0.93);
      expect(value / exact).toBeLessThan(1.08);
    }
    expect(percentiles).toMatchObject({ count: 10_000, maxMs: sorted.at(-1) });
  });

  it('holds any duration, and nothing', () => {
    const histogram = new Histogram();
    expect(histogram.percentiles()).toEqual({ count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
    for (const value of [-1, 0, 1e-9, 1e12]) histogram.record(value);
    expect(histogram.percentiles()).toMatchObject({ count: 4, maxMs: 1e12 });
    expect(histogram.percentiles().p50Ms).toBeLessThanOrEqual(0.001);
  });
});

it('stats count, and show a copy', () => {
  const stats = new Stats();
  stats.published(3);
  stats.count('received', 5);
  const before = stats.snapshot();
  stats.count('gaps');
  expect(before).toMatchObject({ published: 1, received: 5, gaps: 0, kept: 0 });
  expect(before.publishLatency).toMatchObject({ count: 1, maxMs: 3 });
});

describe('what was recently seen', () => {
  it('is known until it is too old, or too many came after it', () => {
    const clock = new ManualClock();
    const seen = new RecentlySeen({ clock, ageMaxMs: 1_000, entriesMax: 2 });
    expect(seen.add('a')).toBe(false);
    expect(seen.add('a')).toBe(true);
    clock.advance(1_000);
    expect(seen.add('a')).toBe(false);
    seen.add('b');
    seen.add('c');
    expect(seen.add('b')).toBe(true);
    expect(seen.add('a')).toBe(false);
  });
});
