/**
 * How long after a service's own answer both nodes serve the new state: two gateway nodes, real
 * Redis, the sample services as processes, each change made directly in the users service.
 *
 *     npm run bench:stories -- --changes 200
 */
import { parseArgs } from 'node:util';
import { askAt, startTestNode } from '../test/e2e/fleet.ts';
import { startServices } from '../test/e2e/services.ts';
import { startRedis } from '../test/support/redis.ts';
import { percentiles } from './percentiles.ts';

const { values } = parseArgs({ options: { changes: { type: 'string', default: '200' } } });
const QUERY = '{ user(id: 2) { name posts(first: 3) { edges { node { author { name } } } } } }';

const redis = await startRedis();
const services = await startServices(redis.url);
const options = { subgraphs: services.subgraphs, redis: redis.url };
const nodes = await Promise.all([startTestNode(options), startTestNode(options)]);
const took: number[] = [];
let staleAnswers = 0;
for (let n = 0; n < Number(values.changes); n += 1) {
  const name = `Name ${n}`;
  await Promise.all(nodes.map((node) => node.ask(QUERY)));
  const mutation = `mutation { updateUser(id: 2, input: { name: "${name}" }) { id } }`;
  await askAt(services.subgraphs.users, mutation);
  const answeredAt = performance.now();
  await Promise.all(nodes.map(async (node) => {
    while (!(await node.ask(QUERY)).text.includes(`"${name}"`)) staleAnswers += 1;
  }));
  took.push(performance.now() - answeredAt);
}
console.log('from the answer of the service to the new state from both nodes, reads included:');
console.log(`${percentiles(took, 'ms')}; answers that were still old: ${staleAnswers}`);
await Promise.all(nodes.map((node) => node.stop()));
await services.stop();
await redis.stop();
