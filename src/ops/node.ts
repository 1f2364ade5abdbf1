/**
 * One running node: the operators' listener first, so that it can be seen starting, then the
 * gateway, then the listener of the clients. It closes in the reverse order.
 */
import { getRequestListener } from '@hono/node-server';
import type { FreshetConfig } from '../gateway/config/config.ts';
import {
  createGateway, type Gateway, type GatewayDependencies, type GatewayStatus,
} from '../gateway/gateway.ts';
import { HttpServer } from '../gateway/http/http-server.ts';
import type { Clock } from '../invalidation/clock.ts';
import { fault } from '../invalidation/errors.ts';
import { MemoryLog } from '../invalidation/log-memory.ts';
import type { Log, LogRecord } from '../invalidation/log.ts';
import { createAdminApp, type AdminOptions } from './admin/app.ts';
import { Dashboard } from './admin/dashboard.ts';
import { Invalidator } from './admin/invalidator.ts';
import { PurgeEvents } from './admin/purge-events.ts';
import { joinSwitch, takeOverSwitch } from './admin/switch-routes.ts';
import type { Health } from './admin/health.ts';
import type { NodeStats, Stats } from './admin/stats.ts';
import { createAudit, isAudited, type Audit } from './audit/audit.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Metrics, type MetricsOptions } from './metrics/metrics.ts';
import { rehearse } from './rehearsal.ts';
import { createSources, type Sources } from './sources/sources.ts';
import type { Tracing } from './tracing/tracing.ts';
import type { Colleagues } from './workers/colleagues.ts';

export interface NodeDependencies extends GatewayDependencies {
  readonly lifecycle: Pick<Lifecycle, 'onClose'>;
  readonly version: string;
  /** The other processes of this node. Default none. */
  readonly colleagues?: Colleagues;
  /** Default: `createGateway`. */
  readonly create?: (config: FreshetConfig, dependencies: GatewayDependencies) => Promise<Gateway>;
}

export interface RunningNode {
  /** Where GraphQL is answered. */
  readonly url: string;
  readonly adminUrl: string;
}

/** How long the operators' listener waits for its own requests at the end. */
const ADMIN_DRAIN_MS = 1_000;

/** What there is of a node so far. */
interface Parts {
  readonly invalidator: Invalidator;
  readonly audit: Audit | undefined;
  readonly events: PurgeEvents;
  readonly metrics: Metrics;
  gateway?: Gateway;
  sources?: Sources | undefined;
  server?: HttpServer;
}

/**
 * Starts a node, which then belongs to `lifecycle`, also where the start fails half-way.
 *
 * @throws PORT_IN_USE, LISTEN_FAILED, and what `createGateway` throws
 */
export async function startNode(
  config: FreshetConfig,
  dependencies: NodeDependencies,
): Promise<RunningNode> {
  const { log, clock, lifecycle, create = createGateway } = dependencies;
  const { limits, path } = config;
  const onError = (error: unknown): void => log.error({ error }, 'unexpected error in a request');
  const { colleagues } = dependencies;
  const tracing = await tracingOf(config, dependencies);
  // Closed last, when nothing is recorded any more.
  if (tracing !== undefined) lifecycle.onClose('traces', () => tracing.close());
  const invalidationLog = logOf(config, dependencies);
  const audit = auditOf(config, dependencies, invalidationLog);
  const invalidator = invalidatorOf(config, dependencies);
  const status = (): GatewayStatus | undefined => parts.gateway?.status();
  const events = eventsOf(invalidator, { clock, status });
  const metrics = metricsOf(config, dependencies, { audit, status, invalidationLog });
  const parts: Parts = { invalidator, audit, events, metrics };

  const { handler, dashboard } = operatorsHandler(config, { dependencies, parts });
  const admin = new HttpServer({ handler, limits, clock, onError });
  lifecycle.onClose('operators', () => admin.close({ drainMs: ADMIN_DRAIN_MS }));
  // Before the listener, which waits for all that is still being answered.
  lifecycle.onClose('dashboard', () => dashboard.close());
  lifecycle.onClose('events', async () => events.close());
  const adminAt = await admin.listen({ host: config.adminHost, port: config.adminPort });

  const onRecords = (records: readonly LogRecord[]): void =>
    [invalidator, events, metrics].forEach((one) => one.heard(records));
  const gateway = await create(config, {
    ...dependencies, onRecords, ...(invalidationLog && { invalidationLog }),
  });
  parts.gateway = gateway;
  lifecycle.onClose('gateway', () => gateway.close());
  // Closed before the gateway, and so while there is a log to be read to its end.
  if (audit !== undefined) lifecycle.onClose('audit', () => audit.close());
  audit?.start();
  const sources = sourcesOf(config, dependencies, invalidationLog);
  parts.sources = sources;
  if (sources !== undefined) lifecycle.onClose('sources', () => sources.close());
  sources?.start();
  const { operations } = gateway;
  joinSwitch(operations, colleagues);
  await takeOverSwitch(operations, colleagues);
  invalidator.open(operations);

  if (config.rehearsal) await rehearse(dependencies);
  // What has been rehearsed is not counted.
  metrics.start();
  await dashboard.start();
  tracing?.start();
  const refusalHeaders = () => ({ 'freshet-position': gateway.status().position });
  const server = new HttpServer({
    handler: gateway.handler,
    listeners: [gateway.listener],
    repeats: gateway.repeats,
    path,
    limits,
    clock,
    onError,
    refusalHeaders,
  });
  parts.server = server;
  lifecycle.onClose('clients', () => server.close({ drainMs: config.drainMs }));
  const at = await server.listen({ host: config.host, port: config.port });
  return {
    url: `http://${reachable(config.host)}:${at.port}${path}`,
    adminUrl: `http://${reachable(config.adminHost)}:${adminAt.port}`,
  };
}

function operatorsHandler(
  config: FreshetConfig,
  { dependencies, parts }: { dependencies: NodeDependencies; parts: Parts },
) {
  const { clock, log, version, colleagues } = dependencies;
  const { invalidator, audit, events, metrics } = parts;
  const startedAt = clock.now();
  const health = (): Health => ({
    notReadyBecause: notReadyBecause(parts),
    hearing: parts.gateway?.status().hears,
  });
  const stats = (): Stats => ({
    processId: process.pid,
    version,
    ready: notReadyBecause(parts) === undefined,
    uptimeSeconds: Math.floor((clock.now() - startedAt) / 1_000),
    memoryBytes: process.memoryUsage.rss(),
    gateway: parts.gateway?.status(),
    sources: parts.sources?.stats,
  });
  colleagues?.tell('stats', stats);
  const statsOfAll = async (): Promise<NodeStats> => {
    const others = await colleagues?.ask('stats') as readonly Stats[] | undefined;
    return { ...stats(), ...(others && { otherWorkers: others }) };
  };
  const explain = explainOf(parts);
  const dashboard = new Dashboard({
    config, clock, random: dependencies.random, colleagues, stats: statsOfAll,
    caching: () => parts.gateway?.operations.caching, explainer: explain.explainer,
    isLogOwn: dependencies.invalidationLog !== undefined,
  });
  const app = createAdminApp({
    config, clock, log, version, health, stats: statsOfAll, invalidator, colleagues, audit, events,
    explain, dashboard: dashboard.routes, metrics,
  });
  const handler = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return { handler, dashboard };
}

function explainOf(parts: Parts): AdminOptions['explain'] {
  const started = (): Gateway => {
    if (parts.gateway === undefined) throw fault('STARTING');
    return parts.gateway;
  };
  return {
    explainer: () => started().explainer,
    node: () => {
      const { position, floor, hears } = started().status();
      const { isOn } = started().operations.caching;
      return { caching: isOn ? 'on' : 'off', hears_log: hears, position, floor };
    },
  };
}

/** The one that the gateway and the audit have in common; undefined where it is in Redis. */
function logOf(
  { redis }: FreshetConfig,
  { clock, invalidationLog }: NodeDependencies,
): Log | undefined {
  if (invalidationLog !== undefined || redis !== undefined) return invalidationLog;
  return new MemoryLog({ clock });
}

function auditOf(
  config: FreshetConfig,
  { log, clock, random }: NodeDependencies,
  invalidationLog: Log | undefined,
): Audit | undefined {
  if (!isAudited(config)) return undefined;
  const warn = (text: string): void => log.warn(text);
  const note = (text: string): void => log.info(text);
  return createAudit(config, { warn, note, clock, random, log: invalidationLog });
}

function metricsOf(
  config: FreshetConfig,
  dependencies: NodeDependencies,
  seen: Pick<MetricsOptions, 'audit' | 'status' | 'invalidationLog'>,
): Metrics {
  const metrics = new Metrics({ ...dependencies, config, ...seen });
  dependencies.lifecycle.onClose('metrics', async () => metrics.close());
  return metrics;
}

/** Loaded only where there is somebody to send traces to. */
async function tracingOf(
  { tracing: config }: FreshetConfig,
  { log, clock, random, version }: NodeDependencies,
): Promise<Tracing | undefined> {
  if (config.endpoint === undefined) return undefined;
  const { Tracing: Traces } = await import('./tracing/tracing.ts');
  return new Traces({ config, log, clock, random, version });
}

function sourcesOf(
  config: FreshetConfig,
  { log, clock, random }: NodeDependencies,
  invalidationLog: Log | undefined,
): Sources | undefined {
  const warn = (text: string): void => log.warn(text);
  return createSources(config, { warn, clock, random, log: invalidationLog });
}

function invalidatorOf(
  { webhook, adminRequestsPerMinuteMax }: FreshetConfig,
  { clock, colleagues }: NodeDependencies,
): Invalidator {
  // From as long before its time to as long after it.
  const replayMs = 2 * 1_000 * (webhook?.toleranceSeconds ?? 0);
  const replaysMax = Math.ceil((replayMs / 60_000 + 1) * adminRequestsPerMinuteMax);
  return new Invalidator({ clock, colleagues, replayMs, replaysMax });
}

function eventsOf(
  invalidator: Invalidator,
  { clock, status }: { clock: Clock; status: () => GatewayStatus | undefined },
): PurgeEvents {
  const started = (): GatewayStatus => {
    const found = status();
    if (found === undefined) throw fault('STARTING');
    return found;
  };
  return new PurgeEvents({
    clock,
    purgesOf: (message) => invalidator.operations.purgesOf(message),
    touched: (record) => invalidator.touched(record),
    position: () => started().position,
    gaps: () => started().invalidation.gaps,
  });
}

function notReadyBecause({ gateway, server }: Parts): string | undefined {
  if (gateway === undefined || server === undefined) return 'starting';
  if (!server.open) return 'not listening';
  return gateway.ready() ? undefined : 'closed';
}

/** A name under which a listener on `host` can be asked from this machine. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
