/**
 * Figures in the data model of Prometheus (its documentation, "Metric types"), as plain objects:
 * whoever has a metrics library hands them on, and who has none writes them as text.
 */
import assert from 'node:assert/strict';
import { LATENCY_BOUNDS_MS, type Latency } from './histogram.ts';

export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricFamily {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  /** Of a histogram: which of its series. Default none. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Labels = MetricSample['labels'];

export interface BucketCounts {
  /** In ascending order, without the last one, which is infinite. */
  readonly boundsSeconds: readonly number[];
  /** For each bound, how many were not above it. */
  readonly within: readonly number[];
  readonly count: number;
  readonly sumSeconds: number;
}

export function histogramSamples(counts: BucketCounts, labels: Labels): readonly MetricSample[] {
  const { boundsSeconds, within, count, sumSeconds } = counts;
  assert(boundsSeconds.length === within.length, 'each bound has its count');
  const bucket = (le: string, value: number): MetricSample =>
    ({ suffix: '_bucket', labels: { le, ...labels }, value });
  return [
    ...boundsSeconds.map((bound, at) => bucket(String(bound), within[at] ?? 0)),
    bucket('+Inf', count),
    { suffix: '_sum', labels, value: sumSeconds },
    { suffix: '_count', labels, value: count },
  ];
}

export function latencySamples(
  { count, sumMs, within }: Latency,
  labels: Labels,
): readonly MetricSample[] {
  const boundsSeconds = LATENCY_BOUNDS_MS.map((ms) => ms / 1_000);
  return histogramSamples({ boundsSeconds, within, count, sumSeconds: sumMs / 1_000 }, labels);
}

/** In the text format of Prometheus, version 0.0.4. */
export function metricsText(families: readonly MetricFamily[]): string {
  return families.map(({ name, kind, help, samples }) => [
    `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`,
    `# TYPE ${name} ${kind}\n`,
    ...samples.map(({ suffix = '', labels, value }) =>
      `${name}${suffix}${labelsText(labels)} ${value}\n`),
  ].join('')).join('');
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
