import { describe, expect, it } from 'vitest';
import { RecentLatency, together } from '../../../src/ops/traffic/recent-latency.ts';
import { RequestCounts, sumOf } from '../../../src/ops/traffic/request-counts.ts';
import { operationOf, request } from './requests.ts';

describe('counts of requests', () => {
  it('are by outcome, and by type where that says how well it is cached', () => {
    const counts = new RequestCounts();
    const users = operationOf('{ user(id: 1) { id name } }');
    for (const outcome of ['miss', 'hit_l1', 'hit_l2', 'stale', 'partial', 'coalesced'] as const) {
      counts.count(request(users, { outcome }));
    }
    for (const outcome of ['bypass', 'error', 'refused'] as const) {
      counts.count(request(users, { outcome }));
    }
    counts.count(request(undefined, { outcome: 'refused' }));
    const { outcomes, types } = counts.snapshot;
    expect(outcomes).toEqual({
      hit_l1: 1, hit_l2: 1, partial: 1, miss: 1, bypass: 1, stale: 1, coalesced: 1, error: 1,
      refused: 2,
    });
    expect(types).toEqual([['User', { hits: 3, misses: 3 }]]);
  });

  it('of several processes add up', () => {
    const all = [1, 2].map((times) => {
      const counts = new RequestCounts();
      const users = operationOf('{ user(id: 1) { id } }');
      for (let at = 0; at < times; at += 1) counts.count(request(users, { durationMs: times }));
      return JSON.parse(JSON.stringify(counts.snapshot)) as typeof counts.snapshot;
    });
    const { outcomes, types, recent } = sumOf(all);
    expect([outcomes.hit_l1, types]).toEqual([3, [['User', { hits: 3, misses: 0 }]]]);
    expect(together(recent).count).toBe(3);
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
