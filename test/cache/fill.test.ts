/** What becomes of a fill: jitter, and a TTL that slides. */
import { beforeEach, describe, expect, it } from 'vitest';
import { entryOf, type Fill } from '../../src/cache/fill.ts';
import { responseKey } from '../../src/cache/key.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { fillOf, Node, place } from './samples.ts';

const key = responseKey(['a']);
const loaded = { stamp: place(1), beganAt: 0, loadMs: 0.2 };

describe('a jittered TTL', () => {
  const ttls = (jitter: number): number[] => {
    const random = seededRandom('jitter');
    const fill = fillOf('A', { ttlMs: 1_000, jitter });
    return Array.from({ length: 200 }, () => entryOf(fill, loaded, random).staleAt);
  };

  it('spreads over the share that it was given, and never lasts longer', () => {
    const spread = ttls(0.3);
    expect(Math.min(...spread)).toBeGreaterThanOrEqual(700);
    expect(Math.max(...spread)).toBeLessThanOrEqual(1_000);
    expect(Math.min(...spread)).toBeLessThan(720);
    expect(Math.max(...spread)).toBeGreaterThan(980);
  });

  it('is as it was given without jitter', () => {
    expect(new Set(ttls(0))).toEqual(new Set([1_000]));
  });
});

describe('a fill that nobody should make', () => {
  it.each<[string, Partial<Fill>]>([
    ['no more than half', { jitter: 0.6 }],
    ['a TTL is finite', { staleIfErrorMs: -1 }],
    ['a TTL is finite', { slidingMs: Number.POSITIVE_INFINITY }],
  ])('is a bug of ours: %s', (text, fill) => {
    expect(() => entryOf(fillOf('A', fill), loaded, () => 0)).toThrow(text);
  });

  it('took at least a millisecond to load', () => {
    expect(entryOf(fillOf('A'), loaded, () => 0).loadMs).toBe(1);
  });
});

describe('a TTL that slides', () => {
  let node: Node;
  beforeEach(async () => {
    node = new Node();
    await node.path().read([key], async () => [fillOf('A', { ttlMs: 100, slidingMs: 350 })]);
  });

  const isThereAfter = (ms: number): boolean => {
    node.clock.advance(ms);
    return node.tiers.peek(key) !== undefined;
  };

  it('is renewed by each use, and never beyond its bound', () => {
    for (let use = 0; use < 3; use += 1) expect(isThereAfter(99)).toBe(true);
    expect(isThereAfter(52)).toBe(true);
    expect(isThereAfter(1)).toBe(false);
  });

  it('is over when it was not used for as long as it is', () => {
    expect(isThereAfter(60)).toBe(true);
    expect(isThereAfter(100)).toBe(false);
  });

  it('counts the bound from when the oldest of its parts was read', async () => {
    node.clock.advance(1_000);
    const parts = { readAt: 800, ttlMs: 100, slidingMs: 350 };
    await node.path().read([key], async () => [fillOf('A', parts)]);
    expect(isThereAfter(90)).toBe(true);
    expect(isThereAfter(59)).toBe(true);
    expect(isThereAfter(1)).toBe(false);
  });

  it('is renewed by no use after an invalidation', () => {
    node.invalidate(2, 'user:1');
    expect(isThereAfter(10)).toBe(false);
  });

  it('stays as it is where the bound is below it', async () => {
    await node.path().read(
      [responseKey(['b'])], async () => [fillOf('B', { ttlMs: 100, slidingMs: 50 })]);
    node.clock.advance(99);
    expect(node.tiers.peek(responseKey(['b']))).toBeDefined();
    node.clock.advance(1);
    expect(node.tiers.peek(responseKey(['b']))).toBeUndefined();
  });
});
