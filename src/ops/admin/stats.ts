/** What this node knows of itself, as one JSON object: the process that was asked, then others. */
import { Hono } from 'hono';
import type { GatewayStatus } from '../../gateway/gateway.ts';
import type { SourceStats } from '../sources/source.ts';

export interface NodeStats extends Stats {
  /** Where the node has several processes: of the others. */
  readonly otherWorkers?: readonly Stats[];
}

export interface Stats {
  readonly processId: number;
  readonly version: string;
  /** Whether it lets clients in. */
  readonly ready: boolean;
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  /** Undefined while the gateway starts. */
  readonly gateway: GatewayStatus | undefined;
  /** Where it hears of changes besides the channel, as far as this process reads them. */
  readonly sources?: readonly SourceStats[] | undefined;
}

export function statsRoutes(stats: () => Promise<NodeStats>): Hono {
  const app = new Hono();
  app.get('/stats', async (context) => {
    context.header('cache-control', 'no-store');
    return context.json(await stats() as unknown as Record<string, unknown>);
  });
  return app;
}
