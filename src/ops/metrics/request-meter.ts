/**
 * Counts requests by outcome, and how long they took, as the gateway tells of them. It runs within
 * each request, for which a metrics library would take longer than the answer from memory does: so
 * it is a few numbers in arrays, and what Prometheus wants is made of them when it asks.
 */
import {
  REQUEST_OUTCOMES, requestAnswered, type RequestAnswered, type RequestOutcome,
} from '../../gateway/diagnostics.ts';
import type { Millis } from '../../invalidation/clock.ts';
import { histogramSamples, type MetricSample } from '../../invalidation/metric.ts';

/** From a hit in memory to what most clients give up before. */
const BOUNDS_MS: readonly Millis[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
];

export class RequestMeter {
  readonly #durations = new Map(REQUEST_OUTCOMES.map((outcome) => [outcome, new Durations()]));
  #callsSaved = 0;

  start(): void {
    requestAnswered.subscribe(this.#count as (event: unknown) => void);
  }

  close(): void {
    requestAnswered.unsubscribe(this.#count as (event: unknown) => void);
  }

  get requests(): readonly MetricSample[] {
    return this.#each((labels, { count }) => [{ labels, value: count }]);
  }

  get durations(): readonly MetricSample[] {
    return this.#each((labels, durations) => durations.samples(labels));
  }

  get callsSaved(): number {
    return this.#callsSaved;
  }

  readonly #count = ({ outcome, durationMs, subgraphCallsSaved }: RequestAnswered): void => {
    this.#durations.get(outcome)?.record(durationMs);
    this.#callsSaved += subgraphCallsSaved;
  };

  #each(
    of: (labels: { outcome: RequestOutcome }, durations: Durations) => readonly MetricSample[],
  ): readonly MetricSample[] {
    return [...this.#durations].flatMap(([outcome, durations]) => of({ outcome }, durations));
  }
}

class Durations {
  readonly #buckets = new Float64Array(BOUNDS_MS.length + 1);
  #count = 0;
  #sumMs: Millis = 0;

  get count(): number {
    return this.#count;
  }

  record(durationMs: Millis): void {
    let at = 0;
    while (durationMs > (BOUNDS_MS[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.#buckets[at] = (this.#buckets[at] ?? 0) + 1;
    this.#count += 1;
    this.#sumMs += durationMs;
  }

  samples(labels: MetricSample['labels']): readonly MetricSample[] {
    let sum = 0;
    const within = BOUNDS_MS.map((_, at) => (sum += this.#buckets[at] ?? 0));
    return histogramSamples({
      boundsSeconds: BOUNDS_MS.map((ms) => ms / 1_000),
      within,
      count: this.#count,
      sumSeconds: this.#sumMs / 1_000,
    }, labels);
  }
}
