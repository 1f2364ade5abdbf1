/**
 * What an answer depends on and is not tagged with would show here: queries at random are asked of
 * a node that caches and of one that does not, between changes at random that are told of as
 * DESIGN says: an update by its entity, what comes or goes by its collection too.
 */
import { expect, test } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { parsePosition } from '../../src/invalidation/position.ts';
import { integerBelow, pick, seededRandom } from '../support/seeded-random.ts';
import { until } from '../support/until.ts';
import { startTestNode } from './fleet.ts';
import { OracleData, startOracleWorld, type Article, type Person } from './oracle-world.ts';
import { someId, someQuery } from './oracle-queries.ts';

const SEED = process.env['FRESHET_SEED'] ?? 'an answer and its tags';
const ROUNDS = 30;
const QUERIES_EACH_ROUND = 8;

const random = seededRandom(SEED);
const data = new OracleData();

test(`a node that caches answers as one that does not (seed ${SEED})`, async () => {
  for (const id of ['1', '2', '3']) {
    data.users.set(id, person(id));
    data.posts.set(id, article('Post', id));
    data.comments.set(id, article('Comment', id));
  }
  const world = await startOracleWorld(data);
  const subgraphs = Object.fromEntries(world.map(({ name, url }) => [name, url]));
  const log = new MemoryLog();
  const caching = await startTestNode({ subgraphs, invalidationLog: log });
  const plain = await startTestNode({ subgraphs, cache: { enabled: false } });
  const maker = new MessageMaker({
    sourceService: 'test', clock: systemClock, newId: () => crypto.randomUUID(),
  });
  const queries = Array.from({ length: 40 }, () => someQuery(random));
  let hits = 0;
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      const keys = change(round);
      const position = await log.append(maker.batch(keys));
      const stands = () => (parsePosition(caching.gateway.status().position) ?? '') >= position;
      await until(stands, { what: 'the node has applied the change' });
      for (let asked = 0; asked < QUERIES_EACH_ROUND; asked += 1) {
        const query = pick(random, queries);
        const [cached, read] = [await caching.ask(query), await plain.ask(query)];
        hits += cached.cache === 'hit' ? 1 : 0;
        const told = `round ${round}, after a change of ${keys.join(', ')}: ${query}`;
        expect(cached.errors, told).toEqual(read.errors);
        expect(cached.data, told).toEqual(read.data);
      }
    }
  } finally {
    await Promise.all([caching.stop(), plain.stop()]);
    await Promise.all(world.map((subgraph) => subgraph.stop()));
  }
  expect(hits, 'it did cache').toBeGreaterThan(10);
});

/** Changes something; returns what is to be purged. */
function change(round: number): string[] {
  const id = someId(random);
  switch (integerBelow(random, 4)) {
    case 0:
      return comeGoOrChange(data.users, { type: 'user', id, made: person(id, round) });
    case 1:
      return comeGoOrChange(data.posts, { type: 'post', id, made: article('Post', id, round) });
    case 2: {
      const made = article('Comment', id, round);
      return comeGoOrChange(data.comments, { type: 'comment', id, made });
    }
    default: {
      const made = { shop: { id }, number: 1, note: `note ${round}`, buyerId: someId(random) };
      return comeGoOrChange(data.orders, { type: 'order', id: `${id}:1`, made });
    }
  }
}

function comeGoOrChange<Item>(
  items: Map<string, Item>,
  { type, id, made }: { type: string; id: string; made: Item },
): string[] {
  const isThere = items.has(id);
  const goes = isThere && random() < 0.3;
  if (goes) items.delete(id);
  else items.set(id, made);
  return isThere && !goes ? [`${type}:${id}`] : [`${type}:${id}`, type];
}

function person(id: string, round = 0): Person {
  const name = `name ${round} of ${id}`;
  const managerId = someId(random);
  return { __typename: 'User', id, email: `${id}@x`, name, managerId, pet: `pet ${round}` };
}

/** Where it belongs never changes, as the lists of others would change with it. */
function article(__typename: Article['__typename'], id: string, round = 0): Article {
  return { __typename, id, text: `text ${round} of ${id}`, authorId: id, postId: id };
}
