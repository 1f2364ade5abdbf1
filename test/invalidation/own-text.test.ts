import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ownText } from '../../src/invalidation/own-text.ts';

const MIB = 1024 * 1024;

describe('a text in memory of its own', () => {
  it.each([
    '', 'a', 'ab', 'user:123', 'a'.repeat(100_000), 'é'.repeat(20), '日本語のテキストです。とても長い',
    '😀', '😀😀', '\ud83d', 'x\ud83d', '\udc00 alone', '\0\n', 'cut'.repeat(20).slice(5, 40),
  ])('is the same text: %j', (text) => {
    expect(ownText(text)).toBe(text);
  });

  // What they were cut from is 40 MB; without the copy all of it was still there.
  it('does not hold what it was cut from', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    collect();
    const before = process.memoryUsage().heapUsed;
    const held = Array.from({ length: 400 }, (_, n) =>
      ownText(Buffer.alloc(100_000, `${n} `).toString('latin1').slice(10, 50)));
    collect();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4 * MIB);
    expect(held.every((text) => text.length === 40)).toBe(true);
  });
});
