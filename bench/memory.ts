/**
 * What an entry costs beside its payload, and whether the configured limit holds for the process.
 * First L1 alone, filled in a process of its own; then a gateway with a limit, asked for more
 * different answers than fit.
 *
 *     npm run bench:memory
 *     npm run bench:memory -- --quick --cases 100000x300 --no-http
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildPackage, startFreshet, startSubgraph } from './contestants.ts';
import { keep } from './machine.ts';
import { requirePrograms } from './server.ts';
import { answerTo, bodyOf, idOf } from './workload.ts';
import { load } from './wrk.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    http: { type: 'boolean', default: true },
    /** Entries and bytes of each: 1000000x300,100000x2000. */
    cases: { type: 'string', default: '' },
  },
});
const { quick } = values;
const MIB = 1024 ** 2;
const DEFAULT_CASES = quick ? '100000x300,10000x2000' : '1000000x300,100000x2000';
const CASES = (values.cases || DEFAULT_CASES).split(',').map((text) => {
  const [entries = 0, bytes = 0] = text.split('x').map(Number);
  return { entries, bytes };
});
/** What a process may take beyond the limit (issue of this benchmark). */
const BEYOND_BYTES_MAX = 150 * MIB;
const results: object[] = [];

requirePrograms('wrk', 'taskset');
for (const one of CASES) await measureStore(one);
if (values.http) buildPackage();
for (const one of values.http ? CASES : []) await measureGateway(one);
keep('memory', { quick, results });

interface Filled {
  readonly rssBytes: number;
  readonly rssGrownBytes: number;
  readonly reckonedBytes: number;
  readonly heapBytes: number;
}

async function measureStore({ entries, bytes }: { entries: number; bytes: number }): Promise<void> {
  const file = fileURLToPath(new URL('memory-fill.ts', import.meta.url));
  const child = fork(file, [String(entries), String(bytes)], {
    execArgv: ['--expose-gc', '--max-old-space-size=8192'],
  });
  const [filled] = await once(child, 'message') as [Filled];
  const beyond = (all: number): number => Math.round(all / entries - bytes);
  console.log(`L1, ${entries} x ${bytes} B, 10 tags: RSS ${mib(filled.rssBytes)}, `
    + `reckoned ${mib(filled.reckonedBytes)}; bytes an entry beside its payload: `
    + `${beyond(filled.heapBytes)} of the heap, ${beyond(filled.rssGrownBytes)} of RSS, `
    + `${beyond(filled.reckonedBytes)} reckoned`);
  results.push({
    where: 'L1', entries, bytes, ...filled,
    beyondHeap: beyond(filled.heapBytes), beyondRss: beyond(filled.rssGrownBytes),
  });
}

/** The limit is what the entries come to, or so: all the rest of the process is beyond it. */
async function measureGateway(
  { entries, bytes }: { entries: number; bytes: number },
): Promise<void> {
  const subgraph = await startSubgraph('accounts');
  const bytesMax = Math.max(64 * MIB, Math.round(entries * (bytes + 400)));
  const gateway = await startFreshet({
    built: true,
    config: {
      subgraphs: { accounts: subgraph.url },
      // Two entries for each answer: it and the root field of its subgraph.
      cache: { defaultTtlSeconds: 3_600, l1: { bytesMax, entriesMax: entries * 2 } },
    },
  });
  const rest = gateway.server.rssBytes();
  const peak = { bytes: 0 };
  const watching = setInterval(() => {
    peak.bytes = Math.max(peak.bytes, gateway.server.rssBytes());
  }, 250);
  const requests = [{
    method: 'POST' as const, path: '/graphql', body: bodyOf({ id: '{id}', bytes }),
  }];
  let [asked, firstId] = [0, 1];
  let state = (await gateway.stats()).gateway.l1;
  // Until all are in, or those that came first had to go.
  while (state.entries < entries && state.evictions < entries / 10) {
    const { port } = gateway;
    const filled = await load({ port, connections: 64, seconds: 5, firstId, requests });
    asked += filled.requests;
    firstId = filled.nextId + 1;
    state = (await gateway.stats()).gateway.l1;
    if (asked > entries * 3) throw new Error(`${asked} answers, and ${state.entries} entries only`);
  }
  clearInterval(watching);
  const rss = gateway.server.rssBytes();
  const payload = answerTo({ id: idOf(1), bytes }).length;
  const beyondLimit = Math.max(peak.bytes, rss) - bytesMax;
  const holds = beyondLimit <= BEYOND_BYTES_MAX;
  console.log(`gateway, limit ${mib(bytesMax)}, `
    + `${state.entries} entries of ${payload} B, `
    + `${state.evictions} evicted: RSS ${mib(rest)} at rest, ${mib(rss)} filled, `
    + `${mib(peak.bytes)} at most: ${mib(beyondLimit)} beyond the limit `
    + `(${holds ? 'within' : 'NOT within'} ${mib(BEYOND_BYTES_MAX)}); `
    + `reckoned ${Math.round(state.bytes / state.entries - payload)} B an entry beside payload, `
    + `RSS grown by ${Math.round((rss - rest) / state.entries - payload)}`);
  results.push({
    where: 'gateway', bytesMax, entries: state.entries, payload,
    evictions: state.evictions,
    restBytes: rest, rssBytes: rss, peakBytes: peak.bytes, beyondLimit, holds,
    reckonedBytes: state.bytes,
  });
  await Promise.all([gateway.stop(), subgraph.stop()]);
}

function mib(bytes: number): string {
  return `${Math.round(bytes / MIB)} MiB`;
}
