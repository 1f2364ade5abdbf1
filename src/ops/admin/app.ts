/**
 * The operators' HTTP: one Hono app, each matter in routes of its own. Health and the page of the
 * dashboard are for everybody who can connect, webhooks are for whoever signs; all the rest is
 * behind `requireAccess`.
 */
import { Hono } from 'hono';
import { z } from 'zod';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { fault, FreshetError } from '../../invalidation/errors.ts';
import type { Logger } from '../logger.ts';
import type { Audit } from '../audit/audit.ts';
import type { Metrics } from '../metrics/metrics.ts';
import { metricsRoutes } from '../metrics/metrics-routes.ts';
import type { Colleagues } from '../workers/colleagues.ts';
import { requireAccess, type AccessConfig, type AdminContext } from './access.ts';
import { answerRefusal, answerUnexpected } from './answer-refusal.ts';
import { auditRoutes } from './audit-routes.ts';
import { dashboardRoutes } from './dashboard-routes.ts';
import type { Dashboard } from './dashboard.ts';
import { eventsRoutes } from './events-routes.ts';
import { explainRoutes, type ExplainRoutesOptions } from './explain-routes.ts';
import { figuresRoutes } from './figures-routes.ts';
import { healthRoutes, type Health } from './health.ts';
import { invalidateRoutes } from './invalidate-routes.ts';
import type { Invalidator } from './invalidator.ts';
import { openApiDocument } from './openapi.ts';
import { servePage } from './page.ts';
import type { PurgeEvents } from './purge-events.ts';
import { RateLimit } from './rate-limit.ts';
import { mount, type Route } from './route.ts';
import { statsRoutes, type NodeStats } from './stats.ts';
import { switchRoutes } from './switch-routes.ts';

export interface AdminOptions {
  readonly config: AccessConfig & Pick<FreshetConfig, 'webhook' | 'adminRequestsPerMinuteMax'>;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn' | 'error'>;
  readonly version: string;
  readonly health: () => Health;
  readonly stats: () => Promise<NodeStats>;
  /** Default: there are none. */
  readonly metrics?: Pick<Metrics, 'text'> | undefined;
  readonly invalidator: Invalidator;
  readonly events: Pick<PurgeEvents, 'watch'>;
  readonly explain: Omit<ExplainRoutesOptions, 'clock'>;
  readonly dashboard: Dashboard['routes'];
  /** Where the files of its page are. Default: where its build puts them. */
  readonly page?: URL | undefined;
  /** The other processes of this node. Default none. */
  readonly colleagues?: Colleagues | undefined;
  /** Default: there is none. */
  readonly audit?: Pick<Audit, 'search' | 'stats'> | undefined;
}

export function createAdminApp(options: AdminOptions): Hono<AdminContext> {
  const { config, clock, log, version, health, stats, invalidator } = options;
  const { colleagues, audit, events, explain, dashboard, page, metrics } = options;
  const auditWrites = audit && (() => audit.stats.written);
  const rate = new RateLimit({ clock, perMinuteMax: config.adminRequestsPerMinuteMax });
  const app = new Hono<AdminContext>();
  app.onError((error) => {
    if (error instanceof FreshetError && error.status !== undefined) return answerRefusal(error);
    log.error({ error }, 'unexpected error in a request of an operator');
    return answerUnexpected();
  });
  app.use('*', servePage(page));
  app.route('/', healthRoutes(health));
  const routes: Route[] = [
    ...invalidateRoutes(invalidator),
    ...switchRoutes({ invalidator, colleagues, log }),
    ...figuresRoutes({ invalidator, stats, auditWrites }),
    ...auditRoutes(audit),
    ...eventsRoutes(events),
    ...explainRoutes({ ...explain, clock }),
    ...dashboardRoutes({ ...dashboard, explainer: explain.explainer, clock }),
  ];
  routes.push(openApiRoute(routes, version));
  const mounted = { rate, signature: { webhook: config.webhook, clock } };
  for (const route of routes) if (route.access === 'signature') mount(app, route, mounted);
  app.use('*', requireAccess({ config, clock, rate }));
  for (const route of routes) if (route.access !== 'signature') mount(app, route, mounted);
  app.route('/', statsRoutes(stats));
  if (metrics !== undefined) app.route('/', metricsRoutes(metrics));
  app.notFound((context) => answerRefusal(...refusalOf(context.req, app)));
  return app;
}

function openApiRoute(routes: readonly Route[], version: string): Route {
  return {
    method: 'get', path: '/openapi.json', summary: 'This document.',
    access: 'read', answer: z.record(z.string(), z.unknown()), refusals: [],
    handle: async () => openApiDocument(routes, version),
  };
}

/** 405 where another method is known, 404 where nothing is. */
function refusalOf(
  { method: got, path }: { method: string; path: string },
  { routes }: Hono<AdminContext>,
): [FreshetError, Record<string, string>?] {
  const known = routes.filter(({ method }) => method !== 'ALL');
  const allowed = known.filter((route) => expressionOf(route.path).test(path));
  if (allowed.length > 0) {
    const methods = [...new Set(allowed.map(({ method }) => method))].join(', ');
    return [fault('METHOD_NOT_ALLOWED', { allowed: methods, got }), { allow: methods }];
  }
  const paths = [...new Set(known.map((route) => route.path.replace(/\{[^}]*\}/g, '')))];
  return [fault('PATH_UNKNOWN', { path: paths.join(', ') })];
}

/** Of our own paths, in which a parameter is the last part. */
function expressionOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/:.*$/, '.+')}$`);
}
