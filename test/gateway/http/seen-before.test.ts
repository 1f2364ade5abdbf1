import { expect, it } from 'vitest';
import { SeenBefore } from '../../../src/gateway/http/seen-before.ts';

it('knows what comes from the second time on', () => {
  const seen = new SeenBefore(64);
  expect(['a', 'a', 'b', 'a', 'b'].map((text) => seen.see(text)))
    .toEqual([false, true, false, true, true]);
});

it('forgets as others come, of which there may be any number', () => {
  const seen = new SeenBefore(64);
  seen.see('first');
  for (let n = 0; n < 10_000; n += 1) seen.see(`${n}`);
  expect(seen.see('first')).toBe(false);
});
