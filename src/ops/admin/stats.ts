/** What this node knows of itself, as one JSON object. */
import { Hono } from 'hono';
import type { GatewayStatus } from '../../gateway/gateway.ts';

export interface Stats {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  /** Undefined while the gateway starts. */
  readonly gateway: GatewayStatus | undefined;
}

export function statsRoutes(stats: () => Stats): Hono {
  const app = new Hono();
  app.get('/stats', (context) => {
    context.header('cache-control', 'no-store');
    return context.json(stats() as unknown as Record<string, unknown>);
  });
  return app;
}
