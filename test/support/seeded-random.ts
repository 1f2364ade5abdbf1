/**
 * Chance from a seed: the same seed gives the same run, so that a failure can be run again. Fit
 * for choosing cases and faults; not for anything secret.
 */

import { createHash } from 'node:crypto';
import type { Random } from '../../src/invalidation/clock.ts';

/** Numbers in [0, 1), the same ones for the same seed. A seed in words (a commit) is hashed. */
export function seededRandom(seed: number | string): Random {
  const digest = createHash('sha256').update(String(seed)).digest();
  let [a, b, c, d] = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at)) as Words;
  // sfc32, the small fast counting generator of PractRand: 128 bits of state, period above 2^32.
  return () => {
    const sum = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return (sum >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 up to, not including, `end`. */
export function integerBelow(random: Random, end: number): number {
  return Math.floor(random() * end);
}

/** One of `choices`, which must not be empty. */
export function pick<T>(random: Random, choices: readonly T[]): T {
  if (choices.length === 0) throw new RangeError('pick requires at least one choice, got none');
  return choices[integerBelow(random, choices.length)] as T;
}

/** `items` in an order given by chance; the array handed in stays as it is. */
export function shuffle<T>(random: Random, items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = integerBelow(random, last + 1);
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}

type Words = [number, number, number, number];
