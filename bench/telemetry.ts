/**
 * What telemetry costs a hit in L1: a gateway as it is, whose metrics and dashboard listen to its
 * channels, next to the same one in which nobody does. Both take turns in one run.
 *
 *     npm run bench:telemetry
 *     npm run bench:telemetry -- --quick
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startFreshet, startSubgraph } from './contestants.ts';
import { keep } from './machine.ts';
import { inRounds, percent, print } from './rounds.ts';
import { requirePrograms } from './server.ts';
import { answerTo, bodyOf, idOf, SIZES } from './workload.ts';

/** Goal: a hit may cost so much more. */
const COST_MAX = 0.03;

const { values: { quick } } = parseArgs({
  options: { quick: { type: 'boolean', default: false } },
});
const rounds = quick ? 3 : 15;
const seconds = quick ? 2 : 3;
const bytes = SIZES['2kB'];

requirePrograms('wrk', 'taskset');
const subgraph = await startSubgraph('accounts');
const given = {
  config: { subgraphs: { accounts: subgraph.url }, cache: { defaultTtlSeconds: 3_600 } },
  calls: () => subgraph.calls(),
};
const preload = fileURLToPath(new URL('without-telemetry.ts', import.meta.url));
const without = await startFreshet({
  ...given, name: 'without', nodeArgs: ['--import', preload],
});
const withAll = await startFreshet({ ...given, name: 'with' });

try {
  const figures = await inRounds([without, withAll], {
    rounds, seconds, connections: 64, warmUpSeconds: 3, hitsMin: 0.99,
    requestsOf: () => [{ method: 'POST', path: '/graphql', body: bodyOf({ id: idOf(1), bytes }) }],
    answerOf: () => answerTo({ id: idOf(1), bytes }),
  });
  print('hits in L1 of 2 kB, 64 connections, without telemetry and with it', figures);
  const [none, all] = [figures.get('without'), figures.get('with')];
  const cost = none && all ? 1 - all.perSecond / none.perSecond : Number.NaN;
  const cpu = none && all ? all.cpu / none.cpu - 1 : Number.NaN;
  const counted = await metricOf('freshet_requests_total{outcome="hit_l1"}');
  console.log(`${percent(cost)} of the throughput, ${percent(cpu)} more CPU time for a hit`);
  console.log(`goal: at most ${percent(COST_MAX)}; ${counted} hits were counted`);
  keep('telemetry', { quick, rounds, seconds, cost, cpu, figures: Object.fromEntries(figures) });
} finally {
  await Promise.all([without.stop(), withAll.stop(), subgraph.stop()]);
}

/** The one with telemetry counts, or there is nothing to be measured. */
async function metricOf(series: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${withAll.adminPort}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(series)) ?? '';
  return Number(line.slice(series.length));
}
