/** `freshet start`: the gateway in front of services that run elsewhere. */
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { GatewayDependencies } from '../../gateway/gateway.ts';
import { systemClock, systemRandom } from '../../invalidation/clock.ts';
import type { Log } from '../../invalidation/log.ts';
import type { Command, Surroundings } from './command.ts';
import { CONFIG_FLAG, configOf, LISTENER_FLAGS, SCHEMA_FLAGS } from './gateway-flags.ts';
import type { Lifecycle } from '../lifecycle.ts';
import type { Logger } from '../logger.ts';
import type { RunningNode } from '../node.ts';

const flags = [CONFIG_FLAG, ...SCHEMA_FLAGS, ...LISTENER_FLAGS];

export const start: Command = {
  name: 'start',
  summary: 'start a gateway node',
  flags,
  examples: [
    'freshet start --supergraph supergraph.graphql',
    'freshet start --subgraph users=http://localhost:4101/graphql \\\n' +
    '              --subgraph content=http://localhost:4102/graphql',
    'freshet start --config freshet.config.yaml --redis redis://localhost:6379 --port 4000',
  ],
  async run(values, surroundings) {
    const config = await configOf(values, { flags, surroundings });
    const process = await startProcess(config, surroundings);
    const node = await process.serve(config);
    if (node !== undefined) process.log.info({ ...node }, 'listening');
    return undefined;
  },
};

/** What every command that goes on running has. */
export interface Process {
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** Starts a node; undefined where a signal came before it had started. */
  serve(config: FreshetConfig, log?: Log): Promise<RunningNode | undefined>;
}

/** Closing takes as long as the requests under way may, and a little for all the rest. */
const CLOSE_EXTRA_MS = 5_000;

export async function startProcess(
  { logLevel, drainMs }: Pick<FreshetConfig, 'logLevel' | 'drainMs'>,
  { environment, version }: Surroundings,
): Promise<Process> {
  // Loaded here, so that help and faults of the command line do not wait for a whole gateway.
  const [{ createLogger }, { Lifecycle: ProcessLifecycle }, { startNode }] = await Promise.all([
    import('../logger.ts'),
    import('../lifecycle.ts'),
    import('../node.ts'),
  ]);
  const production = environment['NODE_ENV'] === 'production';
  const log = createLogger({ level: logLevel, production });
  const closeMsMax = drainMs + CLOSE_EXTRA_MS;
  const lifecycle = new ProcessLifecycle({ log, clock: systemClock, closeMsMax });
  return {
    log,
    lifecycle,
    async serve(config, invalidationLog) {
      const aborter = new AbortController();
      const dependencies: GatewayDependencies = {
        log,
        clock: systemClock,
        random: systemRandom,
        signal: aborter.signal,
        ...(invalidationLog && { invalidationLog }),
      };
      lifecycle.onClose('start', async () => aborter.abort());
      try {
        return await startNode(config, { ...dependencies, lifecycle, version });
      } catch (error) {
        if (lifecycle.ending) return undefined;
        await lifecycle.close();
        throw error;
      }
    },
  };
}
