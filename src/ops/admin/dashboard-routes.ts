/** What the dashboard asks for, besides what the other routes answer. */
import type { Explainer } from '../../gateway/explaining/explainer.ts';
import type { Traffic } from '../traffic/traffic.ts';
import {
  figuresAnswer, identityAnswer, nodesAnswer, type Figures, type Nodes,
} from './dashboard-answers.ts';
import type { LiveFigures } from './live-figures.ts';
import { operationsRoutes, type OperationsRoutesOptions } from './operations-routes.ts';
import type { Route } from './route.ts';
import { tagRoutes, type TagRoutesOptions } from './tag-routes.ts';

interface Explaining extends OperationsRoutesOptions, TagRoutesOptions {
  readonly explainer: () => Explainer;
  readonly traffic: Traffic;
}

export interface DashboardRoutesOptions extends Explaining {
  /** Throws STARTING. */
  readonly figures: () => Promise<Figures>;
  readonly live: Pick<LiveFigures, 'watch'>;
  readonly nodes: () => Promise<Nodes>;
}

export function dashboardRoutes(options: DashboardRoutesOptions): Route[] {
  const { figures, live, nodes } = options;
  return [
    {
      method: 'get', path: '/admin/identity', summary: 'Who asks, and what they may.',
      access: 'read', answer: identityAnswer, refusals: [],
      handle: async ({ identity: { name, role } }) => ({ name, role }),
    },
    {
      method: 'get', path: '/admin/dashboard/figures', summary: 'Figures of this machine.',
      access: 'read', answer: figuresAnswer, refusals: [], handle: figures,
    },
    {
      method: 'get', path: '/admin/dashboard/live',
      summary: 'The figures each second, as server-sent events: `figures`.',
      access: 'read', answer: figuresAnswer, mediaType: 'text/event-stream',
      refusals: ['WATCHERS_TOO_MANY'],
      handle: async () => new Response(live.watch(), {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
      }),
    },
    {
      method: 'get', path: '/admin/nodes', summary: 'The nodes of the fleet.',
      access: 'read', answer: nodesAnswer, refusals: [], handle: nodes,
    },
    ...operationsRoutes(options),
    ...tagRoutes(options),
  ];
}
