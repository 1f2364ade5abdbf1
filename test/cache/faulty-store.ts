/** Stores that go wrong in one way each, around one that does not. */
import type { CacheKey } from '../../src/cache/key.ts';
import type { Entry } from '../../src/cache/entry.ts';
import type { Awaitable, Store } from '../../src/cache/store.ts';

/** Passes everything on. What goes wrong is what a subclass overrides. */
export class StoreAround implements Store {
  readonly #inner: Store;

  constructor(inner: Store) {
    this.#inner = inner;
  }

  get(keys: readonly CacheKey[]): Awaitable<readonly (Entry | undefined)[]> {
    return this.#inner.get(keys);
  }

  set(key: CacheKey, entry: Entry): Awaitable<void> {
    return this.#inner.set(key, entry);
  }

  delete(key: CacheKey): Awaitable<void> {
    return this.#inner.delete(key);
  }

  settled(): Awaitable<void> {
    return this.#inner.settled();
  }

  close(): Awaitable<void> {
    return this.#inner.close();
  }
}

/** Counts what it is asked. */
export class CountingStore extends StoreAround {
  reads = 0;
  keysRead = 0;
  writes = 0;

  override get(keys: readonly CacheKey[]): Awaitable<readonly (Entry | undefined)[]> {
    this.reads += 1;
    this.keysRead += keys.length;
    return super.get(keys);
  }

  override set(key: CacheKey, entry: Entry): Awaitable<void> {
    this.writes += 1;
    return super.set(key, entry);
  }
}

/** Breaks the promise of a store: it rejects, or throws. */
export class BrokenStore extends StoreAround {
  readonly #how: 'rejects' | 'throws';

  constructor(inner: Store, how: 'rejects' | 'throws') {
    super(inner);
    this.#how = how;
  }

  override get(): Awaitable<readonly (Entry | undefined)[]> {
    return this.#fail();
  }

  override set(): Awaitable<void> {
    return this.#fail();
  }

  #fail(): Promise<never> {
    const error = new Error('the store is broken');
    if (this.#how === 'throws') throw error;
    return Promise.reject(error);
  }
}

/** Answers a read only when the test lets it. */
export class HeldStore extends StoreAround {
  readonly #waiting: (() => void)[] = [];

  get held(): number {
    return this.#waiting.length;
  }

  override async get(keys: readonly CacheKey[]): Promise<readonly (Entry | undefined)[]> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return super.get(keys);
  }

  letGo(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
