/**
 * Starts the programs that a test needs. What is started here never outlives the test process: an
 * exit hook ends it, and on Linux the kernel does where the test process had no time for hooks.
 */

import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();
const directories = new Set<string>();

process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});
// Vitest ends its workers with SIGTERM, which by itself runs no exit hook.
process.once('SIGTERM', () => process.exit(143));

/**
 * Above 10,080, the last one that `fetch` refuses (Fetch Standard, "bad port"), and below the ports
 * that kernels give to outgoing connections: Linux begins at 32,768.
 */
const PORTS = [10_081, 32_768] as const;

/**
 * A port on 127.0.0.1 that nobody listens on at this moment, and that no connection is given: a
 * server that was ended and comes back finds it free.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const server = createServer().listen({ port, host: '127.0.0.1' });
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** A new directory under the system's temporary one, removed when the test process exits. */
export function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `freshet-${name}-`));
  directories.add(directory);
  return directory;
}

/** The path of a program on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  const places = (process.env['PATH'] ?? '').split(delimiter);
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

/**
 * Where Node keeps what it has made of our TypeScript: to read all of it anew in each process that
 * tests start takes longer than most of them run (https://nodejs.org/api/module.html).
 */
const COMPILED = fileURLToPath(new URL('../../node_modules/.cache/compiled', import.meta.url));

/** Starts `command` so that it dies with this process, however that ends. */
export function spawnBound(
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  const setpriv = process.platform === 'linux' ? findProgram('setpriv') : undefined;
  const [program, programArgs] = setpriv
    ? [setpriv, ['--pdeathsig', 'KILL', command, ...args]]
    : [command, args];
  const { env = process.env, ...others } = options;
  const child = spawn(program, programArgs, {
    stdio: ['ignore', 'pipe', 'pipe'], ...others, env: { NODE_COMPILE_CACHE: COMPILED, ...env },
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

export interface OutputOptions {
  /** What is being started, for the error. */
  name: string;
  /** After this long without `sign` the start has failed. Default 60,000 ms. */
  deadlineMs?: number;
}

/**
 * Resolves once `child` has printed `sign`, with all that it printed until then. Rejects with its
 * output when it ends before, or when the deadline passes. Later output is read and dropped.
 */
export function printed(
  child: ChildProcess,
  sign: RegExp,
  { name, deadlineMs = 60_000 }: OutputOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      for (const stream of [child.stdout, child.stderr]) stream?.off('data', read).resume();
      child.off('exit', onExit).off('error', onError);
      hold(child, false);
      settle();
    };
    const fail = (why: string): void => end(() => reject(new Error(`${name} ${why}\n${output}`)));
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      if (sign.test(output)) end(() => resolve(output));
    };
    const onExit = (code: number | null, signal: string | null): void =>
      fail(`ended before it was ready (${signal ?? `code ${code}`})`);
    const onError = (error: Error): void => fail(`could not be started: ${error.message}`);
    const timer = setTimeout(() => fail(`was not ready after ${deadlineMs} ms`), deadlineMs);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', read);
    child.once('exit', onExit).once('error', onError);
  });
}

/** Sends `signal` and resolves when the process is gone; at once if it already is. */
export async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  hold(child, true);
  const gone = once(child, 'exit');
  child.kill(signal);
  // A stopped process cannot act on a signal until it is continued.
  child.kill('SIGCONT');
  await gone;
}

/** Whether `child` keeps this process alive. Only while it is awaited: else a script never ends. */
function hold(child: ChildProcess, alive: boolean): void {
  // Pipes to a child are sockets, which Node's types do not say.
  for (const handle of [child, child.stdout, child.stderr] as (ChildProcess | Socket | null)[]) {
    if (alive) handle?.ref();
    else handle?.unref();
  }
}
