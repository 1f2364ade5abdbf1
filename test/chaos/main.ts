/**
 * `npm run chaos`: three gateways on real Redis, as one server, with a Sentinel and as a Cluster,
 * under load and under every fault; prints a table and ends with 1 where anything in it must not
 * be. All that it needs it starts itself on loopback, and it ends with it, also on Ctrl-C.
 *
 *     npm run chaos -- [--reads N] [--topology single,cluster] [--fault mixed --fault flushed]
 *                      [--seed S] [--pause MS]
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { chaos } from './chaos.ts';
import { FAULTS } from './faults.ts';
import { StolenTime } from './stolen-time.ts';
import { TABLE_HEAD, tableLineOf, type Tally } from './tally.ts';
import type { TopologyName } from './topology.ts';

const ALL = Object.keys(FAULTS) as TopologyName[];

const { values } = parseArgs({
  options: {
    /** In all; each fault of each topology gets an equal share at least. */
    reads: { type: 'string', default: '1000000' },
    topology: { type: 'string', default: ALL.join(',') },
    fault: { type: 'string', multiple: true },
    seed: { type: 'string', default: '1' },
    /** Of each reader between two requests, at most: with less, two cores have no time left. */
    pause: { type: 'string', default: '8' },
  },
});

// Exit hooks end what was started.
process.once('SIGINT', () => process.exit(130));

const wanted = values.fault;
const runs = values.topology.split(',').map((topology) => {
  const known = Object.keys(FAULTS[topology as TopologyName] ?? {});
  if (known.length === 0) usage(`--topology is one of ${ALL.join(', ')}, got ${topology}`);
  return {
    topology: topology as TopologyName,
    faults: known.filter((name) => wanted === undefined || wanted.includes(name)),
  };
});
const rows = runs.reduce((sum, { faults }) => sum + faults.length, 0);
if (rows === 0) {
  const names = new Set(runs.flatMap(({ topology }) => Object.keys(FAULTS[topology])));
  usage(`--fault is one of "${[...names].join('", "')}"`);
}
const reads = Math.ceil(atLeast(1, 'reads') / rows);
const pauseMsMax = atLeast(0, 'pause');
const { seed } = values;

const startedAt = performance.now();
const stolen = new StolenTime();
const tallies: Tally[] = [];
for (const line of TABLE_HEAD) say(line);
for (const { topology, faults } of runs.filter((run) => run.faults.length > 0)) {
  const onTally = (tally: Tally): void => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    process.stderr.write(`${seconds} s  ${topology}, ${tally.fault}: ${tally.reads} reads, `
      + `${tally.holds ? 'all holds' : 'FAILED'}\n`);
    for (const complaint of tally.complaints) process.stderr.write(`    ${complaint}\n`);
    // At once: whatever becomes of the rest, this was seen.
    say(tableLineOf(tally));
  };
  tallies.push(...await chaos({ topology, faults, reads, seed, onTally, pauseMsMax }));
}
say('');
const sum = (key: 'reads' | 'writes' | 'staleBeyond' | 'failed'): string =>
  tallies.reduce((total, tally) => total + tally[key], 0).toLocaleString('en-US');
say(`${sum('reads')} reads, ${sum('writes')} writes: ${sum('staleBeyond')} stale beyond promise, `
  + `${sum('failed')} failed; ${Math.round((performance.now() - startedAt) / 1_000)} s`);
const redis = execFileSync('redis-server', ['--version']).toString();
const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}, ${process.platform}`;
say(`seed ${seed}; Node ${process.version}, Redis ${/v=([\d.]+)/.exec(redis)?.[1]}, ${machine}; `
  + `of which its host gave ${(100 * stolen.share).toFixed(1)} % to others; `
  + new Date().toISOString().slice(0, 10));
process.exit(tallies.every(({ holds }) => holds) ? 0 : 1);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function atLeast(least: number, name: 'reads' | 'pause'): number {
  const value = Number(values[name]);
  if (values[name].trim() === '' || !(value >= least && value <= Number.MAX_SAFE_INTEGER)) {
    usage(`--${name} is a number of at least ${least}, got ${values[name]}`);
  }
  return value;
}

function usage(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}
