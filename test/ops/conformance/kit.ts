/** The kit, run as a user runs it: a process of its own, from the command line. */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Report } from '../../../src/ops/conformance/index.ts';
import { spawnBound, temporaryDirectory } from '../../support/process.ts';

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));

export interface KitRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Resolves when it has ended. */
export async function runKit(args: readonly string[]): Promise<KitRun> {
  const { PATH = '' } = process.env;
  const child = spawnBound(process.execPath, [BIN, 'conformance', ...args], {
    cwd: temporaryDirectory('conformance'),
    env: { PATH },
  });
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = await once(child, 'close') as [number | null];
  return { code, out, err };
}

export async function reportOfKit(args: readonly string[]): Promise<KitRun & { report: Report }> {
  const run = await runKit([...args, '--json']);
  if (run.out === '') throw new Error(`a report was required, got ${run.err}`);
  return { ...run, report: JSON.parse(run.out) as Report };
}

/** 'stale-fill: fail, expected ...' for each that did not pass. */
export function notPassed({ verdicts }: Report): string[] {
  return verdicts.filter(({ outcome }) => outcome !== 'pass')
    .map(({ check, outcome, detail }) => `${check}: ${outcome}, ${detail}`);
}
