import { describe, expect, it } from 'vitest';
import { entityKey, responseKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';
import { entryOf } from './samples.ts';
import { describeStore } from './store-contract.ts';

describeStore('MemoryStore', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore({ clock, entriesMax: 1_000 });
  return { store, clock, settled: async () => undefined, end: async () => store.close() };
});

describe('memory', () => {
  const clock = new ManualClock();

  it('answers at once, not with a promise', () => {
    const store = new MemoryStore({ clock });
    store.set(responseKey(['a']), entryOf('A'));
    expect(store.get([responseKey(['a'])])).toHaveLength(1);
    expect(store.find(responseKey(['a']))?.value.toString()).toBe('A');
  });

  it('gives up the least recently used first, and counts it', () => {
    const store = new MemoryStore({ clock, entriesMax: 2 });
    store.set(responseKey(['a']), entryOf('A'));
    store.set(responseKey(['b']), entryOf('B'));
    store.find(responseKey(['a']));
    store.set(responseKey(['c']), entryOf('C'));
    expect(store.find(responseKey(['b']))).toBeUndefined();
    expect(store.find(responseKey(['a']))).toBeDefined();
    expect(store.stats.evictions).toBe(1);
  });

  it('never holds more than its limits, whatever is put in', () => {
    const random = seededRandom('memory limits');
    const store = new MemoryStore({ clock, bytesMax: 200_000, entriesMax: 50 });
    for (let step = 0; step < 2_000; step += 1) {
      const tags = Array.from({ length: integerBelow(random, 20) }, (_, n) => `user:${n}`);
      const value = Buffer.alloc(integerBelow(random, 40_000));
      store.set(entityKey(`user:${step % 90}`, [step % 3]), entryOf(value, { tags }));
      expect(store.bytes).toBeLessThanOrEqual(200_000);
      expect(store.size).toBeLessThanOrEqual(50);
    }
    expect(store.size).toBeGreaterThan(0);
    store.clear();
    expect([store.bytes, store.size]).toEqual([0, 0]);
  });

  it('counts tags and keys as well as values', () => {
    const store = new MemoryStore({ clock });
    store.set(responseKey(['a']), entryOf('A', { tags: [] }));
    const bare = store.bytes;
    store.set(responseKey(['a']), entryOf('A', { tags: [`user:${'x'.repeat(1_000)}`] }));
    expect(store.bytes).toBeGreaterThan(bare + 1_000);
  });

  it('refuses an entry that would take too great a share, and drops the older one', () => {
    const store = new MemoryStore({ clock, bytesMax: 80_000 });
    store.set(responseKey(['a']), entryOf('A'));
    store.set(responseKey(['a']), entryOf(Buffer.alloc(10_001)));
    expect(store.find(responseKey(['a']))).toBeUndefined();
    expect(store.stats.oversized).toBe(1);
    expect(store.bytes).toBe(0);
  });

  it.each([10, 1_000])('keeps none of the memory in which a value of %d bytes came', (length) => {
    const store = new MemoryStore({ clock });
    const arrived = Buffer.allocUnsafeSlow(64 * 1024);
    const value = arrived.subarray(100, 100 + length);
    store.set(responseKey(['a']), { ...entryOf(''), value });
    const held = store.find(responseKey(['a']))?.value;
    expect(held).toEqual(value);
    expect(held?.buffer).not.toBe(arrived.buffer);
    if (length > 512) expect(held?.buffer.byteLength).toBe(length);
  });

  it.each([0, 255, 512, 513])('holds a value of %d bytes, whatever they are', (length) => {
    const store = new MemoryStore({ clock });
    const value = Buffer.from(Array.from({ length }, (_, at) => 255 - at % 256));
    const entry = {
      ...entryOf(value, { tags: ['user:1', 'post'], readAt: 5, slideUntil: 90_000, loadMs: 7 }),
      staleWhileRevalidateMs: 1, staleIfErrorMs: 2, digest: 'a'.repeat(32),
    };
    store.set(responseKey(['a']), entry);
    const held = store.find(responseKey(['a']));
    expect({ ...held }).toEqual(entry);
    expect(held?.value.equals(value)).toBe(true);
  });

  it('holds what was put in, whatever becomes of the bytes that it came and went in', () => {
    const store = new MemoryStore({ clock });
    const value = Buffer.from('A');
    store.set(responseKey(['a']), { ...entryOf(''), value });
    value.write('B');
    store.find(responseKey(['a']))?.value.write('C');
    expect(store.find(responseKey(['a']))?.value.toString()).toBe('A');
  });

  it('forgets what is past its deletion when it is touched', () => {
    const own = new ManualClock();
    const store = new MemoryStore({ clock: own });
    store.set(responseKey(['a']), entryOf('A', { ttlMs: 10, staleWhileRevalidateMs: 10 }));
    own.advance(19);
    expect(store.find(responseKey(['a']))).toBeDefined();
    own.advance(1);
    expect(store.find(responseKey(['a']))).toBeUndefined();
    expect(store.size).toBe(0);
  });

  it('cannot be made without room', () => {
    expect(() => new MemoryStore({ clock, entriesMax: 0 })).toThrow('at least one entry');
    expect(() => new MemoryStore({ clock, bytesMax: 10, entryBytesMax: 11 })).toThrow('no larger');
  });
});
