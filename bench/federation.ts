/**
 * One query over five subgraphs: cold, with its entities cached, and with the response cached;
 * next to Hive Gateway with and without its response cache.
 *
 *     npm run bench:federation -- --quick
 */
import { parseArgs } from 'node:util';
import {
  installPeers, startFreshet, startHive, startSubgraph, type Contestant,
} from './contestants.ts';
import { FEDERATION, SHELF_QUERY, shelfAnswer } from './federation-subgraphs.ts';
import { keep } from './machine.ts';
import { inRounds, print, type Figures } from './rounds.ts';
import { requirePrograms } from './server.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '' },
    seconds: { type: 'string', default: '' },
    connections: { type: 'string', default: '64' },
    'node-args': { type: 'string', default: '' },
  },
});
const { quick } = values;
const rounds = Number(values.rounds || (quick ? 1 : 5));
const seconds = Number(values.seconds || (quick ? 2 : 4));
const connections = Number(values.connections);
const nodeArgs = values['node-args'].split(/[ ,]/).filter((arg) => arg !== '');

requirePrograms('wrk', 'taskset');
installPeers();
const names = Object.keys(FEDERATION);
const processes = await Promise.all(names.map((name) => startSubgraph(name)));
const subgraphs = Object.fromEntries(processes.map(({ name, url }) => [name, url]));
const calls = async (): Promise<number> => {
  const counts = await Promise.all(processes.map((one) => one.calls()));
  return counts.reduce((sum, count) => sum + count, 0);
};
const config = { subgraphs, cache: { defaultTtlSeconds: 3_600 } };
const [off, freshet, parts, hive, hiveCaching] = [
  await startFreshet({
    name: 'freshet, caching off', nodeArgs, calls, config: { subgraphs, cache: { enabled: false } },
  }),
  await startFreshet({ config, nodeArgs, calls }),
  await startFreshet({
    name: 'freshet, parts only', nodeArgs, calls,
    config: { subgraphs, cache: { ...config.cache, responses: false } },
  }),
  await startHive({ name: 'Hive Gateway, no cache', subgraphs, caching: false, calls }),
  await startHive({ name: 'Hive Gateway', subgraphs, caching: true, calls }),
];
const gateways = [off, freshet, parts, hive, hiveCaching];
const CALLS_EACH = await callsOfOne();
const results: object[] = [];
try {
  // A shelf that nobody has asked for: every subgraph is asked for every part.
  await measure('cold', [hive, hiveCaching, off, freshet], { id: '{id}', visit: '0' });
  // Every visit is another answer of the root field; the entities in it are known.
  await measure('warm entities', [hive, freshet], { id: 'warm', visit: '{id}' });
  await measure('warm root field and entities', [hive, parts], { id: 'warm', visit: '0' });
  await measure('warm responses', [hive, hiveCaching, freshet], { id: 'warm', visit: '0' });
} finally {
  await Promise.all([...gateways, ...processes].map((one) => one.stop()));
}
keep('federation', { quick, rounds, seconds, connections, callsEach: CALLS_EACH, results });

async function measure(
  name: string,
  contestants: readonly Contestant[],
  variables: { readonly id: string; readonly visit: string },
): Promise<ReadonlyMap<string, Figures>> {
  const body = JSON.stringify({ query: SHELF_QUERY, variables });
  const figures = await inRounds(contestants, {
    rounds, seconds, connections, warmUpSeconds: quick ? 2 : 5,
    requestsOf: () => [{ method: 'POST', path: '/graphql', body }],
    answerOf: () => shelfAnswer(variables.id.replace('{id}', '00000000')),
    callsEach: CALLS_EACH,
  });
  print(`${name}, ${connections} connections`, figures);
  results.push({ case: name, figures: Object.fromEntries(figures) });
  return figures;
}

/** How many resolvers of the subgraphs run for an answer that comes from no cache. */
async function callsOfOne(): Promise<number> {
  const before = await calls();
  await fetch(`http://127.0.0.1:${off.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: SHELF_QUERY, variables: { id: 'one', visit: '0' } }),
  }).then((answer) => answer.text());
  return (await calls()) - before;
}
