/**
 * What a service can show of its invalidations to Prometheus, without a metrics library: the names
 * are those of the gateway, so that one dashboard shows both.
 */
import {
  latencySamples, metricsText, type MetricFamily, type MetricSample,
} from './metric.ts';
import type { StatsSnapshot } from './stats.ts';

export interface ServiceMetricsSource {
  /** The value of the label `service`: as in `source_service` of its messages. */
  readonly service: string;
  /** `publisher.stats`. Default: it publishes nothing. */
  readonly publisher?: StatsSnapshot;
  /** `subscriber.stats`. Default: it hears nothing. */
  readonly subscriber?: StatsSnapshot;
}

/** The content type of what `serviceMetrics` returns. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * The metrics `cache_invalidation_*` as text, to be answered to `GET /metrics`, alone or after what
 * another library renders.
 */
export function serviceMetrics({ service, publisher, subscriber }: ServiceMetricsSource): string {
  const labels = { service };
  return metricsText([
    ...(publisher === undefined ? [] : publishing(publisher, labels)),
    ...(subscriber === undefined ? [] : hearing(subscriber, labels)),
  ]);
}

type Labels = MetricSample['labels'];

export const INVALIDATION_HELP = {
  cache_invalidation_published_total:
    'Invalidations of this process that the log had confirmed at the first attempt.',
  cache_invalidation_publish_latency_seconds:
    'From the call to the confirmation of the log, of those published.',
  cache_invalidation_publish_errors_total:
    'Invalidations that the log did not confirm in time; they are kept, and appended later.',
  cache_invalidation_received_total: 'Invalidations that this process has received.',
  cache_invalidation_processing_latency_seconds:
    'What the process then did with them took so long, of what did not fail.',
  cache_invalidation_processing_errors_total:
    'Invalidations that could not be read, and callbacks that failed.',
} as const;

type InvalidationName = keyof typeof INVALIDATION_HELP;

function publishing(stats: StatsSnapshot, labels: Labels): readonly MetricFamily[] {
  return [
    counter('cache_invalidation_published_total', [{ labels, value: stats.published }]),
    {
      ...described('cache_invalidation_publish_latency_seconds', 'histogram'),
      samples: latencySamples(stats.publishLatency, labels),
    },
    counter('cache_invalidation_publish_errors_total', [{ labels, value: stats.kept }]),
  ];
}

function hearing(stats: StatsSnapshot, labels: Labels): readonly MetricFamily[] {
  const value = stats.errors + stats.rejected;
  return [
    counter('cache_invalidation_received_total', [{ labels, value: stats.received }]),
    {
      ...described('cache_invalidation_processing_latency_seconds', 'histogram'),
      samples: latencySamples(stats.callbackLatency, labels),
    },
    counter('cache_invalidation_processing_errors_total', [{ labels, value }]),
  ];
}

function counter(name: InvalidationName, samples: readonly MetricSample[]): MetricFamily {
  return { ...described(name, 'counter'), samples };
}

function described<Kind extends MetricFamily['kind']>(name: InvalidationName, kind: Kind) {
  return { name, kind, help: INVALIDATION_HELP[name] };
}
