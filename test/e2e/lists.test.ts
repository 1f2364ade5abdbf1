/**
 * What is created reaches everything that was cached while it did not exist; what is updated takes
 * away only what carries it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Answer, AskOptions } from './fleet.ts';
import { startPair, type Pair } from './pair.ts';
import { person, post, startWorld, type World } from './world.ts';

const CREATE = `mutation ($id: ID!, $title: String!, $authorId: ID!) {
  createPost(id: $id, title: $title, authorId: $authorId) { title }
}`;

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
  world.people.clear();
  for (const id of ['1', '2', '3']) world.people.set(id, person(id));
  world.posts.clear();
  await pair.publish({ action: 'Pattern', pattern: '*', entity_type: { Custom: 'pattern' } });
});

/** Makes both nodes hold the answer, in L1. */
async function cached(query: string, options?: AskOptions): Promise<unknown> {
  let data: unknown;
  for (const node of pair.nodes) {
    await node.ask(query, options);
    const again = await node.ask(query, options);
    expect(again.cache).toBe('hit');
    data = again.data;
  }
  return data;
}

function eachAsk(query: string, options?: AskOptions): Promise<Answer[]> {
  return Promise.all(pair.nodes.map((node) => node.ask(query, options)));
}

async function expectHits(query: string): Promise<void> {
  for (const answer of await eachAsk(query)) expect(answer.cache).toBe('hit');
}

async function expectFresh(query: string, expected: unknown): Promise<void> {
  // One after the other: the second must not be given by L2 what the first one found there.
  for (const node of pair.nodes) {
    const answer = await node.ask(query);
    expect(answer.data).toEqual(expected);
    expect(answer.errors).toBeUndefined();
  }
  await expectHits(query);
}

interface Way {
  readonly name: string;
  readonly create: (id: string, authorId: string) => Promise<unknown>;
}

const WAYS: readonly Way[] = [
  {
    name: 'by a message with metadata.created',
    create: (id, authorId) => {
      world.posts.set(id, post(id, authorId));
      return pair.publish({
        entity_type: 'Post', entity_id: id, action: 'Update', metadata: { created: true },
      });
    },
  },
  {
    name: "by this project's publisher",
    create: (id, authorId) => {
      world.posts.set(id, post(id, authorId));
      return pair.tell((publisher) => publisher.created('Post', id));
    },
  },
  {
    name: 'by a batch of keys with metadata.created',
    create: (id, authorId) => {
      world.posts.set(id, post(id, authorId));
      return pair.publish({ entity_ids: [`post:${id}`], metadata: { created: true } });
    },
  },
  {
    name: 'by a mutation through the gateway',
    create: (id, authorId) => {
      const variables = { id, title: `title of ${id}`, authorId };
      return pair.mutate(pair.nodes[0], CREATE, { variables });
    },
  },
];

interface Place {
  readonly name: string;
  readonly query: string;
  readonly before: unknown;
  readonly after: unknown;
}

const NEW = { title: 'title of new' };

/** Cached while there was no post at all. */
const EMPTY_PLACES: readonly Place[] = [
  {
    name: 'an empty list',
    query: '{ posts { title } }',
    before: { posts: [] },
    after: { posts: [NEW] },
  },
  {
    name: 'an empty list under an alias in a fragment',
    query: '{ ...All } fragment All on Query { everything: posts { ... on Post { title } } }',
    before: { everything: [] },
    after: { everything: [NEW] },
  },
  {
    name: 'a null',
    query: '{ post(id: "new") { title } }',
    before: { post: null },
    after: { post: NEW },
  },
  {
    name: 'an empty list inside of an entity of another subgraph',
    query: '{ user(id: "1") { name posts { title } } }',
    before: { user: { name: 'name of 1', posts: [] } },
    after: { user: { name: 'name of 1', posts: [NEW] } },
  },
  {
    name: 'empty lists inside of a list',
    query: '{ users { posts { title } } }',
    before: { users: [{ posts: [] }, { posts: [] }, { posts: [] }] },
    after: { users: [{ posts: [NEW] }, { posts: [] }, { posts: [] }] },
  },
  {
    name: 'a null inside of an entity of another subgraph',
    query: '{ user(id: "1") { latestPost { title } } }',
    before: { user: { latestPost: null } },
    after: { user: { latestPost: NEW } },
  },
  {
    name: 'a connection without edges',
    query: '{ postPage { edges { node { title } } } }',
    before: { postPage: { edges: [] } },
    after: { postPage: { edges: [{ node: NEW }] } },
  },
  {
    name: 'the cursors of a connection, without its nodes',
    query: '{ postPage { edges { cursor } } }',
    before: { postPage: { edges: [] } },
    after: { postPage: { edges: [{ cursor: 'new' }] } },
  },
  {
    name: 'the number of elements of a connection',
    query: '{ postPage { totalCount } }',
    before: { postPage: { totalCount: 0 } },
    after: { postPage: { totalCount: 1 } },
  },
  {
    name: 'the type names in a list',
    query: '{ posts { __typename } }',
    before: { posts: [] },
    after: { posts: [{ __typename: 'Post' }] },
  },
];

describe.each(WAYS)('a post that is created $name', ({ create }) => {
  test.each(EMPTY_PLACES)('reaches $name', async ({ query, before, after }) => {
    expect(await cached(query)).toEqual(before);
    await create('new', '1');
    await expectFresh(query, after);
  });

  test('reaches lists that have other elements', async () => {
    world.posts.set('old', post('old', '1'));
    const query = '{ posts { title } user(id: "1") { posts { title } latestPost { title } } }';
    await cached(query);
    await create('new', '1');
    const posts = [{ title: 'title of old' }, NEW];
    // One that is shown alone does not become stale when there is another.
    for (const node of pair.nodes) {
      const { data } = await node.ask(query);
      expect(data.posts).toEqual(posts);
      expect(data.user.posts).toEqual(posts);
    }
  });

  test('leaves single entities and lists of another type where they are', async () => {
    world.posts.set('old', post('old', '1'));
    const others = ['{ post(id: "old") { title } }', '{ users { name } }', '{ open { text } }'];
    for (const query of others) await cached(query);
    await create('new', '1');
    for (const query of others) await expectHits(query);
  });
});

test('an entity that came to be reaches the nulls that were in its place', async () => {
  world.posts.set('p', post('p', 'late'));
  const query = '{ post(id: "p") { title author { nickname } } }';
  const before = { post: { title: 'title of p', author: { nickname: null } } };
  expect(await cached(query)).toEqual(before);
  world.people.set('late', { ...person('late'), nickname: 'Late' });
  await pair.publish({
    entity_type: 'User', entity_id: 'late', action: 'Update', metadata: { created: true },
  });
  await expectFresh(query, { post: { title: 'title of p', author: { nickname: 'Late' } } });
});

describe('an update', () => {
  const USER_1 = '{ user(id: "1") { name } }';
  const USER_2 = '{ user(id: "2") { name } }';
  const ALL = '{ users { name } }';
  const AUTHORS = '{ posts { author { name } } }';
  const TITLES = '{ posts { title } }';
  const POSTS_OF_3 = '{ user(id: "3") { posts { title } } }';

  beforeEach(() => {
    world.posts.set('p1', post('p1', '1'));
    world.posts.set('p2', post('p2', '2'));
  });

  const updates: readonly [string, () => Promise<unknown>][] = [
    ['a message', () => pair.publish({ entity_type: 'User', entity_id: '1', action: 'Update' })],
    ['a deletion', () => pair.publish({ entity_type: 'User', entity_id: '1', action: 'Delete' })],
    ['a batch', () => pair.publish({ entity_ids: ['user:1'] })],
    ['a publisher', () => pair.tell((one) => one.invalidateUser('1', { action: 'Update' }))],
  ];

  test.each(updates)('by %s takes away only what carries the entity', async (_, update) => {
    for (const query of [USER_1, USER_2, ALL, AUTHORS, TITLES, POSTS_OF_3]) await cached(query);
    world.people.set('1', { ...person('1'), name: 'renamed' });
    await update();
    for (const query of [USER_2, TITLES, POSTS_OF_3]) await expectHits(query);
    await expectFresh(USER_1, { user: { name: 'renamed' } });
    const others = [{ name: 'name of 2' }, { name: 'name of 3' }];
    await expectFresh(ALL, { users: [{ name: 'renamed' }, ...others] });
    const authors = [{ author: { name: 'renamed' } }, { author: { name: 'name of 2' } }];
    await expectFresh(AUTHORS, { posts: authors });
  });

  test('has only the entity itself read again', async () => {
    await cached(AUTHORS);
    world.users.forget();
    await pair.publish({ entity_type: 'User', entity_id: '1', action: 'Update' });
    await eachAsk(AUTHORS);
    const asked = new Set(world.users.representations.map(({ id }) => id as string));
    expect(asked).toEqual(new Set(['1']));
  });

  test('by a mutation takes away only what carries the entity, on both nodes', async () => {
    for (const query of [USER_1, USER_2, TITLES]) await cached(query);
    const rename = 'mutation { rename(id: "1", name: "renamed") { name } }';
    const { data } = await pair.mutate(pair.nodes[1], rename);
    expect(data).toEqual({ rename: { name: 'renamed' } });
    for (const query of [USER_2, TITLES]) await expectHits(query);
    await expectFresh(USER_1, { user: { name: 'renamed' } });
  });

  test('without an effect on lists leaves an empty list where it is', async () => {
    await cached(POSTS_OF_3);
    await pair.publish({ entity_type: 'Post', entity_id: 'p1', action: 'Update' });
    await expectHits(POSTS_OF_3);
  });

  test('of what was not there reaches the nulls that were asked for by its id', async () => {
    const missing = '{ post(id: "new") { title } }';
    const other = '{ post(id: "other") { title } }';
    for (const query of [missing, other]) await cached(query);
    world.posts.set('new', post('new', '1'));
    await pair.publish({ entity_type: 'Post', entity_id: 'new', action: 'Update' });
    await expectHits(other);
    await expectFresh(missing, { post: NEW });
  });

  test('of an entity in a list reaches the list, on both nodes', async () => {
    await cached(TITLES);
    world.posts.delete('p1');
    await pair.publish({ entity_type: 'Post', entity_id: 'p1', action: 'Delete' });
    await expectFresh(TITLES, { posts: [{ title: 'title of p2' }] });
  });
});

