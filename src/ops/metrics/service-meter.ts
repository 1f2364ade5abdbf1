/**
 * Counts the records of the log by the service that they come from, and how long after it was in
 * the log each was applied. What a message says of its
 * source, anybody may write: so the names are bounded in number and in length.
 */
import assert from 'node:assert/strict';
import type { Clock } from '../../invalidation/clock.ts';
import { Histogram } from '../../invalidation/histogram.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import { latencySamples, type MetricSample } from '../../invalidation/metric.ts';
import { loggedMsOf } from '../../invalidation/position.ts';

/** Beyond these they are counted as `other`. */
const SERVICES_MAX = 50;
const NAME_LENGTH_MAX = 100;
const OTHER = 'other';

export class ServiceMeter {
  readonly #received = new Map<string, Histogram>();
  readonly #clock: Pick<Clock, 'wall'>;

  constructor(clock: Pick<Clock, 'wall'>) {
    this.#clock = clock;
  }

  /** Records that have just been applied. */
  heard(records: readonly LogRecord[]): void {
    const now = this.#clock.wall();
    for (const { message, position } of records) {
      const service = this.#labelOf(message.source_service);
      const delays = this.#received.get(service) ?? new Histogram();
      // By two clocks, that of the log and our own: it is shown, and nothing rests on it.
      delays.record(now - loggedMsOf(position));
      this.#received.set(service, delays);
    }
    assert(this.#received.size <= SERVICES_MAX + 1, 'services are bounded');
  }

  get received(): readonly MetricSample[] {
    return [...this.#received].map(([service, { count }]) => ({
      labels: { service }, value: count,
    }));
  }

  get delays(): readonly MetricSample[] {
    return [...this.#received].flatMap(([service, delays]) =>
      latencySamples(delays.latency(), { service }));
  }

  #labelOf(service: string): string {
    if (this.#received.has(service)) return service;
    const isNew = this.#received.size < SERVICES_MAX && service.length <= NAME_LENGTH_MAX;
    return isNew ? service : OTHER;
  }
}
