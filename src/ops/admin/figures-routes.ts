/** Figures of the cache of this node, and of the invalidation service. */
import { z } from 'zod';
import type { Invalidator } from './invalidator.ts';
import { totalOf } from './door-metrics.ts';
import type { Route } from './route.ts';
import type { NodeStats, Stats } from './stats.ts';

export interface FiguresRoutesOptions {
  readonly invalidator: Invalidator;
  readonly stats: () => Promise<NodeStats>;
  /** Records that the audit has written. Default: there is none. */
  readonly auditWrites?: (() => number) | undefined;
}

const count = z.int().min(0);
const milliseconds = z.number().min(0);

const metricsAnswer = z.strictObject({
  total_invalidations: count,
  key_invalidations: count,
  pattern_invalidations: count.meta({ description: 'By patterns, types and of everything.' }),
  audit_writes: count,
  pubsub_publishes: count.meta({ description: 'Messages of this service on the channel.' }),
  errors: count,
  pattern_invalidation_ratio: z.number().min(0).max(1),
  latency_p50_ms: milliseconds,
  latency_p90_ms: milliseconds,
  latency_p99_ms: milliseconds,
  latency_max_ms: milliseconds,
});

const statsAnswer = z.strictObject({
  caching: z.enum(['on', 'off']),
  position: z.string(),
  hears_log: z.boolean(),
  processes: count.meta({ description: 'Of this node, as the sums below.' }),
  entries: count,
  bytes: count,
  evictions: count,
  hits_l1: count,
  hits_l2: count,
  misses: count,
  hit_ratio: z.number().min(0).max(1),
  loads: count.meta({ description: 'Reads of an origin.' }),
  invalidated: count.meta({ description: 'Entries found that an invalidation had ended.' }),
  waiting_for_log: count.meta({ description: 'Invalidations that are not in the log yet.' }),
});

export function figuresRoutes(options: FiguresRoutesOptions): Route[] {
  const { invalidator, stats, auditWrites = () => 0 } = options;
  return [
    {
      method: 'get', path: '/invalidate/metrics', summary: 'Figures of the invalidation service.',
      access: 'read', answer: metricsAnswer, refusals: [],
      handle: async () => {
        const { keys, patterns, switches, errors, latency } =
          totalOf(await invalidator.countsOfAll());
        const total = keys + patterns;
        return {
          total_invalidations: total,
          key_invalidations: keys,
          pattern_invalidations: patterns,
          audit_writes: auditWrites(),
          pubsub_publishes: total + switches,
          errors,
          pattern_invalidation_ratio: share(patterns, total),
          latency_p50_ms: latency.p50Ms,
          latency_p90_ms: latency.p90Ms,
          latency_p99_ms: latency.p99Ms,
          latency_max_ms: latency.maxMs,
        } satisfies z.output<typeof metricsAnswer>;
      },
    },
    {
      method: 'get', path: '/admin/cache/stats', summary: 'Figures of the cache of this node.',
      access: 'read', answer: statsAnswer, refusals: [],
      handle: async () => {
        const { isOn } = invalidator.operations.caching;
        return { caching: isOn ? 'on' : 'off', ...statsOf(await stats()) };
      },
    },
  ];
}

function statsOf({ otherWorkers = [], ...own }: NodeStats) {
  const statuses = [own, ...otherWorkers].flatMap(({ gateway }: Stats) => gateway ?? []);
  const sum = (of: (one: (typeof statuses)[number]) => number): number =>
    statuses.reduce((total, one) => total + of(one), 0);
  const hitsL1 = sum(({ tiers }) => tiers.hits.l1);
  const hitsL2 = sum(({ tiers }) => tiers.hits.l2);
  const misses = sum(({ tiers }) => tiers.misses);
  return {
    position: own.gateway?.position ?? '0-0',
    hears_log: own.gateway?.hears ?? false,
    processes: statuses.length,
    entries: sum(({ l1 }) => l1.entries),
    bytes: sum(({ l1 }) => l1.bytes),
    evictions: sum(({ l1 }) => l1.evictions),
    hits_l1: hitsL1,
    hits_l2: hitsL2,
    misses,
    hit_ratio: share(hitsL1 + hitsL2, hitsL1 + hitsL2 + misses),
    loads: sum(({ loads }) => loads.loaded),
    invalidated: sum(({ tiers }) => tiers.discarded.invalidated),
    waiting_for_log: sum(({ kept }) => kept),
  };
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
