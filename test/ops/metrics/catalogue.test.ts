/** That each metric tells its own figure, and no other's: every figure of a node is another one. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redisWaited } from '../../../src/cache/diagnostics.ts';
import { requestAnswered, type RequestAnswered } from '../../../src/gateway/diagnostics.ts';
import type { GatewayStatus } from '../../../src/gateway/gateway.ts';
import { fetching } from '../../../src/gateway/tracing-channels.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { positionOf } from '../../../src/invalidation/position.ts';
import type { AuditorStats } from '../../../src/ops/audit/auditor.ts';
import { METRICS } from '../../../src/ops/metrics/catalogue.ts';
import type { Seen } from '../../../src/ops/metrics/metric.ts';
import { RedisMeter } from '../../../src/ops/metrics/redis-meter.ts';
import { RequestMeter } from '../../../src/ops/metrics/request-meter.ts';
import { ServiceMeter } from '../../../src/ops/metrics/service-meter.ts';
import { SubgraphMeter } from '../../../src/ops/metrics/subgraph-meter.ts';
import { startTestNode } from '../../e2e/fleet.ts';
import { startWorld } from '../../e2e/world.ts';
import { startRedis } from '../../support/redis.ts';

const meters = {
  requests: new RequestMeter(),
  services: new ServiceMeter({ wall: () => 12_000 }),
  subgraphs: new SubgraphMeter(),
  redis: new RedisMeter(),
};
let seen: Seen;

beforeAll(async () => {
  const figures = numberer();
  const status = figures(await statusOfNode());
  const lagMs = 7_007_000;
  const stats: AuditorStats = {
    isWriting: true, isCutOff: false, position: positionOf(1, 1), written: 0, gaps: 0, failures: 0,
  };
  seen = {
    ...meters,
    status: {
      ...status, position: '5000-0', invalidation: { ...status.invalidation, lagMs },
    },
    lag: { records: 901, retentionUsedRatio: 0.91 },
    audit: { stats: figures(stats), lag: { records: 902, retentionUsedRatio: 0.92 } },
  };
  tellMeters();
});

afterAll(() => {
  for (const meter of [meters.requests, meters.subgraphs, meters.redis]) meter.close();
});

/** With Redis, so that nothing is missing. */
async function statusOfNode(): Promise<GatewayStatus> {
  const [world, redis] = await Promise.all([startWorld(), startRedis()]);
  const node = await startTestNode({ subgraphs: world.subgraphs, redis: redis.url, workers: 1 });
  const status = node.gateway.status();
  await node.stop();
  await Promise.all([world.stop(), redis.stop()]);
  return status;
}

/** Gives each number in an object another value, none of which it gives twice. */
function numberer(): <T>(value: T) => T {
  let last = 1_000;
  const renumber = (value: unknown): unknown => {
    if (typeof value === 'number') return (last += 1);
    if (Array.isArray(value)) return value.map(renumber);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, renumber(one)]));
  };
  return renumber as <T>(value: T) => T;
}

function tellMeters(): void {
  for (const meter of [meters.requests, meters.subgraphs, meters.redis]) meter.start();
  requestAnswered.publish({
    outcome: 'partial', durationMs: 3_000, operation: undefined, why: undefined,
    isPrivate: false, subgraphCalls: 1, subgraphCallsSaved: 5,
  } satisfies RequestAnswered);
  for (const code of [undefined, undefined, 'SUBGRAPH_TIMEOUT']) {
    fetching.asyncStart.publish({ subgraph: 'users', code });
  }
  redisWaited.publish(4_000);
  const message = { source_service: 'shop' } as InvalidationMessage;
  meters.services.heard([{ position: positionOf(10_000, 0), message }]);
}

/** Series by name and labels, as Prometheus writes them. */
function seriesOf(all: Seen): ReadonlyMap<string, number> {
  return new Map(METRICS.flatMap(({ name, read }) =>
    read(all).map(({ suffix = '', labels, value }) => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
      return [`${name}${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''}`, value] as const;
    })));
}

/** Where each of them has to come from. */
function expected({ status, audit }: Seen): Readonly<Record<string, number | undefined>> {
  const { invalidation, l1, hitPath, tiers, loads, redis, audit: auditor } = status;
  const { publishLatency } = invalidation;
  const self = '{service="freshet"}';
  return {
    [`cache_invalidation_published_total${self}`]: invalidation.published,
    [`cache_invalidation_publish_latency_seconds_count${self}`]: publishLatency.count,
    [`cache_invalidation_publish_latency_seconds_sum${self}`]: publishLatency.sumMs / 1_000,
    [`cache_invalidation_publish_errors_total${self}`]: invalidation.kept,
    'cache_invalidation_received_total{service="shop"}': 1,
    'cache_invalidation_processing_latency_seconds_count{service="shop"}': 1,
    'cache_invalidation_processing_latency_seconds_sum{service="shop"}': 2,
    [`cache_invalidation_processing_errors_total${self}`]: invalidation.errors,
    'cache_invalidation_processing_errors_total{service="unknown"}': invalidation.rejected,
    'freshet_requests_total{outcome="partial"}': 1,
    'freshet_requests_total{outcome="miss"}': 0,
    'freshet_request_duration_seconds_sum{outcome="partial"}': 3,
    'freshet_request_duration_seconds_count{outcome="partial"}': 1,
    'freshet_subgraph_calls_total{subgraph="users"}': 3,
    'freshet_subgraph_errors_total{subgraph="users"}': 1,
    'freshet_subgraph_calls_saved_total': 5,
    'freshet_entries{tier="l1"}': l1.entries,
    'freshet_entries{tier="ready"}': hitPath.requests,
    'freshet_entry_bytes{tier="l1"}': l1.bytes,
    'freshet_entry_bytes{tier="ready"}': hitPath.bytes,
    'freshet_evictions_total{tier="l1"}': l1.evictions,
    'freshet_refused_fills_total{reason="invalidated"}': tiers.refused.invalidated,
    'freshet_refused_fills_total{reason="outdated"}': tiers.refused.outdated,
    'freshet_loads_total': loads.loaded,
    'freshet_redis_errors_total{kind="error"}': redis?.errors,
    'freshet_redis_errors_total{kind="timeout"}': redis?.timeouts,
    'freshet_redis_errors_total{kind="undecodable"}': redis?.undecodable,
    'freshet_redis_waits_seconds_sum': 4,
    'freshet_redis_waits_seconds_count': 1,
    'freshet_log_hearing': 1,
    'freshet_log_position_seconds': 5,
    'freshet_log_lag_seconds': 7_007,
    'freshet_log_lag_records': 901,
    'freshet_log_retention_used_ratio': 0.91,
    'freshet_log_waiting': status.kept,
    'freshet_log_gaps_total': invalidation.gaps,
    'freshet_floor_raises_total': invalidation.floorRaises,
    'freshet_auditor_samples_total': auditor.audited,
    'freshet_auditor_stale_total': auditor.stale,
    'freshet_auditor_changed_total': auditor.changedMeanwhile,
    'freshet_auditor_failed_total': auditor.failed,
    'freshet_auditor_stale_age_seconds{percentile="50"}': auditor.staleAge.p50Ms / 1_000,
    'freshet_auditor_stale_age_seconds{percentile="90"}': auditor.staleAge.p90Ms / 1_000,
    'freshet_auditor_stale_age_seconds{percentile="99"}': auditor.staleAge.p99Ms / 1_000,
    'freshet_audit_written_total': audit?.stats.written,
    'freshet_audit_gaps_total': audit?.stats.gaps,
    'freshet_audit_failures_total': audit?.stats.failures,
    'freshet_audit_lag_records': 902,
    'freshet_audit_retention_used_ratio': 0.92,
  };
}

it('each metric tells its own figure', () => {
  const series = seriesOf(seen);
  for (const [name, value] of Object.entries(expected(seen))) {
    expect(value, `${name} is known`).toEqual(expect.any(Number));
    expect(series.get(name), name).toBe(value);
  }
});

it('says nothing of the log while it is not heard', () => {
  const unheard = { ...seen, status: { ...seen.status, hears: false }, lag: undefined };
  const series = seriesOf(unheard);
  expect(series.get('freshet_log_hearing')).toBe(0);
  expect(series.has('freshet_log_lag_records')).toBe(false);
});

it('all of them are looked at here', () => {
  const looked = Object.keys(expected(seen));
  const isLookedAt = (name: string): boolean =>
    looked.some((one) => new RegExp(`^${name}(_sum|_count)?(\\{|$)`).test(one));
  expect(METRICS.filter(({ name }) => !isLookedAt(name)).map(({ name }) => name)).toEqual([]);
});
