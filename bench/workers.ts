/**
 * Hits of a node with two workers next to one with one, where both share two cores with the load.
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
const IDS = 16;

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
  const requests = Array.from({ length: IDS }, (_, n): Request => ({
    method: 'POST', path: '/graphql', body: bodyOf({ id: idOf(n + 1), bytes: BYTES }),
  }));
  const figures = await inRounds(gateways, {
    rounds, seconds, connections: CONNECTIONS, warmUpSeconds: 3, loadCore: 'all',
    requestsOf: () => requests,
    answerOf: () => answerTo({ id: idOf(1), bytes: BYTES }),
    hitsMin: 0.99,
  });
  print(`hits, 2 kB, ${CONNECTIONS} connections`, figures);
  keep('workers', { quick, rounds, seconds, figures: Object.fromEntries(figures) });
} finally {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await Promise.all([subgraph.stop(), redis.stop()]);
}
