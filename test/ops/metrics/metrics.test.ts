/** What Prometheus is told of a node, over HTTP, and of the processes of a machine together. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { METRICS } from '../../../src/ops/metrics/catalogue.ts';
import { Metrics, type MetricsOptions } from '../../../src/ops/metrics/metrics.ts';
import type { Colleagues } from '../../../src/ops/workers/colleagues.ts';
import { startTestNode, type TestNode } from '../../e2e/fleet.ts';
import { startWorld, type World } from '../../e2e/world.ts';
import { promtool } from '../../support/promtool.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';

const PLAIN = 'text/plain; version=0.0.4; charset=utf-8';

let world: World;
let redis: RedisServer;
let node: TestNode;
let afterThree = '';

beforeAll(async () => {
  world = await startWorld();
  redis = await startRedis();
  node = await startTestNode({
    subgraphs: world.subgraphs, redis: redis.url, workers: 1,
  });
  await node.ask('{ user(id: "1") { name } }');
  await node.ask('{ user(id: "1") { name } }');
  await node.ask('mutation { rename(id: "1", name: "Bea") { id } }');
  afterThree = await scrape();
});

afterAll(async () => {
  await node.stop();
  await Promise.all([world.stop(), redis.stop()]);
});

async function scrape(accept = 'text/plain'): Promise<string> {
  return (await fetch(`${node.adminUrl}/metrics`, { headers: { accept } })).text();
}

/** The same for a node that has an audit, which has two records yet to write. */
async function audited(): Promise<string> {
  const { position } = node.gateway.status().invalidation;
  const stats = {
    isWriting: true, position: ORIGIN, isCutOff: false, written: 3, gaps: 0, failures: 1,
  };
  const { text, metrics } = await textOf({ audit: { stats } });
  metrics.close();
  expect(position > ORIGIN).toBe(true);
  expect(valueOf(text, 'freshet_audit_lag_records')).toBeGreaterThan(0);
  expect(valueOf(text, 'freshet_audit_failures_total')).toBe(1);
  return text;
}

/** Of metrics of their own, which count nothing before `start`. */
async function textOf(options: Partial<MetricsOptions>) {
  const { redis: server, log } = resolveConfig({
    supergraph: 'unused', redis: redis.url, workers: 1,
  });
  const metrics = new Metrics({
    config: { redis: server, log },
    clock: systemClock,
    random: systemRandom,
    status: () => node.gateway.status(),
    ...options,
  });
  metrics.start();
  await node.ask('{ user(id: "1") { name } }');
  metrics.heard([{ position: ORIGIN, message: { source_service: 'shop' } as InvalidationMessage }]);
  return { metrics, text: await metrics.text(PLAIN) };
}

/** Of one series, as it is written. */
function valueOf(text: string, series: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `));
  expect(line, series).toBeDefined();
  return Number(line?.slice(series.length + 1));
}

describe('GET /metrics', () => {
  it('tells every metric of the catalogue, with its type and no labels but its own', async () => {
    const text = await audited();
    for (const { name, kind, labels } of METRICS) {
      expect(text).toContain(`# TYPE ${name} ${kind}\n`);
      const series = text.split('\n').filter((line) =>
        new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line));
      expect(series.length, name).toBeGreaterThan(0);
      const used = series.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, key]) => key));
      expect([...labels, 'le']).toEqual(expect.arrayContaining([...new Set(used)]));
    }
    expect(text).toContain('# TYPE nodejs_eventloop_lag_seconds gauge\n');
  });

  it('counts what was asked, what that took, and what it cost', async () => {
    const text = afterThree;
    for (const outcome of ['miss', 'hit_l1', 'bypass']) {
      expect(valueOf(text, `freshet_requests_total{outcome="${outcome}"}`)).toBe(1);
      const duration = `freshet_request_duration_seconds_bucket{le="10",outcome="${outcome}"}`;
      expect(valueOf(text, duration)).toBe(1);
    }
    expect(valueOf(text, 'freshet_subgraph_calls_total{subgraph="users"}')).toBe(2);
    expect(valueOf(text, 'freshet_subgraph_calls_saved_total')).toBe(1);
    expect(valueOf(text, 'cache_invalidation_received_total{service="freshet"}')).toBe(1);
    expect(valueOf(text, 'cache_invalidation_published_total{service="freshet"}')).toBe(1);
    expect(valueOf(text, 'freshet_log_hearing')).toBe(1);
    expect(valueOf(text, 'freshet_log_lag_records')).toBe(0);
    expect(valueOf(text, 'freshet_redis_waits_seconds_count')).toBeGreaterThan(0);
    expect(valueOf(text, 'freshet_log_position_seconds')).toBeGreaterThan(1.7e9);
  });

  it('is as Prometheus wants it', async () => {
    // Names of Node.js's own metrics are prom-client's, and older than the rules.
    const [own = ''] = (await audited()).split('# HELP process_', 1);
    expect(await promtool(['check', 'metrics'], own)).toBe('');
  });

  it('speaks OpenMetrics to who asks for it', async () => {
    const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';
    const response = await fetch(`${node.adminUrl}/metrics`, { headers: { accept } });
    expect(response.headers.get('content-type')).toMatch(/^application\/openmetrics-text/);
    const text = await response.text();
    expect(text).toContain('# TYPE freshet_requests counter\nfreshet_requests_total{');
    expect(text).toMatch(/# EOF\n$/);
  });
});

it('adds up what workers hold, takes the worst where that is asked, and counts each', async () => {
  let tellOwn: (body: unknown) => unknown = () => null;
  const colleagues: Colleagues = {
    place: 2,
    tell: (_subject, own) => void (tellOwn = own),
    ask: async () => [],
  };
  const { metrics: other, text: alone } = await textOf({ colleagues });
  const ask = async () => [await tellOwn(undefined)];
  const { metrics: asked, text } = await textOf({
    colleagues: { place: 1, tell: () => undefined, ask },
  });
  const entries = 'freshet_entries{tier="l1"}';
  expect(valueOf(text, entries)).toBe(2 * valueOf(alone, entries));
  const position = 'freshet_log_position_seconds';
  expect(valueOf(text, position)).toBe(valueOf(alone, position));
  // So that neither seems to fall when the other begins anew, or is late.
  const counted = (worker: number): number =>
    valueOf(text, `freshet_requests_total{outcome="hit_l1",worker="${worker}"}`);
  expect([counted(1), counted(2)]).toEqual([1, 2]);
  const growing = text.split('\n').filter((line) =>
    /^(freshet|cache_invalidation)_\w+_(total|bucket|sum|count)[{ ]/.test(line));
  expect(growing.filter((line) => !/worker="[12]"/.test(line))).toEqual([]);
  other.close();
  asked.close();
});
