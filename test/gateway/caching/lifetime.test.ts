import { describe, expect, test } from 'vitest';
import { entryOf } from '../../../src/cache/fill.ts';
import { Exchange } from '../../../src/gateway/caching/exchange.ts';
import { lifetimeOfWhole } from '../../../src/gateway/caching/lifetime.ts';
import { audienceOf } from '../../../src/gateway/caching/scope.ts';
import { ANONYMOUS } from '../../../src/gateway/http/caller.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { NO_STRATEGY } from '../../../src/policy/strategy.ts';

describe('a whole that is made of parts', () => {
  test('slides no further than the first of them, however long the others took', () => {
    const audience = audienceOf('PUBLIC', ANONYMOUS);
    if (audience === undefined) throw new Error('PUBLIC is for everybody');
    const { parts } = new Exchange(ANONYMOUS, ORIGIN);
    const beganAt = 1_000;
    // Told at 1,010: it was read at 400 and may be used until 1,400.
    const leftMs = 390;
    const bounds = { ttlMs: leftMs, revalidateMs: leftMs, errorMs: leftMs, slideMs: leftMs };
    parts.add({ tags: [], readAt: 400, bounds });
    // Another part takes until 1,300.
    parts.add({ tags: [], readAt: 1_005, bounds: { ...bounds, ttlMs: 9_000, slideMs: 9_000 } });
    const terms = { ttlMs: 5_000, strategy: { ...NO_STRATEGY, slidingMs: 60_000 } };
    const lifetime = lifetimeOfWhole(terms, { parts, audience, beganAt });
    const fill = { ...lifetime, value: Buffer.alloc(0), tags: [], shareable: true };
    const entry = entryOf(fill, { stamp: ORIGIN, beganAt, loadMs: 300 }, () => 0);
    expect(entry).toMatchObject({ readAt: 400, staleAt: 1_390, slideUntil: 1_390 });
  });
});
