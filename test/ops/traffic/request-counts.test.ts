import { describe, expect, it } from 'vitest';
import { RecentLatency, together } from '../../../src/ops/traffic/recent-latency.ts';
import { RequestCounts, sumOf, type Requests } from '../../../src/ops/traffic/request-counts.ts';
import { request } from './requests.ts';

describe('counts of requests', () => {
  it('are by outcome, and of several processes they add up', () => {
    const all = [1, 2].map((times) => {
      const counts = new RequestCounts();
      for (let at = 0; at < times; at += 1) counts.count(request(undefined));
      counts.count(request(undefined, { outcome: 'refused' }));
      const types = [{ type: 'User', hits: times, misses: 1 }];
      return JSON.parse(JSON.stringify({ ...counts.snapshot, types })) as Requests;
    });
    const { outcomes, types, recent } = sumOf(all);
    expect(outcomes).toMatchObject({ hit_l1: 3, refused: 2, miss: 0 });
    expect(types).toEqual([{ type: 'User', hits: 3, misses: 2 }]);
    expect(together(recent).count).toBe(5);
  });
});

describe('recent latency', () => {
  it('forgets what is older than its window, and tells percentiles of the rest', () => {
    const latency = new RecentLatency();
    for (let ms = 1; ms <= 100; ms += 1) latency.record(ms);
    const spread = together(latency.spreads);
    expect(spread.count).toBe(100);
    for (const [share, ms] of [[0.5, 50], [0.95, 95], [0.99, 99]] as const) {
      expect(spread.percentileMs(share)).toBeGreaterThanOrEqual(ms);
      expect(spread.percentileMs(share)).toBeLessThan(ms * 1.07);
    }
    latency.turn();
    latency.record(7);
    for (let turns = 0; turns < 6; turns += 1) latency.turn();
    expect(together(latency.spreads).count).toBe(1);
    latency.turn();
    expect(latency.spreads).toEqual([]);
  });
});
