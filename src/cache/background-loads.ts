/**
 * Loads off the path of any request. It promises that no more than `loadsMax` run at a time, that
 * further ones are not begun but counted, and that one that fails harms nobody.
 */
import assert from 'node:assert/strict';

export interface BackgroundLoadsStats {
  begun: number;
  /** Not begun: too many were under way. */
  dropped: number;
  failed: number;
}

export class BackgroundLoads {
  readonly stats: BackgroundLoadsStats = { begun: 0, dropped: 0, failed: 0 };
  readonly #loadsMax: number;
  #running = 0;

  /** `loadsMax`: default 100. */
  constructor(loadsMax = 100) {
    assert(loadsMax >= 0, 'a limit on loads is none below 0');
    this.#loadsMax = loadsMax;
  }

  get running(): number {
    return this.#running;
  }

  /** Begins `load` at once; what is returned resolves when it has ended, in whatever way. */
  begin(load: () => Promise<void>): Promise<void> | undefined {
    if (this.#running >= this.#loadsMax) {
      this.stats.dropped += 1;
      return undefined;
    }
    this.stats.begun += 1;
    this.#running += 1;
    return this.#run(load);
  }

  async #run(load: () => Promise<void>): Promise<void> {
    try {
      await load();
    } catch {
      this.stats.failed += 1;
    } finally {
      this.#running -= 1;
    }
  }
}
