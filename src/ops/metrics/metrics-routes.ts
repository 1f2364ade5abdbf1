/** `GET /metrics`, for Prometheus. */
import { Hono } from 'hono';
import { Registry } from 'prom-client';
import type { AdminContext } from '../admin/access.ts';
import type { Metrics } from './metrics.ts';

export function metricsRoutes(metrics: Pick<Metrics, 'text'>): Hono<AdminContext> {
  const app = new Hono<AdminContext>();
  app.get('/metrics', async (context) => {
    // Prometheus names it first, with a weight; who does not name it takes the older one.
    const isOpen = context.req.header('accept')?.includes('application/openmetrics-text') ?? false;
    const type = isOpen ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
    const headers = { 'content-type': type, 'cache-control': 'no-store' };
    return context.body(await metrics.text(type), 200, headers);
  });
  return app;
}
