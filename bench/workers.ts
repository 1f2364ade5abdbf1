/**
 * Hits of a node with two workers next to one with one, where both share two cores with the load:
 * of requests that come again as they were, and of requests each with a header of its own, as from
 * behind a proxy that numbers them; and with one in ten that nobody has asked before. What the load
 * takes for a request bounds what a second worker can add: where it takes as much as the server,
 * there is nothing left to add.
 *
 *     npm run bench:workers
 *     npm run bench:workers -- --quick --workers 4
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis.ts';
import { startFreshet, startSubgraph, type Gateway } from './contestants.ts';
import { keep } from './machine.ts';
import { inRounds, print } from './rounds.ts';
import { requirePrograms } from './server.ts';
import { answerTo, bodyOf, idOf } from './workload.ts';
import type { Request } from './wrk.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    workers: { type: 'string', default: '2' },
  },
});
const { quick } = values;
const [rounds, seconds] = quick ? [2, 2] : [7, 4];
const BYTES = 2_000;
const CONNECTIONS = 64;
/** As many as make each worker meet all of them soon. */
const IDS = 20;
const CASES: readonly Case[] = [
  { name: 'hits, as they were' },
  { name: 'hits, each with a header of its own', headers: [['x-request-id', '{id}']] },
  { name: 'hits, as they were, and one in ten a miss', missesEach: 10 },
];

interface Case {
  readonly name: string;
  readonly headers?: Required<Request>['headers'];
  /** Of so many requests one asks for what nobody has asked for. */
  readonly missesEach?: number;
}

requirePrograms('wrk', 'taskset', 'redis-server');
const [redis, subgraph] = [await startRedis(), await startSubgraph('accounts', 'all')];
const gateways: Gateway[] = [];
for (const workers of [1, Number(values.workers)]) {
  gateways.push(await startFreshet({
    name: `${workers} worker${workers === 1 ? '' : 's'}`,
    core: 'all',
    calls: () => subgraph.calls(),
    config: {
      subgraphs: { accounts: subgraph.url }, redis: redis.url, workers,
      cache: { defaultTtlSeconds: 3_600 },
    },
  }));
}

try {
  const cases: Record<string, object> = {};
  for (const { name, headers = [], missesEach = Number.POSITIVE_INFINITY } of CASES) {
    const requests = Array.from({ length: IDS }, (_, n): Request => {
      const id = (n + 1) % missesEach === 0 ? '{id}' : idOf(n + 1);
      return { method: 'POST', path: '/graphql', headers, body: bodyOf({ id, bytes: BYTES }) };
    });
    const figures = await inRounds(gateways, {
      rounds, seconds, connections: CONNECTIONS, warmUpSeconds: quick ? 3 : 20, loadCore: 'all',
      requestsOf: () => requests,
      answerOf: () => answerTo({ id: idOf(1), bytes: BYTES }),
      hitsMin: 0.99 - 1 / missesEach,
    });
    print(`2 kB, ${CONNECTIONS} connections: ${name}`, figures);
    cases[name] = Object.fromEntries(figures);
  }
  keep('workers', { quick, rounds, seconds, cases });
} finally {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await Promise.all([subgraph.stop(), redis.stop()]);
}
