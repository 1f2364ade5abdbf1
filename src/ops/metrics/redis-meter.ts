/** Counts how long reads of the cache wait for Redis, as the cache tells of them. */
import { redisWaited } from '../../cache/diagnostics.ts';
import { Histogram } from '../../invalidation/histogram.ts';
import { latencySamples, type MetricSample } from '../../invalidation/metric.ts';

export class RedisMeter {
  readonly #waits = new Histogram();

  start(): void {
    redisWaited.subscribe(this.#count as (event: unknown) => void);
  }

  close(): void {
    redisWaited.unsubscribe(this.#count as (event: unknown) => void);
  }

  get waits(): readonly MetricSample[] {
    return latencySamples(this.#waits.latency(), {});
  }

  readonly #count = (waitMs: number): void => this.#waits.record(waitMs);
}
