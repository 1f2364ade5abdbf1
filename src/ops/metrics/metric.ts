/** What a metric of a node is: what it is called, what it tells, and where it is read. */
import type { GatewayStatus } from '../../gateway/gateway.ts';
import type { MetricKind, MetricSample } from '../../invalidation/metric.ts';
import type { AuditorStats } from '../audit/auditor.ts';
import type { Lag } from './lag.ts';
import type { RedisMeter } from './redis-meter.ts';
import type { RequestMeter } from './request-meter.ts';
import type { ServiceMeter } from './service-meter.ts';
import type { SubgraphMeter } from './subgraph-meter.ts';

/** All that metrics are read from, at one moment. */
export interface Seen {
  readonly status: GatewayStatus;
  readonly requests: RequestMeter;
  readonly services: ServiceMeter;
  readonly subgraphs: SubgraphMeter;
  readonly redis: RedisMeter;
  /** Undefined where Redis does not say. */
  readonly lag: Lag | undefined;
  /** Undefined where there is no audit in this process. */
  readonly audit: SeenAudit | undefined;
}

export interface SeenAudit {
  readonly stats: AuditorStats;
  /** Undefined where another process writes, or Redis does not say. */
  readonly lag: Lag | undefined;
}

export interface Metric {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  /** All that it has. Their values are of lists that are closed, or bounded. */
  readonly labels: readonly string[];
  /**
   * What several workers of one node make together: gauges where they are told, others, of which
   * each worker has series of its own, where they are asked for. `max` where each does the same.
   */
  readonly across: 'sum' | 'min' | 'max';
  read(seen: Seen): readonly MetricSample[];
}

type Known = number | undefined;

/** What only grows, and each worker has a part of. */
export function counter(name: string, help: string, read: (seen: Seen) => Known): Metric {
  return { ...counterOfAll(name, help, read), across: 'sum' };
}

/** What only grows, and each worker counts the whole of. */
export function counterOfAll(name: string, help: string, read: (seen: Seen) => Known): Metric {
  const kind = 'counter';
  return { name, kind, help, labels: [], across: 'max', read: (seen) => one(read(seen)) };
}

export function gauge(
  name: string,
  { help, across }: Pick<Metric, 'help' | 'across'>,
  read: (seen: Seen) => Known,
): Metric {
  return { name, kind: 'gauge', help, labels: [], across, read: (seen) => one(read(seen)) };
}

/** One sample for each member, told apart by `label`. */
export function each(
  label: string,
  values: Readonly<Record<string, number>>,
): readonly MetricSample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function one(value: Known): readonly MetricSample[] {
  return value === undefined ? [] : [{ labels: {}, value }];
}
