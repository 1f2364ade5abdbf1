/** A gateway node as an operator starts one: a process of its own, by the command line. */
import type { ChildProcess } from 'node:child_process';
import type { GatewayStatus } from '../../src/gateway/gateway.ts';
import { end, freePort, printed, spawnBound } from '../support/process.ts';
import { until } from '../support/until.ts';
import { askAt, type Answer, type AskOptions } from './fleet.ts';

export interface NodeProcess {
  readonly url: string;
  readonly pid: number | undefined;
  /** Resolves when the process is gone, to how it ended and what it said last. */
  readonly ended: Promise<string>;
  ask(query: string, options?: AskOptions): Promise<Answer>;
  /** What the operators' listener says. */
  status(): Promise<GatewayStatus>;
  /** SIGSTOP: connections stay open, nothing is read or answered. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL: no request under way is answered, nothing is handed over. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface NodeProcessOptions {
  /** By flags; all that the file says need not be said here. */
  readonly subgraphs?: Record<string, string>;
  readonly redis?: string;
  /** A configuration file. */
  readonly config?: string;
  /** Default: free ones. */
  readonly port?: number;
  readonly adminPort?: number;
  /** A module that is loaded into the process first. */
  readonly preload?: string;
  /** Resolve before the log is heard. Default false. */
  readonly deaf?: boolean;
  /** Variables like FRESHET_CACHE_MAX_STALENESS_MS. */
  readonly environment?: Record<string, string>;
}

/** One process, at once. */
const DEFAULTS = { FRESHET_WORKERS: '1', FRESHET_REHEARSAL: 'false' };

/** Resolves when the node hears the log. */
export async function startNodeProcess(options: NodeProcessOptions): Promise<NodeProcess> {
  const { subgraphs = {}, redis, config, preload, environment = {} } = options;
  const { port = await freePort(), adminPort = await freePort(), deaf = false } = options;
  const child = spawnBound(process.execPath, [
    ...(preload === undefined ? [] : ['--import', preload]),
    'src/ops/cli/bin.ts', 'start',
    ...(redis === undefined ? [] : ['--redis', redis]),
    ...(config === undefined ? [] : ['--config', config]),
    '--port', String(port), '--admin-port', String(adminPort),
    ...Object.entries(subgraphs).flatMap(([name, url]) => ['--subgraph', `${name}=${url}`]),
  ], { env: { ...process.env, ...DEFAULTS, ...environment } });
  await printed(child, /listening/, { name: 'freshet start' });
  const url = `http://127.0.0.1:${port}/graphql`;
  const node = nodeOf(child, { url, adminUrl: `http://127.0.0.1:${adminPort}` });
  const hears = async (): Promise<boolean> => (await node.status()).hears;
  if (!deaf) await until(hears, { what: 'the process hears the log' });
  return node;
}

function nodeOf(
  child: ChildProcess,
  { url, adminUrl }: { url: string; adminUrl: string },
): NodeProcess {
  return {
    url,
    pid: child.pid,
    ended: endOf(child),
    ask: (query, options) => askAt(url, query, options),
    async status() {
      const response = await fetch(`${adminUrl}/stats`);
      const { gateway } = await response.json() as { gateway: GatewayStatus };
      return gateway;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => end(child, 'SIGKILL'),
    stop: () => end(child, 'SIGTERM'),
  };
}

const LAST_WORDS = 2_000;

function endOf(child: ChildProcess): Promise<string> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-LAST_WORDS)));
  }
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve(`${signal ?? `code ${code}`}: ${said}`));
  });
}
