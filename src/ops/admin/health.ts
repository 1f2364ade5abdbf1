/** Whether the process lives, and whether it should be sent requests: what orchestrators ask. */
import { Hono } from 'hono';

export interface Health {
  /** What stands in the way of requests being answered: `starting`, `draining`. */
  readonly notReadyBecause: string | undefined;
  /**
   * Whether the log of invalidations is heard. No condition for being ready: without it the
   * gateway answers from its origins. Undefined while it starts.
   */
  readonly hearing: boolean | undefined;
}

export function healthRoutes(health: () => Health): Hono {
  const app = new Hono();
  app.use('*', async (context, next) => {
    await next();
    context.header('cache-control', 'no-store');
  });
  app.get('/healthz', (context) => context.json({ status: 'alive' }));
  app.get('/readyz', (context) => {
    const { notReadyBecause, hearing } = health();
    if (notReadyBecause === undefined) return context.json({ status: 'ready', hearing });
    return context.json({ status: 'not ready', reason: notReadyBecause, hearing }, 503);
  });
  return app;
}
