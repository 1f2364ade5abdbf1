/** What every lock on loads promises. */
import { beforeEach, describe, expect, it } from 'vitest';
import { entityKey, responseKey, type CacheKey } from '../../src/cache/key.ts';
import type { Lease, LoadLock } from '../../src/cache/load-lock.ts';
import { until } from '../support/until.ts';

export interface OpenLoadLock {
  /** As two nodes see the same lock. */
  readonly here: LoadLock;
  readonly there: LoadLock;
  /** Lets time pass where it does not by itself. */
  tick(): void;
  end(): Promise<void>;
}

const key = responseKey(['a']);
const LONG_MS = 60_000;

export function describeLoadLock(name: string, open: () => Promise<OpenLoadLock>): void {
  describe(`a lock on loads in ${name}`, () => {
    let opened: OpenLoadLock;

    beforeEach(async () => {
      opened = await open();
      return () => opened.end();
    });

    const acquire = async (by: LoadLock, leaseMs: number, one: CacheKey = key): Promise<Lease> =>
      (await by.acquire([one], leaseMs))[0] as Lease;
    const release = (lease: Lease): void => {
      if (lease.kind === 'held') lease.release();
    };
    const isFree = async (): Promise<boolean> => {
      opened.tick();
      return (await opened.there.held([key]))[0] === false;
    };

    it('is held by one at a time, of however many who ask at once', async () => {
      const { here, there } = opened;
      const all = await Promise.all(
        [here, there, here, there].map((one) => acquire(one, LONG_MS)));
      expect(all.map(({ kind }) => kind).sort()).toEqual(['held', 'taken', 'taken', 'taken']);
      expect(await there.held([key])).toEqual([true]);
      expect(await here.held([key])).toEqual([true]);
    });

    it('is free once its owner has released it', async () => {
      const lease = await acquire(opened.here, LONG_MS);
      release(lease);
      await until(isFree, { what: 'the lock is free' });
      expect((await acquire(opened.there, LONG_MS)).kind).toBe('held');
    });

    it('is free once the lease of an owner who died is over', async () => {
      await acquire(opened.here, 30);
      await until(isFree, { what: 'the lease is over' });
      expect((await acquire(opened.there, LONG_MS)).kind).toBe('held');
    });

    it('is not released by who held it before', async () => {
      const old = await acquire(opened.here, 30);
      await until(isFree, { what: 'the lease is over' });
      const current = await acquire(opened.there, LONG_MS);
      release(old);
      release(old);
      // Asked by the same node, so that it comes after what was sent before.
      expect(await opened.here.held([key])).toEqual([true]);
      release(current);
      await until(isFree, { what: 'the lock is free' });
    });

    it('is one for each key, told in order', async () => {
      const keys = ['a', 'b', 'c'].map((way) => entityKey('user:1', [way]));
      await acquire(opened.there, LONG_MS, keys[1]);
      const leases = await opened.here.acquire(keys, LONG_MS);
      expect(leases.map(({ kind }) => kind)).toEqual(['held', 'taken', 'held']);
      expect(await opened.there.held([...keys, responseKey(['d'])]))
        .toEqual([true, true, true, false]);
      expect(await opened.here.acquire([], LONG_MS)).toEqual([]);
    });
  });
}
