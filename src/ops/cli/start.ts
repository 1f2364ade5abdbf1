/** `freshet start`: the gateway in front of services that run elsewhere. */
import cluster from 'node:cluster';
import { availableParallelism } from 'node:os';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { GatewayDependencies } from '../../gateway/gateway.ts';
import { systemClock, systemRandom } from '../../invalidation/clock.ts';
import type { Log } from '../../invalidation/log.ts';
import type { Command, Surroundings } from './command.ts';
import {
  CONFIG_FLAG, configOf, JSON_LOG_FLAG, LISTENER_FLAGS, SCHEMA_FLAGS, WORKERS_FLAG,
} from './gateway-flags.ts';
import { boundHeapGrowth, lendHeapRoom } from '../heap-growth.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import type { RunningNode } from '../node.ts';

const flags = [CONFIG_FLAG, ...SCHEMA_FLAGS, ...LISTENER_FLAGS, WORKERS_FLAG, JSON_LOG_FLAG];

export const start: Command = {
  name: 'start',
  summary: 'start a gateway node',
  flags,
  examples: [
    'freshet start --supergraph supergraph.graphql',
    'freshet start --subgraph users=http://localhost:4101/graphql \\\n' +
    '              --subgraph content=http://localhost:4102/graphql',
    'freshet start --config freshet.config.yaml --redis redis://localhost:6379 --port 4000',
    'freshet start --config freshet.config.yaml --workers 4',
  ],
  notes: [
    'It starts itself anew under `--max-semi-space-size=16`, in the same process: what Node keeps',
    'for new objects then fits beside a cache with a limit. Give `NODE_OPTIONS` such an argument',
    'for another size, or where nothing may be started. A parent with a channel to it (pm2, a',
    'watcher) has to give it: there it is not started anew.',
  ],
  async run(values, surroundings) {
    const config = await configOf(values, { flags, surroundings });
    const workers = workersOf(config);
    const json = values.has(JSON_LOG_FLAG.name);
    const process = await startProcess(config, surroundings, { json });
    if (workers > 1 && cluster.isPrimary) return startPrimary(process, workers);
    const node = await process.serve(config, { workers });
    if (node !== undefined && cluster.isPrimary) process.log.info({ ...node }, 'listening');
    return undefined;
  },
};

/** One core is left for Redis, the kernel, and whatever else runs on the machine. */
function workersOf({ workers, redis }: FreshetConfig): number {
  return workers ?? (redis === undefined ? 1 : Math.max(1, availableParallelism() - 1));
}

async function startPrimary(
  { log, lifecycle }: Process,
  workers: number,
): Promise<number | undefined> {
  const { startWorkers } = await import('../workers/primary.ts');
  const options = { workers, log, lifecycle, clock: systemClock, random: systemRandom };
  const started = await startWorkers(options);
  if (started.kind === 'failed') return lifecycle.ending ? undefined : started.exitCode;
  log.info({ ...started.said as RunningNode, workers }, 'listening');
  return undefined;
}

/** What every command that goes on running has. */
export interface Process {
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** Starts a node; undefined where a signal came before it had started. */
  serve(config: FreshetConfig, options?: ServeOptions): Promise<RunningNode | undefined>;
}

export interface ServeOptions {
  /** Instead of the one that the configuration describes. */
  readonly invalidationLog?: Log | undefined;
  /** How many processes like this one the node has. Default 1. */
  readonly workers?: number;
}

/** Closing takes as long as the requests under way may, and a little for all the rest. */
const CLOSE_EXTRA_MS = 5_000;

export async function startProcess(
  { logLevel, drainMs }: Pick<FreshetConfig, 'logLevel' | 'drainMs'>,
  { environment, version }: Surroundings,
  { json }: { json: boolean },
): Promise<Process> {
  // Before a gateway is loaded, which leaves much behind.
  boundHeapGrowth();
  // Loaded here, so that help and faults of the command line do not wait for a whole gateway.
  const [{ createLogger }, { Lifecycle: ProcessLifecycle }] = await Promise.all([
    import('../logger.ts'),
    import('../lifecycle.ts'),
  ]);
  const production = json || environment['NODE_ENV'] === 'production';
  const log = createLogger({ level: logLevel, production });
  const closeMsMax = drainMs + CLOSE_EXTRA_MS;
  const ignoresInterrupt = cluster.isWorker;
  const lifecycle = new ProcessLifecycle({ log, clock: systemClock, closeMsMax, ignoresInterrupt });
  return {
    log,
    lifecycle,
    async serve(config, { invalidationLog, workers = 1 } = {}) {
      const [{ startNode }, { joinWorkers }] = await Promise.all([
        import('../node.ts'),
        import('../workers/worker.ts'),
      ]);
      const aborter = new AbortController();
      const worker = joinWorkers(config, { workers, clock: systemClock });
      const dependencies: GatewayDependencies = {
        log,
        clock: systemClock,
        random: systemRandom,
        signal: aborter.signal,
        ...(invalidationLog && { invalidationLog }),
        ...(worker && { siblings: worker.siblings }),
      };
      lifecycle.onClose('start', async () => aborter.abort());
      try {
        const own = worker?.config ?? config;
        const node = await startNode(own, {
          ...dependencies, lifecycle, version, ...(worker && { colleagues: worker.colleagues }),
        });
        const { bytesMax } = own.cache.l1;
        const end = lendHeapRoom({ clock: systemClock, bytesMax });
        lifecycle.onClose('heap', async () => end());
        worker?.ready(node);
        return node;
      } catch (error) {
        if (lifecycle.ending) return undefined;
        await lifecycle.close();
        throw error;
      }
    },
  };
}
