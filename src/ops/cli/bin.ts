#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { boundNewSpace } from '../heap-growth.ts';
import { restart } from './restart.ts';

/** The commands that go on running as gateways. */
const LASTING: readonly unknown[] = ['start', 'demo'];
// Before all that a gateway consists of is loaded: it would be loaded twice.
if (LASTING.includes(process.argv[2])) boundNewSpace(restart);
const { main } = await import('./main.ts');

// Whoever reads may have seen enough: `freshet watch | head`.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  process.exit(code === 'EPIPE' ? 0 : 1);
});

const manifest = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
const { version } = JSON.parse(manifest) as { version: string };

const exitCode = await main(process.argv.slice(2), {
  directory: process.cwd(),
  environment: process.env,
  version,
  print: (text) => process.stdout.write(text),
  printError: (text) => process.stderr.write(text),
});
if (exitCode !== undefined) {
  // Only when all has been written: to a pipe that takes a while.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
}
