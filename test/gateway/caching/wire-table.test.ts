import { expect, it } from 'vitest';
import { WireTable } from '../../../src/gateway/caching/wire-table.ts';

it('keeps what comes for the second time, and of the first time nothing', () => {
  const table = new WireTable<number>(100_000);
  let made = 0;
  const offer = (wire: string): void => table.offer(wire, () => (made += 1));
  for (let n = 0; n < 1_000; n += 1) offer(`once ${n}`);
  expect([made, table.bytes]).toEqual([0, 0]);
  offer('twice');
  expect(table.get('twice')).toBeUndefined();
  offer('twice');
  expect(table.get('twice')).toBe(1);
  expect(table.bytes).toBeGreaterThan(0);
});

it('knows nothing any more that was deleted, or of before it was cleared', () => {
  const table = new WireTable<string>(100_000);
  for (const wire of ['a', 'b', 'a', 'b']) table.offer(wire, () => `of ${wire}`);
  table.delete('a');
  expect([table.get('a'), table.get('b')]).toEqual([undefined, 'of b']);
  table.clear();
  expect([table.get('b'), table.bytes]).toEqual([undefined, 0]);
});

it('never holds more than its limit', () => {
  const table = new WireTable<number>(100_000);
  for (let n = 0; n < 2_000; n += 1) {
    const wire = `${n} ${'x'.repeat(500)}`;
    for (let time = 0; time < 2; time += 1) table.offer(wire, () => n);
  }
  expect(table.bytes).toBeLessThanOrEqual(100_000);
  expect(table.get(`1999 ${'x'.repeat(500)}`)).toBe(1_999);
});
