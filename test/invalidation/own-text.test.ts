import { expect, it } from 'vitest';
import { ownText } from '../../src/invalidation/own-text.ts';

it.each([
  '', 'a', 'ab', 'user:123', 'a'.repeat(100_000), 'é'.repeat(20), '日本語のテキストです。とても長い',
  '😀', '😀😀', '\ud83d', 'x\ud83d', '\udc00 alone', '\0\n', 'cut'.repeat(20).slice(5, 40),
])('the text %j is the same in memory of its own', (text) => {
  expect(ownText(text)).toBe(text);
});
