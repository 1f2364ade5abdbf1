/**
 * The metrics of a machine: each process reads its own when it is asked, and the one that is asked
 * by Prometheus puts them together. Nothing is kept ready, so nobody who does not look pays for it.
 *
 * What only grows is told of each worker by itself: where one is replaced, or late, its own series
 * begins anew, or pauses, which Prometheus allows for. A sum of all would seem to fall and rise.
 */
import {
  AggregatorRegistry, collectDefaultMetrics, Registry, type RegistryContentType,
} from 'prom-client';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { GatewayStatus } from '../../gateway/gateway.ts';
import type { Clock, Random } from '../../invalidation/clock.ts';
import type { Log, LogRecord } from '../../invalidation/log.ts';
import { parsePosition } from '../../invalidation/position.ts';
import type { Audit } from '../audit/audit.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import { METRICS } from './catalogue.ts';
import { lagReader, type LagReader } from './lag.ts';
import type { Metric, Seen } from './metric.ts';
import { RedisMeter } from './redis-meter.ts';
import { RequestMeter } from './request-meter.ts';
import { ServiceMeter } from './service-meter.ts';
import { SubgraphMeter } from './subgraph-meter.ts';

export interface MetricsOptions {
  readonly config: Pick<FreshetConfig, 'redis' | 'log'>;
  readonly clock: Clock;
  readonly random: Random;
  /** The one in this process, where there is one. */
  readonly invalidationLog?: Log | undefined;
  /** Undefined while the gateway starts. */
  readonly status: () => GatewayStatus | undefined;
  readonly audit?: Pick<Audit, 'stats'> | undefined;
  readonly colleagues?: Colleagues | undefined;
}

/** As prom-client has processes tell each other. */
type Told = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

const SUBJECT = 'metrics';

export class Metrics {
  readonly #options: MetricsOptions;
  readonly #requests = new RequestMeter();
  readonly #services: ServiceMeter;
  readonly #subgraphs = new SubgraphMeter();
  readonly #redis = new RedisMeter();
  readonly #lags: LagReader;

  constructor(options: MetricsOptions) {
    const { config, clock, random, colleagues, invalidationLog } = options;
    this.#options = options;
    this.#services = new ServiceMeter(clock);
    this.#lags = lagReader(config, { clock, random, isLogOwn: invalidationLog !== undefined });
    colleagues?.tell(SUBJECT, () => this.#own());
  }

  /** Counts what happens from now on. */
  start(): void {
    for (const meter of [this.#requests, this.#subgraphs, this.#redis]) meter.start();
  }

  /** To be told of records once they are applied. */
  heard(records: readonly LogRecord[]): void {
    this.#services.heard(records);
  }

  /** In the text format of Prometheus, or in OpenMetrics, of all processes that answer in time. */
  async text(type: RegistryContentType): Promise<string> {
    const [own, others = []] = await Promise.all([
      this.#own(), this.#options.colleagues?.ask(SUBJECT),
    ]);
    const told = [own, ...others as readonly Told[]];
    const isOpen = type === Registry.OPENMETRICS_CONTENT_TYPE;
    const named = isOpen ? told.map((one) => one.map(withoutTotal)) : told;
    const all: Registry<RegistryContentType> = AggregatorRegistry.aggregate(named);
    all.setContentType(type);
    return all.metrics();
  }

  close(): void {
    for (const one of [this.#requests, this.#subgraphs, this.#redis, this.#lags]) one.close();
  }

  async #own(): Promise<Told> {
    const status = this.#options.status();
    const seen = status && await this.#seen(status);
    const figures = seen === undefined ? [] : METRICS.map((metric) => figuresOf(metric, seen));
    const told = [
      ...figures, ...await processRegistry().getMetricsAsJSON(),
    ] as unknown as Told;
    const place = this.#options.colleagues?.place;
    return place === undefined ? told : told.map((metric) => ofWorker(metric, place));
  }

  async #seen(status: GatewayStatus): Promise<Seen> {
    const { audit } = this.#options;
    const stats = audit?.stats;
    const at = stats?.position;
    const position = parsePosition(status.position);
    const [lag, auditLag] = await Promise.all([
      position && this.#lags.lagOf(position), at && this.#lags.lagOf(at),
    ]);
    return {
      status, lag,
      requests: this.#requests,
      services: this.#services,
      subgraphs: this.#subgraphs,
      redis: this.#redis,
      audit: stats && { stats, lag: auditLag },
    };
  }
}

/** As prom-client has a metric in JSON. */
function figuresOf(metric: Metric, seen: Seen) {
  const { name, kind, help, across } = metric;
  const values = metric.read(seen).map(({ suffix, labels, value }) => ({
    value, labels, ...(suffix !== undefined && { metricName: name + suffix }),
  }));
  return { name, help, type: kind, aggregator: across, values };
}

function ofWorker(metric: Told[number], place: number): Told[number] {
  if (String(metric.type) === 'gauge') return metric;
  const worker = String(place);
  const values = metric.values.map((one) => ({ ...one, labels: { ...one.labels, worker } }));
  return { ...metric, values };
}

/** OpenMetrics names a counter without what its series end with, which prom-client then adds. */
function withoutTotal(metric: Told[number]): Told[number] {
  const isCounter = String(metric.type) === 'counter';
  return isCounter ? { ...metric, name: metric.name.replace(/_total$/, '') } : metric;
}

let registry: Registry | undefined;

/** Of Node.js: event loop, memory, garbage collection. There is one process, so there is one. */
function processRegistry(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
  }
  return registry;
}

/** The names of what is told besides the catalogue. */
export function processMetricNames(): readonly string[] {
  return processRegistry().getMetricsAsArray().map(({ name }: { name: string }) => name);
}
