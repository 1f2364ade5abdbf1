import { expect, it } from 'vitest';
import { RecentTable } from '../../../src/gateway/http/recent-table.ts';
import { seededRandom } from '../../support/seeded-random.ts';

const BYTES_MAX = 20_000;

function table(): RecentTable<number> {
  return new RecentTable({ bytesMax: BYTES_MAX, nameLengthMax: 1_000 });
}

it('gives what was set last under a name, until it is deleted', () => {
  const names = table();
  names.set('a', 1);
  names.set('a', 2);
  expect([names.get('a'), names.get('b'), names.size]).toEqual([2, undefined, 1]);
  names.delete('a');
  expect([names.get('a'), names.size, names.bytes]).toEqual([undefined, 0, 0]);
});

it('keeps what is used and forgets what is not', () => {
  const names = table();
  names.set('used', 1);
  names.set('unused', 1);
  for (let n = 0; n < 1_000; n += 1) {
    names.set(`other ${n}`, n);
    expect(names.get('used')).toBe(1);
  }
  expect(names.get('unused')).toBeUndefined();
});

it('holds no name that is too long', () => {
  const names = table();
  names.set('x'.repeat(1_001), 1);
  expect(names.size).toBe(0);
});

it('never holds more than its limit, and reckons what it holds', () => {
  const random = seededRandom(7);
  const names = table();
  for (let n = 0; n < 20_000; n += 1) {
    const name = 'n'.repeat(1 + Math.floor(random() * 900)) + Math.floor(random() * 50);
    const chance = random();
    if (chance < 0.5) names.set(name, n);
    else if (chance < 0.9) names.get(name);
    else names.delete(name);
    expect(names.bytes).toBeLessThanOrEqual(BYTES_MAX);
    expect(names.bytes).toBeGreaterThanOrEqual(names.size * 300);
  }
  names.clear();
  expect([names.size, names.bytes]).toEqual([0, 0]);
});
