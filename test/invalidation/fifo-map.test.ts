import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { FifoMap } from '../../src/invalidation/fifo-map.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

describe('a Map that gives up its oldest key', () => {
  it('takes one that is set again for new', () => {
    const map = new FifoMap<string, number>();
    for (const [n, key] of ['a', 'b', 'c', 'a'].entries()) map.set(key, n);
    expect([map.size, map.get('a'), map.get('d')]).toEqual([3, 3, undefined]);
    expect([map.takeOldest(), map.takeOldest()]).toEqual([['b', 1], ['c', 2]]);
    map.set('d', 4);
    map.delete('d');
    expect(map.takeOldest()).toEqual(['a', 3]);
    expect(() => map.takeOldest()).toThrow('there is an oldest one');
  });

  it('begins anew when it was cleared', () => {
    const map = new FifoMap<string, number>();
    for (let n = 0; n < 50; n += 1) map.set(String(n), n);
    map.takeOldest();
    map.clear();
    map.set('a', 1);
    expect([map.size, map.takeOldest()]).toEqual([1, ['a', 1]]);
  });

  it('is what a list would be, whatever is done with it', () => {
    const random = seededRandom(4);
    for (let round = 0; round < 20; round += 1) {
      const map = new FifoMap<number, number>();
      let model: [number, number][] = [];
      const keys = 1 + integerBelow(random, 300);
      const taking = random();
      for (let step = 0; step < 2_000; step += 1) {
        const key = integerBelow(random, keys);
        const others = model.filter(([other]) => other !== key);
        if (random() < taking) {
          map.set(key, step);
          model = [...others, [key, step]];
        } else if (random() < 0.2) {
          map.delete(key);
          model = others;
        } else if (model.length > 0) {
          expect(map.takeOldest()).toEqual(model.shift());
        }
        expect([map.size, map.get(key)]).toEqual(
          [model.length, model.find(([other]) => other === key)?.[1]]);
      }
    }
  });

  it('holds no memory that it has moved out of, though it is not asked for long', () => {
    const map = new FifoMap<number, number>();
    for (let key = 0; key < 1_001; key += 1) map.set(key, key);
    map.takeOldest();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 2_000_000; n += 1) map.set(1 + (n % 1_000), n);
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 ** 21);
    expect(map.takeOldest()[0]).toBe(1);
  });
});
