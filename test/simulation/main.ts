/**
 * `npm run simulate -- --seeds 2000 [--from N]` runs so many seeds and ends with 1 at the first
 * that fails, telling how to run it again; `--seed N` runs one and prints all that happened.
 */
import { parseArgs } from 'node:util';
import { COUNTS, simulate, type Report } from './simulation.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '0' },
    seed: { type: 'string' },
  },
});

type Totals = Record<typeof COUNTS[number], number>;

/** Of a trace, what led to the failure. */
const TRACE_LINES = 60;

if (values.seed === undefined) await runMany(Number(values.from), Number(values.seeds));
else await runOne(values.seed, Number.POSITIVE_INFINITY);

async function runMany(from: number, count: number): Promise<void> {
  const startedAt = performance.now();
  const totals = Object.fromEntries(COUNTS.map((key) => [key, 0])) as Totals;
  for (let seed = from; seed < from + count; seed += 1) {
    const report = await simulate(String(seed));
    for (const key of COUNTS) totals[key] += report[key];
    if (report.violations.length > 0) {
      await runOne(String(seed), TRACE_LINES);
      return;
    }
    if ((seed - from + 1) % 100 === 0) say(`${seed - from + 1} of ${count} seeds`);
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  say(`${count} seeds from ${from}: nothing found; ${seconds} s`);
  for (const [what, total] of Object.entries(totals)) say(`${String(total).padStart(9)}  ${what}`);
}

async function runOne(seed: string, linesMax: number): Promise<void> {
  const lines: string[] = [];
  const trace = (at: number, text: string): void => {
    lines.push(`${at.toFixed(1).padStart(9)}  ${text}`);
  };
  const report: Report = await simulate(seed, { trace });
  for (const line of lines.slice(-linesMax)) say(line);
  for (const { checker, at, text } of report.violations) {
    say(`seed ${seed}, after ${at.toFixed(1)} ms, "${checker}": ${text}`);
  }
  if (report.violations.length === 0) {
    say(`seed ${seed}: nothing found`);
    return;
  }
  say(`to run it again: npm run simulate -- --seed ${seed}`);
  process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
