/**
 * A server under load, as a process of its own on a core of its own: what it costs is read from the
 * kernel. It dies with the benchmark, however that ends.
 */
import { execFileSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { end, findProgram, printed, spawnBound } from '../test/support/process.ts';

/** Each server under load runs on the first, what makes the load and what helps on others. */
export const CORES = {
  server: '0',
  load: availableParallelism() > 1 ? '1' : '0',
  other: availableParallelism() > 2 ? '2' : availableParallelism() > 1 ? '1' : '0',
  /** Where servers and load share what there is. */
  all: `0-${availableParallelism() - 1}`,
} as const;

export type Core = keyof typeof CORES;

export interface ServerOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Default `server`. */
  readonly core?: Core;
  /** Printed when it can be asked. Without it the server tells by a message, `ready`. */
  readonly ready?: RegExp;
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Server {
  readonly name: string;
  readonly pid: number;
  /** CPU time so far, of it and of its children, in ms; what the kernel counts in ticks of 10. */
  cpuMs(): number;
  rssBytes(): number;
  /** How often the resolvers behind it ran; only of servers that tell by messages. */
  calls(): Promise<number>;
  tell(message: unknown): void;
  stop(): Promise<void>;
}

export async function startServer(options: ServerOptions): Promise<Server> {
  const { name, command, args, core = 'server', ready, cwd, environment } = options;
  const child = spawnBound('taskset', ['-c', CORES[core], command, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...(ready ? [] : ['ipc' as const])],
    env: { ...process.env, NODE_ENV: 'production', ...environment },
    ...(cwd !== undefined && { cwd }),
  });
  if (ready) await printed(child, ready, { name, deadlineMs: 60_000 });
  else await readyMessage(child, name);
  const pid = child.pid ?? 0;
  return {
    name, pid,
    cpuMs: () => sum(family(pid), cpuMsOf),
    rssBytes: () => sum(family(pid), rssBytesOf),
    calls: async () => {
      const answered = once(child, 'message');
      child.send('calls');
      const [calls] = await answered as [number];
      return calls;
    },
    tell: (message) => void child.send(message as string),
    stop: () => end(child, 'SIGTERM'),
  };
}

/** A server that was started otherwise, put on a core. */
export function pin(pid: number, core: Core): void {
  execFileSync('taskset', ['-a', '-cp', CORES[core], String(pid)], { stdio: 'ignore' });
}

export function requirePrograms(...names: readonly string[]): void {
  const missing = names.filter((name) => findProgram(name) === undefined);
  if (missing.length === 0) return;
  console.error(`needed and not there: ${missing.join(', ')} (Debian: apt-get install wrk `
    + 'redis-server util-linux)');
  process.exit(2);
}

function readyMessage(child: ChildProcess, name: string): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-4_000)));
  }
  return new Promise((resolve, reject) => {
    const fail = (): void => reject(new Error(`${name} ended before it was ready\n${output}`));
    child.once('exit', fail);
    child.once('message', () => {
      child.off('exit', fail);
      resolve();
    });
  });
}

const TICK_MS = 10;
const PAGE_BYTES = 4_096;

/** The fields of /proc/pid/stat behind the name, which may hold anything. */
function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  } catch {
    return [];
  }
}

function cpuMsOf(pid: number): number {
  const stat = statOf(pid);
  return (Number(stat[11] ?? 0) + Number(stat[12] ?? 0)) * TICK_MS;
}

function rssBytesOf(pid: number): number {
  return Number(statOf(pid)[21] ?? 0) * PAGE_BYTES;
}

function family(pid: number): readonly number[] {
  const parents = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), Number(statOf(Number(name))[1])] as const);
  const members = [pid];
  for (const member of members) {
    for (const [child, parent] of parents) if (parent === member) members.push(child);
  }
  return members;
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
