/** A command that goes on running has V8 bound by a flag that it reads at its start alone. */
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { NEW_SPACE_ARGUMENT } from '../../../src/ops/heap-growth.ts';
import { end, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));
const PORTS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0'];
/** Whatever runs in the process says so first, and under which arguments. */
const SAY = 'const { pid, argv, execArgv } = process;'
  + 'console.log("begins", pid, argv[2], ...execArgv.slice(2))';
/** Node 25 asks for it, and Node 24 does not know it. */
const ALLOW_NET = process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : [];

let subgraph: TestSubgraph;
const children: ChildProcess[] = [];
beforeAll(async () => {
  subgraph = await startSubgraph({ name: 'users', sdl: 'type Query { now: Int }' });
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => end(child, 'SIGKILL')));
});
afterAll(() => subgraph.stop());

interface How extends SpawnOptions {
  readonly nodeArgs?: readonly string[];
  readonly environment?: Record<string, string>;
}

async function startGateway({ nodeArgs = [], environment = {}, ...options }: How = {}) {
  const { PATH = '' } = process.env;
  const args = ['--import', `data:text/javascript,${SAY}`, ...nodeArgs, BIN, 'start', ...PORTS];
  args.push('--json', '--subgraph', `users=${subgraph.url}`);
  const child = spawnBound(process.execPath, args, {
    cwd: temporaryDirectory('cli'), env: { PATH, ...environment }, ...options,
  });
  children.push(child);
  const output = await printed(child, /"msg":"listening"/, { name: 'freshet start' });
  const begun = output.split('\n').filter((line) => line.startsWith('begins '));
  return { child, output, begun };
}

const line = ({ pid }: ChildProcess, ...args: readonly string[]): string =>
  ['begins', pid, 'start', ...args].join(' ');

it('begins anew in its own place, with less space for new objects, and drains', async () => {
  const { child, output, begun } = await startGateway({ nodeArgs: ['--trace-uncaught'] });
  expect(begun).toEqual([
    line(child, '--trace-uncaught'), line(child, '--trace-uncaught', NEW_SPACE_ARGUMENT),
  ]);
  expect(output).not.toMatch(/experimental/i);
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

it.each<[string, How]>([
  ['somebody has decided', { environment: { NODE_OPTIONS: '--max-semi-space-size=64' } }],
  ['who has started it has a channel to it', { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }],
  ['Node may run nothing', {
    nodeArgs: ['--permission', '--allow-fs-read=*', '--allow-fs-write=*', ...ALLOW_NET],
  }],
])('runs on where %s', async (_, how) => {
  const { child, begun } = await startGateway(how);
  expect(begun).toEqual([line(child, ...how.nodeArgs ?? [])]);
  if (how.stdio) expect(child.connected).toBe(true);
});
