/**
 * Every metric of a node, besides those of Node.js. No label is ever a key, a tag, a caller or a
 * text of theirs: the list of series is as long on the last day as on the first.
 */
import { latencySamples } from '../../invalidation/metric.ts';
import { parsePosition, loggedMsOf, ORIGIN } from '../../invalidation/position.ts';
import { INVALIDATION_HELP } from '../../invalidation/service-metrics.ts';
import { counter, counterOfAll, each, gauge, type Metric } from './metric.ts';

/** What the node itself publishes and processes. */
const SELF = { service: 'freshet' };
/** What could not be read names no service. */
const UNREADABLE = { service: 'unknown' };

/** Each worker publishes what it was asked for, and receives and processes all that there is. */
const INVALIDATION: readonly Metric[] = [
  {
    ...invalidation('cache_invalidation_published_total', 'counter'),
    read: ({ status }) => [{ labels: SELF, value: status.invalidation.published }],
  },
  {
    ...invalidation('cache_invalidation_publish_latency_seconds', 'histogram'),
    read: ({ status }) => latencySamples(status.invalidation.publishLatency, SELF),
  },
  {
    ...invalidation('cache_invalidation_publish_errors_total', 'counter'),
    read: ({ status }) => [{ labels: SELF, value: status.invalidation.kept }],
  },
  {
    ...invalidation('cache_invalidation_received_total', 'counter'), across: 'max',
    read: ({ services }) => services.received,
  },
  {
    ...invalidation('cache_invalidation_processing_latency_seconds', 'histogram'),
    across: 'max',
    // A service tells how long its callback took; here is nothing but to apply it.
    help: 'From when the log had an invalidation until this process had applied it, by two clocks.',
    read: ({ services }) => services.delays,
  },
  {
    ...invalidation('cache_invalidation_processing_errors_total', 'counter'), across: 'max',
    read: ({ status: { invalidation: { errors, rejected } } }) => [
      { labels: SELF, value: errors }, { labels: UNREADABLE, value: rejected },
    ],
  },
];

const REQUESTS: readonly Metric[] = [
  {
    name: 'freshet_requests_total', kind: 'counter', labels: ['outcome'], across: 'sum',
    help: 'GraphQL operations that were answered, by how.',
    read: ({ requests }) => requests.requests,
  },
  {
    name: 'freshet_request_duration_seconds', kind: 'histogram', labels: ['outcome'],
    across: 'sum',
    help: 'From when a request had been read to when its answer was there.',
    read: ({ requests }) => requests.durations,
  },
  {
    name: 'freshet_subgraph_calls_total', kind: 'counter', labels: ['subgraph'], across: 'sum',
    help: 'HTTP exchanges with subgraphs.',
    read: ({ subgraphs }) => subgraphs.made,
  },
  {
    name: 'freshet_subgraph_errors_total', kind: 'counter', labels: ['subgraph'], across: 'sum',
    help: 'Of them, those without an answer that could be read.',
    read: ({ subgraphs }) => subgraphs.failed,
  },
  counter('freshet_subgraph_calls_saved_total',
    'Fetches that answers from the cache did without: as many as the last miss of each needed.',
    ({ requests }) => requests.callsSaved),
];

const CACHE: readonly Metric[] = [
  {
    name: 'freshet_entries', kind: 'gauge', labels: ['tier'], across: 'sum',
    help: 'What is held: entries in memory (l1), requests that are recognised (ready).',
    read: ({ status: { l1, hitPath } }) =>
      each('tier', { l1: l1.entries, ready: hitPath.requests }),
  },
  {
    name: 'freshet_entry_bytes', kind: 'gauge', labels: ['tier'], across: 'sum',
    help: 'What that weighs, as reckoned.',
    read: ({ status: { l1, hitPath } }) => each('tier', { l1: l1.bytes, ready: hitPath.bytes }),
  },
  {
    name: 'freshet_evictions_total', kind: 'counter', labels: ['tier'], across: 'sum',
    help: 'Entries that had to make room for others.',
    read: ({ status: { l1 } }) => each('tier', { l1: l1.evictions }),
  },
  {
    name: 'freshet_refused_fills_total', kind: 'counter', labels: ['reason'], across: 'sum',
    help: 'Answers that were read and not stored, by what the rule of freshness said.',
    read: ({ status: { tiers } }) => each('reason', { ...tiers.refused }),
  },
  counter('freshet_loads_total', 'Keys that were read from an origin.',
    ({ status }) => status.loads.loaded),
  {
    name: 'freshet_redis_errors_total', kind: 'counter', labels: ['kind'], across: 'sum',
    help: 'Of the cache in Redis: reads given up or unreadable, reads and writes that failed.',
    read: ({ status: { redis } }) => (redis === undefined ? [] : each('kind', {
      error: redis.errors, timeout: redis.timeouts, undecodable: redis.undecodable,
    })),
  },
  {
    name: 'freshet_redis_waits_seconds', kind: 'histogram', labels: [], across: 'sum',
    help: 'How long reads of the cache waited for Redis.',
    read: ({ redis }) => redis.waits,
  },
];

const LOG: readonly Metric[] = [
  gauge('freshet_log_hearing',
    { help: '1 while the log is heard, else 0.', across: 'min' },
    ({ status }) => Number(status.hears)),
  gauge('freshet_log_position_seconds', {
    help: 'When the record was logged up to which the log is applied, in seconds since 1970.',
    across: 'min',
  }, ({ status }) => loggedMsOf(parsePosition(status.position) ?? ORIGIN) / 1_000),
  gauge('freshet_log_lag_seconds', {
    help: 'How long ago the log had last been read to its end.', across: 'max',
  }, ({ status: { invalidation: { lagMs } } }) => lagMs && lagMs / 1_000),
  gauge('freshet_log_lag_records', {
    help: 'Records of the log that are not applied yet.', across: 'max',
  }, ({ lag }) => lag?.records),
  gauge('freshet_log_retention_used_ratio', {
    help: 'That lag as a share of what the log keeps, by age or number; at 1 it forgets them.',
    across: 'max',
  }, ({ lag }) => lag?.retentionUsedRatio),
  gauge('freshet_log_waiting', {
    help: 'Invalidations of this node that wait to be appended.', across: 'sum',
  }, ({ status }) => status.kept),
  counterOfAll('freshet_log_gaps_total', 'Times that records of the log may have been missed.',
    ({ status }) => status.invalidation.gaps),
  counterOfAll('freshet_floor_raises_total',
    'Times that all that was older came to count as invalidated: after a gap, to make room, or '
    + 'by a purge of everything.',
    ({ status }) => status.invalidation.floorRaises),
];

const STALENESS: readonly Metric[] = [
  counter('freshet_auditor_samples_total', 'Hits that were compared with their origin.',
    ({ status }) => status.audit.audited),
  counter('freshet_auditor_stale_total', 'Of them, those that differed with no change told of.',
    ({ status }) => status.audit.stale),
  counter('freshet_auditor_changed_total', 'Of them, those that were invalidated meanwhile.',
    ({ status }) => status.audit.changedMeanwhile),
  counter('freshet_auditor_failed_total', 'Comparisons for which the origin gave no answer.',
    ({ status }) => status.audit.failed),
  {
    name: 'freshet_auditor_stale_age_seconds', kind: 'gauge', labels: ['percentile'], across: 'max',
    help: 'How old stale answers were, since the start.',
    read: ({ status: { audit: { staleAge } } }) => each('percentile', {
      50: staleAge.p50Ms / 1_000, 90: staleAge.p90Ms / 1_000, 99: staleAge.p99Ms / 1_000,
    }),
  },
];

/** Whoever of the fleet is furthest is how far the audit is: another may have taken over. */
const AUDIT: readonly Metric[] = [
  counter('freshet_audit_written_total', 'Records of the log that were written to the audit.',
    ({ audit }) => audit?.stats.written),
  counter('freshet_audit_gaps_total', 'Places where the audit lacks records.',
    ({ audit }) => audit?.stats.gaps),
  counter('freshet_audit_failures_total', 'Times that the database of the audit failed.',
    ({ audit }) => audit?.stats.failures),
  gauge('freshet_audit_lag_records', {
    help: 'Records of the log that are not in the audit yet.', across: 'min',
  }, ({ audit }) => audit?.lag?.records),
  gauge('freshet_audit_retention_used_ratio', {
    help: 'That lag as a share of what the log keeps; at 1 the audit loses records.',
    across: 'min',
  }, ({ audit }) => audit?.lag?.retentionUsedRatio),
];

export const METRICS: readonly Metric[] = [
  ...INVALIDATION, ...REQUESTS, ...CACHE, ...LOG, ...STALENESS, ...AUDIT,
];

function invalidation<Kind extends Metric['kind']>(
  name: keyof typeof INVALIDATION_HELP,
  kind: Kind,
) {
  return { name, kind, help: INVALIDATION_HELP[name], labels: ['service'], across: 'sum' } as const;
}
