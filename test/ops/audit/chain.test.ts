import { describe, expect, it } from 'vitest';
import { positionOf, type Position } from '../../../src/invalidation/position.ts';
import { Chain, type ChainEntry, type Gap } from '../../../src/ops/audit/chain.ts';

const at = (ms: number): Position => positionOf(ms, 0);

/** Each entry names the one before it, unless it is told to name another. */
function entriesOf(
  ...parts: readonly (Partial<ChainEntry> & { ms: number; after?: number })[]
): ChainEntry[] {
  return parts.map(({ ms, after, ...rest }, index) => {
    const before = after ?? parts[index - 1]?.ms;
    return {
      position: at(ms), first: at(ms), tellsLoss: false,
      previous: before === undefined ? '' : `${before}-0/id`,
      ...rest,
    };
  });
}

function gapsOf(read: Position | undefined, entries: readonly ChainEntry[], end: number): Gap[] {
  const chain = new Chain(read);
  return [...entries.map((entry) => chain.next(entry)), chain.end(at(end))]
    .filter((gap) => gap !== undefined);
}

describe('a chain of entries', () => {
  it('has no gap where what was read is still there', () => {
    const entries = entriesOf({ ms: 1 }, { ms: 2 }, { ms: 3 });
    expect(gapsOf(at(2), entries, 3)).toEqual([]);
    expect(gapsOf(at(3), entries, 3)).toEqual([]);
  });

  it('has no gap where the first that is left follows what was read', () => {
    expect(gapsOf(at(2), entriesOf({ ms: 3, after: 2 }, { ms: 4 }), 4)).toEqual([]);
  });

  it('has none where an entry was read in part', () => {
    expect(gapsOf(at(3), entriesOf({ ms: 5, first: at(2), after: 1 }), 5)).toEqual([]);
  });

  it('has one from what was read to the last that is named and gone', () => {
    expect(gapsOf(at(2), entriesOf({ ms: 7, after: 6 }, { ms: 8 }), 8))
      .toEqual([{ from: at(2), to: at(6) }]);
  });

  it('has one where an entry in its midst is gone', () => {
    expect(gapsOf(at(1), entriesOf({ ms: 1 }, { ms: 2 }, { ms: 5, after: 4 }), 5))
      .toEqual([{ from: at(2), to: at(4) }]);
  });

  it('has one up to an entry of a foreign writer, and up to who tells of a loss', () => {
    expect(gapsOf(at(1), entriesOf({ ms: 1 }, { ms: 2, previous: undefined }), 2))
      .toEqual([{ from: at(1), to: at(2) }]);
    expect(gapsOf(at(1), entriesOf({ ms: 1 }, { ms: 2 }, { ms: 3, tellsLoss: true }), 3))
      .toEqual([{ from: at(2), to: at(3) }]);
  });

  it('has one where the log was put back to before what was read', () => {
    expect(gapsOf(at(5), entriesOf({ ms: 1 }, { ms: 2 }, { ms: 7 }), 7))
      .toEqual([{ from: at(5), to: at(7) }]);
  });

  it('has one where the log began anew, and where nothing is left of it', () => {
    expect(gapsOf(at(5), entriesOf({ ms: 7 }), 7)).toEqual([{ from: at(5), to: at(7) }]);
    expect(gapsOf(at(5), [], 9)).toEqual([{ from: at(5), to: at(9) }]);
    expect(gapsOf(at(5), [], 5)).toEqual([]);
  });

  it('begins without one, however the log begins', () => {
    expect(gapsOf(undefined, entriesOf({ ms: 7, after: 6 }, { ms: 8 }), 8)).toEqual([]);
    expect(gapsOf(undefined, entriesOf({ ms: 7 }, { ms: 9, after: 8 }), 9))
      .toEqual([{ from: at(7), to: at(8) }]);
  });
});
