/**
 * The schema in use, which changes while requests are under way. A request takes `current()` once,
 * at its beginning, and ends on what it took; a version that cannot be built is reported, and the
 * one before it stays.
 */
import type { OnFailure, Supergraph, SupergraphSource } from './supergraph.ts';

export interface LiveSchemaOptions<Built> {
  readonly source: SupergraphSource;
  /** Makes of a supergraph what requests need: schema, policy, caches of plans. */
  readonly build: (supergraph: Supergraph) => Built | Promise<Built>;
  /** Told after a swap. */
  readonly onSwap?: (current: Built, previous: Built) => void;
  /** Told of a new version that cannot be read, composed or built. */
  readonly onFailure?: OnFailure;
  readonly signal?: AbortSignal;
}

export class LiveSchema<Built> {
  readonly #options: LiveSchemaOptions<Built>;
  readonly #stop: () => void;
  #current: Built;
  /** Versions are built one after the other: the last to arrive is the last to be taken. */
  #building: Promise<void> = Promise.resolve();
  #stopped = false;

  /**
   * Loads and builds the first version, then follows the source.
   *
   * @throws what the source and `build` throw.
   */
  static async open<Built>(options: LiveSchemaOptions<Built>): Promise<LiveSchema<Built>> {
    const { source, build, signal } = options;
    return new LiveSchema(options, await build(await source.load(signal)));
  }

  private constructor(options: LiveSchemaOptions<Built>, first: Built) {
    this.#options = options;
    this.#current = first;
    this.#stop = options.source.watch(
      (supergraph) => {
        this.#building = this.#building.then(() => this.#take(supergraph));
      },
      (error) => options.onFailure?.(error),
    );
  }

  current(): Built {
    return this.#current;
  }

  /** Follows the source no longer; `current()` stays. */
  stop(): void {
    this.#stopped = true;
    this.#stop();
  }

  async #take(supergraph: Supergraph): Promise<void> {
    if (this.#stopped) return;
    const { build, onSwap, onFailure } = this.#options;
    try {
      const built = await build(supergraph);
      if (this.#stopped) return;
      const previous = this.#current;
      this.#current = built;
      onSwap?.(built, previous);
    } catch (error) {
      onFailure?.(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
