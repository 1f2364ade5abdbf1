/**
 * The operators' HTTP: one Hono app, each matter in routes of its own. Health is for everybody who
 * can connect; all the rest is behind `requireAccess`.
 */
import { Hono } from 'hono';
import { fault } from '../../invalidation/errors.ts';
import { answerRefusal, requireAccess } from './access.ts';
import { healthRoutes, type Health } from './health.ts';
import { statsRoutes, type NodeStats } from './stats.ts';

export interface AdminOptions {
  readonly adminToken: string | undefined;
  readonly health: () => Health;
  readonly stats: () => Promise<NodeStats>;
}

export function createAdminApp({ adminToken, health, stats }: AdminOptions): Hono {
  const app = new Hono();
  app.route('/', healthRoutes(health));
  app.use('*', requireAccess(adminToken));
  app.route('/', statsRoutes(stats));
  const paths = app.routes.filter(({ method }) => method !== 'ALL').map(({ path }) => path);
  app.notFound(() => answerRefusal(fault('PATH_UNKNOWN', { path: paths.join(', ') })));
  return app;
}
