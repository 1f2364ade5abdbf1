import { describe, expect, it } from 'vitest';
import { MarkTable } from '../../src/invalidation/mark-table.ts';
import { positionOf, type Position } from '../../src/invalidation/position.ts';
import { seededRandom } from '../support/seeded-random.ts';

const at = (sequence: number): Position => positionOf(1_000, sequence);

/** The same by a list, the oldest first. */
class Model {
  marks: { key: string; position: Position }[] = [];

  mark(key: string, position: Position): boolean {
    const known = this.marks.find((mark) => mark.key === key);
    if (known !== undefined && known.position >= position) return false;
    this.marks = [...this.marks.filter((mark) => mark !== known), { key, position }];
    return known === undefined;
  }
}

describe('a table of marks', () => {
  it('gives its keys back in the order of their last mark', () => {
    const table = new MarkTable();
    expect(['a', 'b', 'c', 'a'].map((key, n) => table.mark(key, at(n)))).toEqual(
      [true, true, true, false]);
    expect(table.size).toBe(3);
    expect(table.positionOf('a')).toBe(at(3));
    expect(table.removeOldest()).toEqual({ key: 'b', position: at(1) });
    expect(table.positionOf('b')).toBeUndefined();
    expect(table.removeOldest()).toEqual({ key: 'c', position: at(2) });
    expect(table.removeOldest()).toEqual({ key: 'a', position: at(3) });
    expect(table.size).toBe(0);
    expect(() => table.removeOldest()).toThrow('there is an oldest one');
  });

  it('leaves a key that was marked later as it is, and where it is', () => {
    const table = new MarkTable();
    table.mark('a', at(5));
    table.mark('b', at(6));
    expect(table.mark('a', at(5))).toBe(false);
    expect(table.mark('a', at(4))).toBe(false);
    expect(table.removeOldest()).toEqual({ key: 'a', position: at(5) });
  });

  it('is what a list would be, whatever is done with it', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 8; round += 1) {
      const [table, model] = [new MarkTable(), new Model()];
      const keys = 1 + Math.floor(random() * 200);
      for (let step = 0; step < 600; step += 1) {
        if (random() < 0.25 && model.marks.length > 0) {
          expect(table.removeOldest()).toEqual(model.marks.shift());
        } else {
          const key = `key ${Math.floor(random() * keys)}`;
          // Now and then it is of before.
          const position = at(Math.max(0, step - Math.floor(random() * 40)));
          expect(table.mark(key, position)).toBe(model.mark(key, position));
          expect(table.positionOf(key)).toBe(
            model.marks.find((mark) => mark.key === key)?.position);
        }
        expect(table.size).toBe(model.marks.length);
      }
      while (model.marks.length > 0) expect(table.removeOldest()).toEqual(model.marks.shift());
    }
  });
});
