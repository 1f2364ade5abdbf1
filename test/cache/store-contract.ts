/** What every store promises (src/cache/store.ts), asked of each implementation. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/cache/entry.ts';
import { entityKey, responseKey, type CacheKey } from '../../src/cache/key.ts';
import type { Store } from '../../src/cache/store.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import type { ManualClock } from '../support/manual-clock.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { entryOf, place } from './samples.ts';

export interface OpenStore {
  readonly store: Store;
  readonly clock: ManualClock;
  /** Resolves when what was set or deleted so far can be read. */
  settled(): Promise<void>;
  end(): Promise<void>;
}

export function describeStore(name: string, open: () => Promise<OpenStore>): void {
  describe(`the store ${name}`, () => {
    let opened: OpenStore;
    let store: Store;

    beforeEach(async () => {
      opened = await open();
      store = opened.store;
    });
    afterEach(() => opened.end());

    const set = async (key: CacheKey, entry: Entry): Promise<void> => {
      await store.set(key, entry);
      await opened.settled();
    };
    const read = async (...keys: CacheKey[]): Promise<(string | undefined)[]> => {
      const found = await store.get(keys);
      expect(found).toHaveLength(keys.length);
      return found.map((entry) => entry?.value.toString());
    };

    it('gives back what was set, in the order of the keys, and nothing for others', async () => {
      await set(responseKey(['a']), entryOf('A'));
      await set(entityKey('user:1', ['b']), entryOf('B'));
      const keys = [entityKey('user:1', ['b']), responseKey(['none']), responseKey(['a'])];
      expect(await read(...keys)).toEqual(['B', undefined, 'A']);
      expect(await store.get([])).toEqual([]);
    });

    it('gives a key that was asked for twice twice', async () => {
      await set(entityKey('user:1', ['a']), entryOf('A'));
      const key = entityKey('user:1', ['a']);
      expect(await read(key, responseKey(['none']), key)).toEqual(['A', undefined, 'A']);
    });

    it('keeps value, tags, stamp and times', async () => {
      const tags = ['user:1', 'post', entityTag('Post', 'gid://shop/Post/1 \u{1F600}', '*')];
      const times = { ttlMs: 9_000, staleWhileRevalidateMs: 500 };
      const entry = entryOf(Buffer.from([0, 255, 128, 10]), { tags, ...times });
      await set(responseKey(['a']), entry);
      const [found] = await store.get([responseKey(['a'])]);
      expect(found?.value).toEqual(entry.value);
      expect(found?.tags).toEqual(tags);
      expect(found?.stamp).toBe(entry.stamp);
      expect(found?.verifiedAt).toBe(entry.stamp);
      // An entry from elsewhere has grown older by the time that it was away, never younger.
      expect(found?.readAt).toBeLessThanOrEqual(entry.readAt);
      expect(found?.staleAt).toBeLessThanOrEqual(entry.staleAt);
      expect(found?.staleAt).toBeGreaterThan(entry.staleAt - 5_000);
      expect(found?.staleWhileRevalidateMs).toBe(500);
    });

    it('keeps an empty value and no tags', async () => {
      await set(responseKey(['a']), entryOf('', { tags: [] }));
      const [found] = await store.get([responseKey(['a'])]);
      expect(found?.value.byteLength).toBe(0);
      expect(found?.tags).toEqual([]);
    });

    it('keeps apart the ways in which one entity was asked for', async () => {
      await set(entityKey('user:1', ['a']), entryOf('A'));
      await set(entityKey('user:1', ['b']), entryOf('B'));
      await set(entityKey('user:2', ['a']), entryOf('A of 2'));
      const keys = [
        entityKey('user:1', ['a']), entityKey('user:1', ['b']), entityKey('user:2', ['a']),
      ];
      expect(await read(...keys)).toEqual(['A', 'B', 'A of 2']);
    });

    it('takes homes of any id: an emoji, white space, 1 kB', async () => {
      const plain = ['a b', '*', 'user:1', '{x}', 'gid://shop/User/1'];
      const ids = [...plain, '\u{1F600}', 'x'.repeat(1_000)];
      const keys = ids.map((id) => entityKey(entityTag('User', id), ['a']));
      for (const [index, key] of keys.entries()) await set(key, entryOf(`value ${index}`));
      expect(await read(...keys)).toEqual(ids.map((_, index) => `value ${index}`));
    });

    it('holds the last of several values', async () => {
      for (const value of ['1', '2', '3']) await store.set(responseKey(['a']), entryOf(value));
      await opened.settled();
      expect(await read(responseKey(['a']))).toEqual(['3']);
    });

    it('deletes one key and no other', async () => {
      const keys = [entityKey('user:1', ['a']), entityKey('user:1', ['b']), responseKey(['a'])];
      for (const key of keys) await set(key, entryOf('value'));
      await store.delete(keys[0] as CacheKey);
      await store.delete(responseKey(['none']));
      await opened.settled();
      expect(await read(...keys)).toEqual([undefined, 'value', 'value']);
      await store.delete(keys[2] as CacheKey);
      await opened.settled();
      expect(await read(...keys)).toEqual([undefined, 'value', undefined]);
    });

    it('gives back nothing past its deletion, alone or beside what lives on', async () => {
      const [short, long] = [entityKey('user:1', ['short']), entityKey('user:1', ['long'])];
      const plain = responseKey(['plain']);
      await set(long, entryOf('long', { ttlMs: 60_000 }));
      await set(short, entryOf('short', { ttlMs: 20, staleWhileRevalidateMs: 20 }));
      await set(plain, entryOf('plain', { ttlMs: 40 }));
      const gone = async (): Promise<boolean> => {
        opened.clock.advance(1);
        const [a, b] = await read(short, plain);
        return a === undefined && b === undefined;
      };
      await until(gone, { what: 'both are gone' });
      expect(await read(long)).toEqual(['long']);
    });

    it('holds what a plain map holds, whatever the order of changes', async () => {
      const random = seededRandom('store contract');
      const keys = ['a', 'b', 'c'].flatMap((name) => [
        responseKey([name]), entityKey('user:1', [name]), entityKey(`user:${name}`, []),
      ]);
      const model = new Map<string, string>();
      for (let step = 0; step < 300; step += 1) {
        const key = pick(random, keys);
        if (random() < 0.7) {
          const value = 'x'.repeat(integerBelow(random, 2_000)) + step;
          model.set(key.id, value);
          await store.set(key, entryOf(value, { stamp: place(step) }));
        } else {
          model.delete(key.id);
          await store.delete(key);
        }
        if (step % 20 !== 0) continue;
        await opened.settled();
        expect(await read(...keys)).toEqual(keys.map(({ id }) => model.get(id)));
      }
    });

    it('is empty and silent once it is closed', async () => {
      await set(responseKey(['a']), entryOf('A'));
      await store.close();
      await store.set(responseKey(['b']), entryOf('B'));
      await store.delete(responseKey(['b']));
      expect(await read(responseKey(['a']), responseKey(['b']))).toEqual([undefined, undefined]);
    });
  });
}
