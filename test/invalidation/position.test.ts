import { describe, expect, it } from 'vitest';
import {
  before, formatPosition, latest, loggedMsOf, ORIGIN, parsePosition, positionOf, positionsUpTo,
  successor,
} from '../../src/invalidation/position.ts';

describe('a position', () => {
  it('is ordered as the Stream ID that it stands for', () => {
    const ids = ['0-0', '0-1', '0-10', '9-9', '10-0', '1772366400000-5', '1772366400000-12',
      '1772366400001-0'];
    const positions = ids.map((id) => parsePosition(id) as string);
    expect(positions.toSorted()).toEqual(positions);
    expect(new Set(positions).size).toBe(ids.length);
    expect(ids.map((id) => formatPosition(parsePosition(id) as never))).toEqual(ids);
    expect(parsePosition('0-0')).toBe(ORIGIN);
    expect(positionOf(9, 9)).toBe(parsePosition('9-9'));
  });

  it.each(['', '1', '1-', '-1', 'a-1', '1-1 ', '1-1-1', '-1-1', '1.5-1', '1e3-1',
    '1-9999999999999999', '1234567890123456-0', '1-12345678901234567'])(
    'is not read from %j',
    (text) => expect(parsePosition(text)).toBeUndefined(),
  );

  it('is followed by the least one that is later', () => {
    for (const n of [0, 7, 8, 9, 10, 99, 1_998, 1_999]) {
      expect(successor(positionOf(5, n))).toBe(positionOf(5, n + 1));
    }
    const position = positionOf(5, 9);
    expect(successor(position) > position).toBe(true);
    expect(latest(position, successor(position))).toBe(successor(position));
    expect(latest(successor(position), position)).toBe(successor(position));
  });

  it('has others before it in its millisecond, as many as are asked for', () => {
    const last = positionOf(5, 101);
    expect(positionsUpTo(last, 4)).toEqual([98, 99, 100, 101].map((each) => positionOf(5, each)));
    expect(positionsUpTo(last, 1)).toEqual([last]);
    expect(positionsUpTo(last, 0)).toEqual([]);
    expect(positionsUpTo(last, 4)[0]).toBe(before(last, 3));
    // Who writes an entry by hand may say that it holds more than there is room for.
    expect(positionsUpTo(positionOf(5, 1), 3)).toEqual([0, 0, 1].map((at) => positionOf(5, at)));
  });

  it('tells when the log took the record', () => {
    expect([ORIGIN, positionOf(1_772_366_400_000, 7)].map(loggedMsOf)).toEqual([
      0, 1_772_366_400_000,
    ]);
  });
});
