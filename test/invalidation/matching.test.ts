import { describe, expect, it } from 'vitest';
import { Holds } from '../../src/invalidation/holds.ts';
import { Marks } from '../../src/invalidation/marks.ts';
import { Matching } from '../../src/invalidation/matching.ts';
import { readPattern, type Pattern } from '../../src/invalidation/pattern.ts';
import { ORIGIN, positionOf } from '../../src/invalidation/position.ts';
import { entityTag, type Tag } from '../../src/invalidation/tag.ts';

/** Matches nothing, and counts how often it is tried and on how many characters. */
function counting(cost: number): { pattern: Pattern; tried: { times: number; length: number } } {
  const tried = { times: 0, length: 0 };
  const matches = (tag: Tag): boolean => {
    tried.times += 1;
    tried.length += tag.length;
    return false;
  };
  return { pattern: { text: `of ${cost}`, cost, matches }, tried };
}

const tagsOf = (count: number, length: number): readonly Tag[] =>
  Array.from({ length: count }, (_, n) => entityTag('user', String(n).padStart(length, 'a')));

describe('the matching of one question', () => {
  it('says what patterns say, of as many tags as entries have', () => {
    const purge = readPattern('/^user:a*\\d*7$/');
    const pattern = purge.kind === 'pattern' ? purge.pattern : undefined;
    const matching = new Matching();
    const matched = tagsOf(50, 20).filter((tag) => matching.matches(pattern!, tag));
    expect(matched).toHaveLength(5);
  });

  it.each([
    ['an expensive expression and many tags', 128, tagsOf(1_000, 40)],
    ['a cheap one and long tags', 4, tagsOf(50, 2_000)],
    ['a glob, and very long tags', 0, tagsOf(1_000, 2_000)],
    ['no more than calls', 0, tagsOf(100_000, 1)],
  ])('takes what is beyond its steps for matched: %s', (_, cost, tags) => {
    const { pattern, tried } = counting(cost);
    const matching = new Matching();
    expect(tags.some((tag) => matching.matches(pattern, tag))).toBe(true);
    expect(Math.max(cost, 0.25) * tried.length + 4 * tried.times).toBeLessThanOrEqual(100_000);
    expect(tried.times).toBeGreaterThan(0);
    // Another question has steps of its own.
    expect(new Matching().matches(pattern, entityTag('user', '1'))).toBe(false);
  });

  it.each([[tagsOf(5, 10), false], [tagsOf(1_000, 200), true]] as const)(
    'is one for all patterns that are remembered, or held', (tags, isTouched) => {
      const [marks, holds] = [new Marks({ marksMax: 10, patternsMax: 10 }), new Holds()];
      const patterns = [100, 101, 102].map((cost) => counting(cost));
      for (const { pattern } of patterns) {
        marks.mark(positionOf(1, 0), { kind: 'pattern', pattern });
        holds.add([{ kind: 'pattern', pattern }]);
      }
      expect(marks.touchedSince(ORIGIN, tags)).toBe(isTouched);
      expect(holds.touches(tags)).toBe(isTouched);
      const steps = patterns.reduce((sum, { pattern, tried }) =>
        sum + pattern.cost * tried.length, 0);
      expect(steps).toBeLessThanOrEqual(2 * 100_000);
    },
  );
});
