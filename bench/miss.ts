/**
 * What caching costs where nothing is ever asked twice: the same gateway with caching off, on, and
 * on with Redis.
 *
 *     npm run bench:miss
 *     npm run bench:miss -- --quick --sizes 2kB
 */
import { parseArgs } from 'node:util';
import { startRedis } from '../test/support/redis.ts';
import { startFreshet, startSubgraph } from './contestants.ts';
import { keep } from './machine.ts';
import { inRounds, print } from './rounds.ts';
import { pin, requirePrograms } from './server.ts';
import { answerTo, bodyOf, idOf, SIZES, type Size } from './workload.ts';
import type { Request } from './wrk.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    sizes: { type: 'string', default: '2kB' },
    connections: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    'node-args': { type: 'string', default: '' },
  },
});
const { quick } = values;
const rounds = Number(values.rounds || (quick ? 2 : 7));
const seconds = Number(values.seconds || (quick ? 2 : 4));
const connections = Number(values.connections);
const nodeArgs = values['node-args'].split(/[ ,]/).filter((arg) => arg !== '');

requirePrograms('wrk', 'taskset', 'redis-server');
const redis = await startRedis({
  args: ['--maxmemory', '1gb', '--maxmemory-policy', 'volatile-lru'],
});
pin(redis.pid, 'other');
const subgraph = await startSubgraph('accounts');
const subgraphs = { accounts: subgraph.url };
const calls = (): Promise<number> => subgraph.calls();
const cache = { enabled: true };
const gateways = [
  await startFreshet({
    name: 'caching off', config: { subgraphs, cache: { enabled: false } }, nodeArgs, calls,
  }),
  await startFreshet({ name: 'caching on', config: { subgraphs, cache }, nodeArgs, calls }),
  await startFreshet({
    name: 'caching on, with Redis', config: { subgraphs, cache, redis: redis.url }, nodeArgs, calls,
  }),
];
const results: object[] = [];
try {
  for (const size of values.sizes.split(',') as Size[]) {
    const bytes = SIZES[size];
    const request: Request = {
      method: 'POST', path: '/graphql', body: bodyOf({ id: '{id}', bytes }),
    };
    const figures = await inRounds(gateways, {
      rounds, seconds, connections, warmUpSeconds: quick ? 2 : 40,
      requestsOf: () => [request],
      answerOf: () => answerTo({ id: idOf(0), bytes }),
    });
    print(`nothing asked twice, ${size}, ${connections} connections`, figures);
    const [off, on] = [figures.get('caching off'), figures.get('caching on')];
    for (const { hits } of figures.values()) if (hits > 0.001) throw new Error('not all missed');
    if (off && on) {
      const more = (name: 'cpu' | 'p50'): string => (on[name] / off[name]).toFixed(2);
      const time = (off.perSecond / on.perSecond).toFixed(2);
      console.log(`caching on costs ${time} of the time for a request, ${more('cpu')} of the CPU `
        + `time, ${more('p50')} of the latency at p50`);
    }
    results.push({ size, connections, figures: Object.fromEntries(figures) });
  }
} finally {
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await Promise.all([subgraph.stop(), redis.stop()]);
}
keep('miss', { quick, rounds, seconds, results });
