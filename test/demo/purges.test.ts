/**
 * Plays the cache: notes what the services answer, and with which tags; makes a change; and then
 * sees that of all the answers exactly those were purged that it must not serve any more.
 */
import { parse, print, type DocumentNode } from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ServiceName } from '../../src/demo/run.ts';
import { readSdl, subgraphSchema } from '../../src/demo/subgraph.ts';
import { Horizon } from '../../src/invalidation/horizon.ts';
import { positionOf } from '../../src/invalidation/position.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import type { Tag } from '../../src/invalidation/tag.ts';
import { planOperation } from '../../src/policy/operation-plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { until } from '../support/until.ts';
import { World } from './world.ts';

let world: World;
let token: string;

beforeAll(async () => {
  world = await World.start();
  ({ token } = await world.login('ada.diallo'));
});
afterAll(async () => {
  await world.close();
});

interface Query {
  readonly service: ServiceName;
  readonly text: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

interface Cached {
  readonly answer: string;
  readonly tags: readonly Tag[];
}

const POSTS = `{
  edges { cursor node { id title version author { id } } } pageInfo { hasNextPage }
}`;
const ONLY_PAGE_INFO = '{ pageInfo { hasNextPage endCursor } }';

/** Every root field and entity field, with and without what it lists. */
function queries(ids: { post: string; comment: string }): readonly Query[] {
  const { post, comment } = ids;
  const entities = (fields: string, representation: object): Query => ({
    service: 'content',
    text: `query ($of: [_Any!]!) { _entities(representations: $of) { ${fields} } }`,
    variables: { of: [representation] },
  });
  return [
    ...['1', '60', '61', '4711'].flatMap((id): Query[] => [
      { service: 'users', text: `{ user(id: "${id}") { name bio version } }` },
      { service: 'feed', text: `{ feed(userId: "${id}") { posts ${FEED_PAGE} } }` },
      { service: 'feed', text: `{ feed(userId: "${id}", first: 1) { posts ${ONLY_PAGE_INFO} } }` },
      entities(`... on User { posts(first: 2) ${POSTS} }`, { __typename: 'User', id }),
      entities(`... on User { posts(first: 1) ${ONLY_PAGE_INFO} }`, { __typename: 'User', id }),
    ]),
    { service: 'users', text: '{ users(first: 100) { edges { node { name } } } }' },
    { service: 'users', text: `{ users(first: 59) ${ONLY_PAGE_INFO} }` },
    { service: 'users', text: '{ users(first: 0) { edges { cursor } } }' },
    ...[post, '7', '99999'].flatMap((id): Query[] => [
      { service: 'content', text: `{ post(id: "${id}") { title version } }` },
      {
        service: 'content',
        text: `{ post(id: "${id}") { comments(first: 2) ${COMMENT_PAGE} } }`,
      },
      {
        service: 'content',
        text: `{ post(id: "${id}") { comments(first: 0) ${ONLY_PAGE_INFO} } }`,
      },
      entities('... on Post { title comments { edges { node { text } } } }',
        { __typename: 'Post', id }),
    ]),
    entities('... on Comment { text post { title } }', { __typename: 'Comment', id: comment }),
    { service: 'content', text: `{ posts(first: 3) ${POSTS} }` },
    { service: 'content', text: `{ posts(first: 100) ${ONLY_PAGE_INFO} }` },
    { service: 'content', text: '{ posts(first: 5) { edges { cursor } } }' },
    { service: 'notifications', text: `{ notifications(userId: "1") ${NOTIFICATION_PAGE} }` },
    { service: 'notifications', text: `{ notifications(userId: "1") ${ONLY_PAGE_INFO} }` },
    { service: 'auth', text: '{ me { id } session { id } }' },
  ];
}

const FEED_PAGE = '{ edges { node { id } } pageInfo { hasNextPage } }';
const COMMENT_PAGE = '{ edges { node { id text author { id } } } pageInfo { hasNextPage } }';
const NOTIFICATION_PAGE = '{ edges { node { id kind actor { id } post { id } comment { id } } } }';

const schemas = new Map<ServiceName, ReturnType<typeof schemaOf>>();

/** As the gateway sees a subgraph: its SDL and `_entities`. */
function schemaOf(service: ServiceName) {
  const sdl = readSdl(service);
  const schema = subgraphSchema(sdl, {});
  return { schema, policy: new SchemaPolicy(parse(sdl)) };
}

async function read({ service, text, variables = {} }: Query): Promise<Cached> {
  const known = schemas.get(service) ?? schemaOf(service);
  schemas.set(service, known);
  const document: DocumentNode = parse(text);
  const plan = planOperation({ ...known, document });
  const { data } = await world.ask(service, print(plan.completed), { variables, token });
  const harvest = plan.harvest(data, variables);
  expect(plan.ttlMs, text).toBeGreaterThan(0);
  return {
    answer: JSON.stringify(harvest.data),
    tags: [...plan.declaredTags(variables), ...harvest.tags],
  };
}

interface Outcome {
  /** What answers otherwise now. */
  readonly changed: readonly string[];
  readonly purged: readonly string[];
}

/** `settled`: how many messages the change makes in all, those of other services included. */
async function play(
  ids: { post: string; comment: string },
  change: { service: ServiceName; text: string; settled: number },
): Promise<Outcome> {
  const before = new Map<Query, Cached>();
  for (const query of queries(ids)) before.set(query, await read(query));
  world.log.taken.splice(0);
  const { errors } = await world.ask(change.service, change.text);
  expect(errors).toBeUndefined();
  await until(() => world.log.taken.length >= change.settled, {
    what: `${change.settled} messages are published`,
  });
  const horizon = new Horizon();
  const stamp = positionOf(1, 0);
  const messages = [...world.log.taken];
  messages.forEach((message, index) =>
    horizon.advance(positionOf(2, index + 1), purgesOf(message)));
  const changed: string[] = [];
  const purged: string[] = [];
  for (const [query, { answer, tags }] of before) {
    const name = `${query.service} ${query.text} ${JSON.stringify(query.variables ?? {})}`;
    if ((await read(query)).answer !== answer) changed.push(name);
    if (horizon.invalidatedSince(stamp, tags)) purged.push(name);
  }
  expect(messages.map(({ source_service: from }) => from).length).toBe(change.settled);
  return { changed, purged };
}

async function made(service: ServiceName, text: string): Promise<string> {
  const { data, errors } = await world.ask(service, text);
  expect(errors).toBeUndefined();
  return (Object.values(data)[0] as { id: string }).id;
}

/** A post of user 60 with a comment by user 61, all heard of by everybody. */
async function somePost(): Promise<{ post: string; comment: string }> {
  const before = world.log.all.length;
  const post = await made('content',
    'mutation { createPost(input: { authorId: "60", title: "T", body: "B" }) { id } }');
  const comment = await made('content',
    `mutation { addComment(postId: "${post}", input: { authorId: "61", text: "C" }) { id } }`);
  await until(() => {
    const sources = world.log.all.slice(before).map(({ source_service: from }) => from);
    return sources.includes('feed-service') && sources.includes('notifications-service');
  }, { what: 'the post is in the feeds, and the comment is notified' });
  world.log.taken.splice(0);
  return { post, comment };
}

test('an updated user purges what shows them, and nothing else', async () => {
  const { changed, purged } = await play(await somePost(), {
    service: 'users',
    text: 'mutation { updateUser(id: "60", input: { name: "New" }) { id } }',
    settled: 1,
  });
  expect(changed).toHaveLength(2);
  expect(purged).toEqual(expect.arrayContaining([...changed]));
  // Beside these, answers of other services that hold a reference to the user.
  expect(purged.every((name) => !name.includes('user(id: "61")'))).toBe(true);
  expect(purged).not.toContain('users { user(id: "1") { name bio version } } {}');
});

test('an updated post purges what shows it, and nothing else', async () => {
  const ids = await somePost();
  const { changed, purged } = await play(ids, {
    service: 'content',
    text: `mutation { updatePost(id: "${ids.post}", input: { title: "New" }) { id } }`,
    settled: 1,
  });
  expect(changed.length).toBeGreaterThan(3);
  expect(purged).toEqual(expect.arrayContaining([...changed]));
  expect(purged).not.toContain('content { post(id: "7") { title version } } {}');
  expect(purged.filter((name) => name.startsWith('users'))).toEqual([]);
});

test.each([
  ['a new post', 'content',
    () => 'mutation { createPost(input: { authorId: "60", title: "T", body: "B" }) { id } }', 2],
  ['a deleted post', 'content', ({ post }) => `mutation { deletePost(id: "${post}") }`, 3],
  ['a new comment', 'content', ({ post }) =>
    `mutation { addComment(postId: "${post}", input: { authorId: "1", text: "C" }) { id } }`, 2],
  ['a comment on a post of the reader', 'content', () => 'mutation { addComment('
    + 'postId: "ADA", input: { authorId: "60", text: "C" }) { id } }', 2],
  ['a deleted comment', 'content',
    ({ comment }) => `mutation { deleteComment(id: "${comment}") }`, 1],
  ['a new follower of the reader', 'feed', () =>
    'mutation { follow(userId: "61", targetId: "1") { userId } }', 2],
  ['somebody followed', 'feed', () =>
    'mutation { follow(userId: "1", targetId: "60") { userId } }', 2],
  ['somebody unfollowed', 'feed', () =>
    'mutation { unfollow(userId: "1", targetId: "60") { userId } }', 1],
] satisfies Change[])('%s purges whatever it changes', async (_, service, text, settled) => {
  await prepare(text({ post: '', comment: '' }));
  const ids = await somePost();
  const ada = await postOfAda();
  const change = { service, text: text(ids).replace('ADA', ada), settled };
  const { changed, purged } = await play(ids, change);
  expect(changed.length).toBeGreaterThan(0);
  expect(purged).toEqual(expect.arrayContaining([...changed]));
  expect(purged).not.toContain('users { user(id: "4711") { name bio version } } {}');
});

type Change = [
  string, ServiceName, (ids: { post: string; comment: string }) => string, number,
];

/** So that following and unfollowing change something, whatever other tests did. */
async function prepare(text: string): Promise<void> {
  const [, word, rest] = /(unfollow|follow)(.*)$/.exec(text) ?? [];
  if (word === undefined) return;
  const opposite = word === 'follow' ? 'unfollow' : 'follow';
  await world.ask('feed', `mutation { ${opposite}${rest}`);
}

async function postOfAda(): Promise<string> {
  const { data } = await world.ask('content', `query ($of: [_Any!]!) {
    _entities(representations: $of) { ... on User { posts(first: 1) ${POSTS} } }
  }`, { variables: { of: [{ __typename: 'User', id: '1' }] } });
  const [edge] = data._entities[0].posts.edges;
  if (edge !== undefined) return edge.node.id;
  return made('content',
    'mutation { createPost(input: { authorId: "1", title: "T", body: "B" }) { id } }');
}

test('a deleted user purges whatever that changes, in every service', async () => {
  const ids = await somePost();
  const before = world.log.all.length;
  const cached = new Map<Query, Cached>();
  for (const query of queries(ids)) cached.set(query, await read(query));
  await world.ask('users', 'mutation { deleteUser(id: "60") }');
  const sources = ['users', 'content', 'feed', 'notifications'].map((name) => `${name}-service`);
  await until(() => {
    const messages = world.log.all.slice(before);
    const deleted = messages.some(({ action, source_service: from }) =>
      action === 'Batch' && from === 'content-service');
    return deleted && sources.every((name) =>
      messages.some(({ source_service: from }) => from === name));
  }, { what: 'every service has published' });
  const horizon = new Horizon();
  await until(async () => {
    for (const [index, message] of world.log.all.slice(before).entries()) {
      horizon.advance(positionOf(2, index + 1), purgesOf(message));
    }
    for (const [query, { answer, tags }] of cached) {
      if ((await read(query)).answer === answer) continue;
      expect(horizon.invalidatedSince(positionOf(1, 0), tags), query.text).toBe(true);
    }
    return true;
  }, { what: 'everything that changed is purged' });
});
