/**
 * Keeps a number of workers running. The first one starts alone: what is wrong with the
 * configuration is said once, and ends the start. From then on a worker that ends is replaced, at
 * once if it had been running for a while, else after a pause that grows.
 */
import assert from 'node:assert/strict';
import { pause, type Clock, type Millis, type Random } from '../../invalidation/clock.ts';
import { backoffMs } from '../../invalidation/redis.ts';

/** A process, from the moment when it was started. */
export interface PooledWorker {
  /** Resolves when it is listening, to what it says of that; to undefined when it ends before. */
  readonly ready: Promise<unknown>;
  /** Resolves when it has ended, to its exit code; a signal counts as 1. */
  readonly ended: Promise<number>;
  /** Asks it to drain and end. */
  end(): void;
}

export interface WorkerPoolOptions {
  readonly size: number;
  /** For that place, from 1 to `size`: no two of one place run at the same time. */
  readonly start: (place: number) => PooledWorker;
  readonly clock: Clock;
  readonly random: Random;
  readonly onReplaced: (exitCode: number) => void;
}

export type Started =
  | { readonly kind: 'ready'; readonly said: unknown }
  | { readonly kind: 'failed'; readonly exitCode: number };

/** A worker that ran for so long did not end because of what it was started with. */
const SETTLED_MS: Millis = 10_000;
const RESTART_CAP_MS: Millis = 10_000;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<PooledWorker>();
  readonly #stop = new AbortController();
  #places: readonly Promise<void>[] = [];

  constructor(options: WorkerPoolOptions) {
    assert(options.size >= 1, 'a pool has a worker');
    this.#options = options;
  }

  /** How many processes there are. */
  get size(): number {
    return this.#workers.size;
  }

  /** Resolves when the first worker is ready, or has failed; then nothing is left running. */
  async open(): Promise<Started> {
    const first = this.#begin(1);
    const said = await Promise.race([first.ready, first.ended.then(() => undefined)]);
    if (said === undefined) return { kind: 'failed', exitCode: await first.ended };
    const others = Array.from({ length: this.#options.size - 1 }, () => undefined);
    this.#places = [first, ...others].map((worker, at) => this.#keep(at + 1, worker));
    return { kind: 'ready', said };
  }

  /** Lets every worker drain; resolves when all have ended. */
  async close(): Promise<void> {
    this.#stop.abort();
    for (const worker of this.#workers) worker.end();
    await Promise.all([...this.#places, ...[...this.#workers].map(({ ended }) => ended)]);
  }

  #begin(place: number): PooledWorker {
    const worker = this.#options.start(place);
    this.#workers.add(worker);
    void worker.ended.then(() => this.#workers.delete(worker));
    return worker;
  }

  /** One place in the pool, and whoever fills it. */
  async #keep(place: number, first: PooledWorker | undefined): Promise<void> {
    const { clock, random, onReplaced } = this.#options;
    const { signal } = this.#stop;
    let worker = first;
    for (let failures = 0; !signal.aborted;) {
      const startedAt = clock.now();
      worker ??= this.#begin(place);
      const exitCode = await worker.ended;
      worker = undefined;
      if (signal.aborted) return;
      onReplaced(exitCode);
      failures = clock.now() - startedAt >= SETTLED_MS ? 0 : failures + 1;
      if (failures > 0) {
        await pause(clock, backoffMs(failures, random, RESTART_CAP_MS), signal);
      }
    }
  }
}
