/** Whatever an id looks like, its entity is cached, purged when told, and nobody else's with it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { entityTag, escapeSegment } from '../../src/invalidation/tag.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import type { AskOptions, TestNode } from './fleet.ts';
import { startPair, type Pair } from './pair.ts';
import { post, startWorld, type World } from './world.ts';

/** Many are there to be mistaken for another: by escaping, by joining, by case, by a pattern. */
const IDS = [
  '1', '01', ' ', '', '-', '%-', '%', '%25', '*', '%2A', 'user:1', '1:posts', ':', 'a b', 'a%20b',
  'A B', '/x/', '/', 'gid://shop/User/1', 'gid%3A//shop/User/1', '\u{1F600}', '\u00e4', 'a\u0308',
  '\u0000', 'line\nbreak', '"', '\\', '__proto__', '%h0', '../1', 'x'.repeat(1_000),
  'x'.repeat(1_001), ':'.repeat(1_000), '*'.repeat(1_000), '\u{1F600}'.repeat(250),
];

interface Question {
  readonly id: string;
  readonly name: string;
  readonly query: string;
  readonly options: AskOptions;
}

describe('a user', () => {
  let world: World;
  let pair: Pair;

  beforeAll(async () => {
    world = await startWorld();
    pair = await startPair({ subgraphs: world.subgraphs });
  });

  afterAll(async () => {
    await pair.stop();
    await world.stop();
  });

  beforeEach(async () => {
    for (const [index, id] of IDS.entries()) {
      world.people.set(id, { id, name: `old ${index}`, email: '' });
      world.posts.set(`p${index}`, post(`p${index}`, id));
    }
    await pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });
    await Promise.all(questions().map((one) => fill(one)));
  });

  /** A root field, and an entity that another subgraph refers to, for each id. */
  const questions = (): Question[] => IDS.flatMap((id, index) => [
    {
      id, name: 'user', query: 'query ($id: ID!) { user(id: $id) { name } }',
      options: { variables: { id } },
    },
    {
      id, name: 'author', query: 'query ($id: ID!) { post(id: $id) { author { name } } }',
      options: { variables: { id: `p${index}` } },
    },
  ]);

  const nameIn = ({ data }: Awaited<ReturnType<TestNode['ask']>>): string =>
    (data.user ?? data.post.author).name;

  async function fill({ id, query, options }: Question): Promise<void> {
    for (const node of pair.nodes) {
      await node.ask(query, options);
      const again = await node.ask(query, options);
      expect(again.cache).toBe('hit');
      expect(nameIn(again)).toBe(world.people.get(id)?.name);
    }
  }

  /**
   * The ids of what is not answered from memory: of each one question is asked of one node, and
   * from round to round another. Afterwards both nodes hold all of it again.
   */
  async function missed(): Promise<Set<string>> {
    round += 1;
    const asked = await Promise.all(IDS.map(async (id, at) => {
      const { query, options } = questions()[2 * at + (at + round) % 2] as Question;
      const node = pair.nodes[(at + (round >> 1)) % 2] as TestNode;
      const answer = await node.ask(query, options);
      expect(nameIn(answer)).toBe(world.people.get(id)?.name);
      // What one node has filled in anew, the other may find in Redis.
      return /detail=l1/.test(answer.headers.get('cache-status') ?? '') ? undefined : id;
    }));
    const ids = new Set(asked.filter((id) => id !== undefined));
    await Promise.all(questions().filter(({ id }) => ids.has(id)).map((one) => fill(one)));
    return ids;
  }
  let round = 0;

  function rename(id: string): void {
    world.people.set(id, { id, name: `new ${id.slice(0, 20)}`, email: '' });
  }

  type Way = readonly [name: string, purge: (id: string) => Promise<unknown>];

  const BY_ID: readonly Way[] = [
    ['a message with its id', (id) => {
      rename(id);
      return pair.publish({ entity_type: 'User', entity_id: id, action: 'Update' });
    }],
    ["the publisher's message of a user", (id) => {
      rename(id);
      return pair.tell((publisher) => publisher.invalidateUser(id));
    }],
  ];

  /** A key on the wire may be a tag or plain text, and is read as both (`purgesOf`). */
  const BY_KEY: readonly Way[] = [
    ["the publisher's batch of tags", (id) => {
      rename(id);
      return pair.tell((publisher) => publisher.invalidateBatch([entityTag('User', id)]));
    }],
    ['a mutation', (id) => pair.mutate(
      pair.nodes[0],
      'mutation ($id: ID!, $name: String!) { rename(id: $id, name: $name) { nickname } }',
      { variables: { id, name: `new ${id.slice(0, 20)}` } },
    )],
  ];

  test.each(BY_ID)('is purged alone by %s, whatever the id', async (_, purge) => {
    for (const id of IDS) {
      await purge(id);
      expect(await missed()).toEqual(new Set([id]));
    }
  });

  test.each(BY_KEY)('is purged alone by %s, but for an id that reads like it', async (_, purge) => {
    for (const id of IDS) {
      await purge(id);
      expect(await missed()).toEqual(new Set(readings(id)));
    }
  });

  const readings = (id: string): string[] =>
    [id, escapeSegment(id)].filter((one) => IDS.includes(one));

  test('is purged by a batch of keys as services write them', async () => {
    for (const id of IDS) {
      rename(id);
      await pair.publish({ entity_ids: [`user:${id}`] });
      const others = await missed();
      expect(others).toContain(id);
      // A key with a percent sign can be read as a tag too, and is purged both ways.
      if (!id.includes('%')) expect([...others]).toEqual([id]);
    }
  });

  test('is purged by several keys in one batch, and all others stay', async () => {
    const some = IDS.filter((_, index) => index % 3 === 0);
    for (const id of some) rename(id);
    await pair.tell((publisher) =>
      publisher.invalidateBatch(some.map((id) => entityTag('User', id))));
    expect(await missed()).toEqual(new Set(some.flatMap(readings)));
  });
});

describe('an entity with a nested key of two fields', () => {
  const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@shareable"])`;
  const SEATS: readonly (readonly [show: string, number: string])[] = [
    ['a', 'b'], ['a', 'b:c'], ['a:b', 'c'], ['b', 'a'], ['a b', '1'], ['a', 'b 1'], ['*', '*'],
    ['a', '*'], ['', 'a'], ['a', ''], ['', ''], ['a","b', 'c'], ['a', 'b","c'], ['/a/', '/'],
    ['\u{1F600}', '%'], ['%', '\u{1F600}'], ['x'.repeat(1_000), 'y'.repeat(1_000)],
  ];
  const prices = new Map<string, number>();
  const priceKey = (show: string, number: string): string => JSON.stringify([show, number]);
  const QUERY = 'query ($show: ID!, $number: ID!) { seat(show: $show, number: $number) { price } }';
  let venue: TestSubgraph;
  let pricing: TestSubgraph;
  let pair: Pair;

  beforeAll(async () => {
    venue = await startSubgraph({
      name: 'venue',
      sdl: `${LINK}
        type Query { seat(show: ID!, number: ID!): Seat }
        type Seat @key(fields: "show { code } number") { show: Show! number: ID! }
        type Show { code: ID! @shareable }`,
      resolvers: { Query: { seat: (_, { show, number }) => ({ show: { code: show }, number }) } },
      entities: { Seat: (reference) => reference },
    });
    pricing = await startSubgraph({
      name: 'pricing',
      sdl: `${LINK}
        directive @cachePurge(tags: [String!]!) on FIELD_DEFINITION
        type Query { currency: String }
        type Mutation {
          reprice(show: ID!, number: ID!, price: Int!): Seat
          repriceAll(shows: [ID!]!, price: Int!): Boolean
            @cachePurge(tags: ["seat:{$args.shows}:*", "show:{$args.shows}:*"])
        }
        type Seat @key(fields: "show { code } number") { show: Show! number: ID! price: Int }
        type Show { code: ID! @shareable }`,
      resolvers: {
        Mutation: {
          reprice: (_, { show, number, price }) => {
            prices.set(priceKey(show, number), price);
            return { show: { code: show }, number };
          },
          repriceAll: (_, { shows, price }) => {
            for (const key of prices.keys()) {
              if (shows.includes(JSON.parse(key)[0])) prices.set(key, price);
            }
            return true;
          },
        },
        Seat: { price: ({ show, number }) => prices.get(priceKey(show.code, number)) },
      },
      entities: { Seat: (reference) => reference },
    });
    pair = await startPair({ subgraphs: { venue: venue.url, pricing: pricing.url } });
  });

  afterAll(async () => {
    await pair.stop();
    await Promise.all([venue.stop(), pricing.stop()]);
  });

  beforeEach(async () => {
    for (const [show, number] of SEATS) prices.set(priceKey(show, number), 1);
    await pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });
    for (const [show, number] of SEATS) {
      for (const node of pair.nodes) {
        await node.ask(QUERY, { variables: { show, number } });
        const again = await node.ask(QUERY, { variables: { show, number } });
        expect(again).toMatchObject({ cache: 'hit', data: { seat: { price: 1 } } });
      }
    }
  });

  async function missed(): Promise<string[]> {
    const keys = new Set<string>();
    for (const [show, number] of SEATS) {
      for (const node of pair.nodes) {
        const answer = await node.ask(QUERY, { variables: { show, number } });
        expect(answer.data.seat.price).toBe(prices.get(priceKey(show, number)));
        const isKept = /detail=l1/.test(answer.headers.get('cache-status') ?? '');
        if (!isKept) keys.add(priceKey(show, number));
      }
    }
    return [...keys];
  }

  test('is purged alone by its tag, however the parts would join', async () => {
    for (const [at, [show, number]] of SEATS.entries()) {
      prices.set(priceKey(show, number), 100 + at);
      await pair.tell((publisher) =>
        publisher.invalidateBatch([entityTag('Seat', show, number)]));
      expect(await missed()).toEqual([priceKey(show, number)]);
    }
  });

  test('is purged alone by a mutation, which names it in its answer only', async () => {
    const mutation = `mutation ($show: ID!, $number: ID!, $price: Int!) {
      reprice(show: $show, number: $number, price: $price) { price }
    }`;
    for (const [at, [show, number]] of SEATS.entries()) {
      const variables = { show, number, price: 200 + at };
      const { data } = await pair.mutate(pair.nodes[1], mutation, { variables });
      expect(data).toEqual({ reprice: { price: 200 + at } });
      expect(await missed()).toEqual([priceKey(show, number)]);
    }
  });

  test('is purged by a mutation that names more than one message can hold', async () => {
    const shows = SEATS.map(([show]) => show);
    for (let index = 0; index < 900; index += 1) shows.push(`other ${index}`);
    const mutation = 'mutation ($shows: [ID!]!) { repriceAll(shows: $shows, price: 300) }';
    const answer = await pair.mutate(pair.nodes[0], mutation, { variables: { shows } });
    expect(answer.errors).toBeUndefined();
    expect(await missed()).toHaveLength(SEATS.length);
  });

  test('is asked for once, as one representation with all of its key', async () => {
    await pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });
    pricing.forget();
    await pair.nodes[0].ask(QUERY, { variables: { show: 'a:b', number: 'c' } });
    expect(pricing.representations).toEqual([
      { __typename: 'Seat', show: { code: 'a:b' }, number: 'c' },
    ]);
  });
});
