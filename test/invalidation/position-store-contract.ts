/** What every `PositionStore` promises. */
import { afterEach, expect, it } from 'vitest';
import type { PositionStore } from '../../src/invalidation/position-store.ts';
import { positionOf } from '../../src/invalidation/position.ts';

/** `makeStore` opens one and the same store each time that it is called in a test. */
export function positionStoreContract(makeStore: () => PositionStore): void {
  const opened: PositionStore[] = [];
  const open = (): PositionStore => {
    const store = makeStore();
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  it('holds nothing at first', async () => {
    expect(await open().load()).toBeUndefined();
  });

  it('gives the position that was saved last, also when it is opened again', async () => {
    const store = open();
    await store.save(positionOf(1_772_366_400_000, 5));
    expect(await store.load()).toBe(positionOf(1_772_366_400_000, 5));
    await store.save(positionOf(1_772_366_400_000, 12));
    await store.close();
    expect(await open().load()).toBe(positionOf(1_772_366_400_000, 12));
  });

  it('goes back where it is told to', async () => {
    const store = open();
    await store.save(positionOf(7, 0));
    await store.save(positionOf(3, 0));
    expect(await store.load()).toBe(positionOf(3, 0));
  });

  it('holds the last of many that were saved at once', async () => {
    const store = open();
    await Promise.all(Array.from({ length: 20 }, (_, at) => store.save(positionOf(1, at))));
    expect(await store.load()).toBe(positionOf(1, 19));
  });
}
