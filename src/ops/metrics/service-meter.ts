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
    let [last, loggedMs] = ['', 0];
    for (const { message, position, batchEnd = position } of records) {
      // Those of a batch were taken by the log in one millisecond.
      if (batchEnd !== last) [last, loggedMs] = [batchEnd, loggedMsOf(batchEnd)];
      // By two clocks, that of the log and our own: it is shown, and nothing rests on it.
      this.#delaysOf(message.source_service).record(now - loggedMs);
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

  #delaysOf(service: string): Histogram {
    const known = this.#received.get(service);
    if (known !== undefined) return known;
    const isNew = this.#received.size < SERVICES_MAX && service.length <= NAME_LENGTH_MAX;
    const label = isNew ? service : OTHER;
    const delays = this.#received.get(label) ?? new Histogram();
    this.#received.set(label, delays);
    return delays;
  }
}
