/** What a figure is worth without: the machine, the versions, the day. Kept with the figures. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { stolenMsInAll } from '../test/support/stolen-time.ts';

const stolenAtStart = stolenMsInAll();
const startedAt = performance.now();

export interface Result {
  /** A short run: it proves less. */
  readonly quick: boolean;
  readonly [figure: string]: unknown;
}

/** Writes `bench/results/<name>.json`; a short run is kept beside it. */
export function keep(name: string, { quick, ...result }: Result): void {
  const file = new URL(`results/${name}${quick ? '.quick' : ''}.json`, import.meta.url);
  mkdirSync(new URL('.', file), { recursive: true });
  const record = {
    bench: name, date: new Date().toISOString(), quick, command: process.argv.slice(2).join(' '),
    machine: machine(), stolenShare: stolenShare(), versions: versions(), ...result,
  };
  writeFileSync(file, `${JSON.stringify(record, undefined, 2)}\n`);
  const stolen = (record.stolenShare * 100).toFixed(1);
  console.log(`\nthe machine's host kept ${stolen} % of the processors' time for itself`);
  console.log(`kept in ${fileURLToPath(file)}`);
}

/**
 * Of the time of all processors since this process began, what the host of a virtual machine kept
 * for itself. Where it is more than some hundredths, another run may say something else.
 */
function stolenShare(): number {
  const all = availableParallelism() * (performance.now() - startedAt);
  return Number(((stolenMsInAll() - stolenAtStart) / all).toFixed(4));
}

export function machine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${process.platform} ${release()}`,
  };
}

function versions(): Record<string, string> {
  return {
    node: process.version,
    freshet: git('rev-parse', '--short', 'HEAD'),
    redis: printedBy('redis-server', '--version').replace(/^.*v=(\S+).*$/s, '$1'),
    wrk: printedBy('wrk', '--version').replace(/^wrk (?:debian\/)?(\S+)[^]*$/, '$1'),
    ...peerVersions(),
  };
}

function peerVersions(): Record<string, string> {
  try {
    const lock = readFileSync(new URL('peers/package-lock.json', import.meta.url), 'utf8');
    const { packages } = JSON.parse(lock) as {
      packages: Record<string, { version?: string; dependencies?: Record<string, string> }>;
    };
    const own = Object.keys(packages['']?.dependencies ?? {});
    return Object.fromEntries(own.map((name) =>
      [name, packages[`node_modules/${name}`]?.version ?? 'unknown']));
  } catch {
    return {};
  }
}

function git(...args: readonly string[]): string {
  return printedBy('git', '-C', fileURLToPath(new URL('.', import.meta.url)), ...args);
}

function printedBy(command: string, ...args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim();
  } catch (error) {
    // wrk prints its version and ends with 1.
    return ((error as { stdout?: string }).stdout ?? '').trim() || 'not there';
  }
}
