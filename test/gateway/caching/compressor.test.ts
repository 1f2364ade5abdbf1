import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import type { Entry } from '../../../src/cache/entry.ts';
import { responseKey } from '../../../src/cache/key.ts';
import { MemoryStore } from '../../../src/cache/memory-store.ts';
import { Compressor } from '../../../src/gateway/caching/compressor.ts';
import { entryOf } from '../../cache/samples.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';

const KEY = responseKey(['a']);
const TEXT = JSON.stringify({ data: 'word '.repeat(2_000) });

function world() {
  const l1 = new MemoryStore({ clock: new ManualClock() });
  const put = (value: string | Buffer): Entry => {
    l1.set(KEY, entryOf(value));
    const held = l1.find(KEY);
    assert(held !== undefined, 'it is held');
    return held;
  };
  return { l1, put, compressor: new Compressor(l1) };
}

const ended = ({ stats }: Compressor, count: number): Promise<unknown> =>
  until(() => stats.made + stats.dropped >= count, { what: 'the work is done' });

it('keeps the coded forms with the entry, and has them reckoned', async () => {
  const { l1, put, compressor } = world();
  const entry = put(TEXT);
  const before = l1.bytes;
  for (const coding of ['gzip', 'br', 'zstd'] as const) {
    expect(compressor.add({ key: KEY, entry, coding })).toBe(true);
  }
  await ended(compressor, 3);
  const { encoded = {}, value } = l1.find(KEY) ?? {};
  expect(Object.keys(encoded).toSorted()).toEqual(['br', 'gzip', 'zstd']);
  expect(gunzipSync(encoded['gzip'] ?? '').toString()).toBe(TEXT);
  expect(value?.toString()).toBe(TEXT);
  const bytes = Object.values(encoded).reduce((sum, form) => sum + (form?.length ?? 0), 0);
  expect(l1.bytes - before).toBeGreaterThanOrEqual(bytes);
  expect(compressor.stats).toMatchObject({ made: 3, dropped: 0 });
});

it('puts nothing in the place of an entry that has changed or gone meanwhile', async () => {
  const { l1, put, compressor } = world();
  const entry = put(TEXT);
  compressor.add({ key: KEY, entry, coding: 'gzip' });
  const changed = put(TEXT.replace('word', 'other'));
  await ended(compressor, 1);
  expect(l1.find(KEY)?.encoded).toBeUndefined();
  l1.delete(KEY);
  compressor.add({ key: KEY, entry: changed, coding: 'gzip' });
  await ended(compressor, 2);
  expect([l1.size, compressor.stats.made]).toEqual([0, 0]);
});

it('keeps no form that saves next to nothing', async () => {
  const { l1, put, compressor } = world();
  const entry = put(randomBytes(5_000));
  compressor.add({ key: KEY, entry, coding: 'gzip' });
  await ended(compressor, 1);
  expect([l1.find(KEY), compressor.stats.dropped]).toEqual([entry, 1]);
});

it('takes no more than it may have waiting', async () => {
  const { put, compressor } = world();
  const entry = put(TEXT);
  let count = 0;
  while (count < 1_000 && compressor.add({ key: KEY, entry, coding: 'br' })) count += 1;
  expect(count).toBeLessThan(300);
  await ended(compressor, count);
  expect(compressor.stats.made).toBe(1);
  expect(compressor.add({ key: KEY, entry, coding: 'br' })).toBe(true);
});

it('leaves alone what is too small or too large', () => {
  const { compressor } = world();
  const sizes = [10, 2_000, 20 * 1024 * 1024];
  const worth = sizes.map((size) => compressor.isWorthwhile(Buffer.alloc(size)));
  expect(worth).toEqual([false, true, false]);
});
