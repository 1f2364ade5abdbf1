/** A gateway node as an operator starts one: a process of its own, by the command line. */
import type { ChildProcess } from 'node:child_process';
import type { GatewayStatus } from '../../src/gateway/gateway.ts';
import { end, freePort, printed, spawnBound } from '../support/process.ts';
import { until } from '../support/until.ts';
import { askAt, type Answer, type AskOptions } from './fleet.ts';

export interface NodeProcess {
  readonly url: string;
  ask(query: string, options?: AskOptions): Promise<Answer>;
  /** What the operators' listener says. */
  status(): Promise<GatewayStatus>;
  /** SIGSTOP: connections stay open, nothing is read or answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  stop(): Promise<void>;
}

export interface NodeProcessOptions {
  readonly subgraphs: Record<string, string>;
  readonly redis: string;
  /** Variables like FRESHET_CACHE_MAX_STALENESS_MS. */
  readonly environment?: Record<string, string>;
}

/** Resolves when the node hears the log. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { subgraphs, redis, environment = {} } = options;
  const [port, adminPort] = [await freePort(), await freePort()];
  const child = spawnBound(process.execPath, [
    'src/ops/cli/bin.ts', 'start', '--redis', redis,
    '--port', String(port), '--admin-port', String(adminPort),
    ...Object.entries(subgraphs).flatMap(([name, url]) => ['--subgraph', `${name}=${url}`]),
  ], { env: { ...process.env, ...environment } });
  await printed(child, /listening/, { name: 'freshet start', deadlineMs: 20_000 });
  const url = `http://127.0.0.1:${port}/graphql`;
  const node = nodeOf(child, { url, adminUrl: `http://127.0.0.1:${adminPort}` });
  await until(async () => (await node.status()).hears, { what: 'the process hears the log' });
  return node;
}

function nodeOf(
  child: ChildProcess,
  { url, adminUrl }: { url: string; adminUrl: string },
): NodeProcess {
  return {
    url,
    ask: (query, options) => askAt(url, query, options),
    async status() {
      const response = await fetch(`${adminUrl}/stats`);
      const { gateway } = await response.json() as { gateway: GatewayStatus };
      return gateway;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => end(child, 'SIGTERM'),
  };
}
