import { describe, expect, it } from 'vitest';
import { Departures } from '../../src/cache/departures.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import { responseKey } from '../../src/cache/key.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { entryOf, place } from './samples.ts';

const [a, b] = [responseKey(['a']), responseKey(['b'])];

function storeOf(options: { entriesMax?: number; entryBytesMax?: number } = {}): MemoryStore {
  return new MemoryStore({ clock: new ManualClock(), bytesMax: 1_000_000, ...options });
}

describe('what has left the memory', () => {
  it('is remembered with the reason, its tags and its stamp', () => {
    const store = storeOf({ entriesMax: 1 });
    store.set(a, entryOf('a', { tags: ['user:1'], stamp: place(3) }));
    store.set(b, entryOf('b'));
    expect(store.departures.of(a.id)).toMatchObject({
      reason: 'evicted', tags: ['user:1'], stamp: place(3),
    });
    store.delete(b);
    expect(store.departures.of(b.id)).toMatchObject({ reason: 'dropped' });
  });

  it('is remembered with the first of its tags, however many it had', () => {
    const store = storeOf({ entriesMax: 1 });
    const tags = Array.from({ length: 500 }, (_, n) => `user:${n}`);
    store.set(a, entryOf('a', { tags }));
    store.set(b, entryOf('b'));
    expect(store.departures.of(a.id)?.tags).toEqual(tags.slice(0, 20));
  });

  it('is not what was put in the place of another', () => {
    const store = storeOf();
    store.set(a, entryOf('a'));
    store.set(a, entryOf('again'));
    expect(store.departures.of(a.id)).toBeUndefined();
  });

  it('is also what was not let in', () => {
    const store = storeOf({ entryBytesMax: 1_500 });
    store.set(a, entryOf('a'.repeat(2_000)));
    store.refused(b, entryOf('b'), 'invalidated');
    expect(store.departures.of(a.id)).toMatchObject({ reason: 'oversized' });
    expect(store.departures.of(b.id)).toMatchObject({ reason: 'refused', verdict: 'invalidated' });
  });

  it('is forgotten, the oldest first, beyond the limit', () => {
    const departures = new Departures(2);
    for (const id of ['a', 'b', 'a', 'c']) {
      departures.note(id, entryOf(id), { reason: 'evicted', at: 1 });
    }
    expect(['a', 'b', 'c'].map((id) => departures.of(id)?.reason))
      .toEqual(['evicted', undefined, 'evicted']);
  });

  it('is no concern of a look, which uses nothing', () => {
    const store = storeOf({ entriesMax: 2 });
    store.set(a, entryOf('a'));
    store.set(b, entryOf('b'));
    expect(store.look(a)?.value.toString()).toBe('a');
    store.set(responseKey(['c']), entryOf('c'));
    expect(store.look(a)).toBeUndefined();
    expect(store.look(b)).toBeDefined();
  });
});
