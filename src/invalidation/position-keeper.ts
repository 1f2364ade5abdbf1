/**
 * Keeps a subscriber's position in its store: now and then, and at the end. It promises: one save
 * at a time, nobody waits for it, and one that fails is counted and made up for by the next.
 */
import { pause, type Clock, type Millis, type Random } from './clock.ts';
import type { PositionStore } from './position-store.ts';
import type { Position } from './position.ts';
import { backoffMs } from './redis.ts';

export interface PositionKeeperOptions {
  readonly store: PositionStore | undefined;
  readonly everyMs: Millis;
  readonly clock: Clock;
  readonly random: Random;
  readonly onError: () => void;
}

export class PositionKeeper {
  readonly #options: PositionKeeperOptions;
  #saved: Position | undefined;
  #savedAt: Millis | undefined;
  #saving: Promise<void> | undefined;

  constructor(options: PositionKeeperOptions) {
    this.#options = options;
  }

  /** Tries until it is read: without it nobody knows what was missed. */
  async load(signal: AbortSignal): Promise<Position | undefined> {
    const { store, clock, random, onError } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        return await store?.load();
      } catch {
        onError();
      }
      await pause(clock, backoffMs(failures, random), signal);
    }
    return undefined;
  }

  /** Begins to save, where it is time to. */
  keep(position: Position): void {
    const { everyMs, clock } = this.#options;
    if (this.#saving !== undefined || position === this.#saved) return;
    const now = clock.now();
    if (this.#savedAt !== undefined && now - this.#savedAt < everyMs) return;
    this.#savedAt = now;
    this.#saving = this.#save(position);
  }

  /** Saves it now. */
  async flush(position: Position): Promise<void> {
    await this.#saving;
    if (position !== this.#saved) await this.#save(position);
  }

  async #save(position: Position): Promise<void> {
    const { store, onError } = this.#options;
    try {
      await store?.save(position);
      this.#saved = position;
    } catch {
      onError();
    }
    this.#saving = undefined;
  }
}
