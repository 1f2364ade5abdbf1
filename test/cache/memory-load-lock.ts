/** A lock of nodes in one process. */
import type { CacheKey } from '../../src/cache/key.ts';
import type { Lease, LoadLock } from '../../src/cache/load-lock.ts';
import type { Clock, Millis } from '../../src/invalidation/clock.ts';

export class MemoryLoadLock implements LoadLock {
  readonly #clock: Clock;
  readonly #endsAt = new Map<string, { readonly endAt: Millis }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async acquire(keys: readonly CacheKey[], leaseMs: Millis): Promise<readonly Lease[]> {
    return keys.map(({ id }): Lease => {
      if (this.#isHeld(id)) return { kind: 'taken' };
      const token = { endAt: this.#clock.now() + leaseMs };
      this.#endsAt.set(id, token);
      const release = (): void => {
        if (this.#endsAt.get(id) === token) this.#endsAt.delete(id);
      };
      return { kind: 'held', release };
    });
  }

  async held(keys: readonly CacheKey[]): Promise<readonly boolean[]> {
    return keys.map(({ id }) => this.#isHeld(id));
  }

  #isHeld(id: string): boolean {
    const token = this.#endsAt.get(id);
    return token !== undefined && this.#clock.now() < token.endAt;
  }
}
