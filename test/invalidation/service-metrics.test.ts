import { expect, it } from 'vitest';
import { MemoryBus } from '../../src/invalidation/memory-bus.ts';
import { METRICS_CONTENT_TYPE, serviceMetrics } from '../../src/invalidation/service-metrics.ts';
import { metricsText } from '../../src/invalidation/metric.ts';
import { Histogram } from '../../src/invalidation/histogram.ts';
import { promtool } from '../support/promtool.ts';

it('a service shows what it published and heard, without a library', async () => {
  const bus = new MemoryBus();
  const publisher = bus.publisher({ source: 'shop' });
  await publisher.invalidateUser(1);
  const text = serviceMetrics({ service: 'shop', publisher: publisher.stats });
  expect(text).toContain('cache_invalidation_published_total{service="shop"} 1\n');
  expect(text).toContain(
    'cache_invalidation_publish_latency_seconds_bucket{le="+Inf",service="shop"} 1\n');
  expect(text).not.toContain('received');
  expect(METRICS_CONTENT_TYPE).toMatch(/^text\/plain/);
  expect(await promtool(['check', 'metrics'], text)).toBe('');
  await publisher.close();
});

it('texts are escaped', () => {
  const sample = { labels: { service: 'a"b\\c\nd' }, value: 1 };
  const family = { name: 'a_total', kind: 'counter', help: 'x\\y\nz', samples: [sample] } as const;
  expect(metricsText([family])).toBe(
    '# HELP a_total x\\\\y\\nz\n# TYPE a_total counter\na_total{service="a\\"b\\\\c\\nd"} 1\n');
});

it('a histogram tells how many were within each bound', () => {
  const histogram = new Histogram();
  for (const ms of [0.05, 0.3, 3, 700, 60_000]) histogram.record(ms);
  const { within, count, sumMs } = histogram.latency();
  expect(within).toEqual([1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4]);
  expect([count, sumMs]).toEqual([5, 60_703.35]);
});
