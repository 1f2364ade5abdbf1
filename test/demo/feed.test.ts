import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { codeOf, readPages, World, type Json } from './world.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
});
beforeEach(() => {
  world.published();
});
afterAll(async () => {
  await world.close();
});

const FEED = `query ($userId: ID!, $first: Int = 100, $after: String) {
  feed(userId: $userId, first: $first, after: $after) {
    userId user { id }
    posts { edges { cursor node { id } } pageInfo { hasNextPage endCursor } }
  }
}`;
const FOLLOW = `mutation ($userId: ID!, $targetId: ID!) {
  follow(userId: $userId, targetId: $targetId) { userId }
}`;
const UNFOLLOW = FOLLOW.replace('follow(', 'unfollow(');

async function feedOf(userId: string): Promise<string[]> {
  const { data } = await world.ask('feed', FEED, { variables: { userId } });
  return data.feed.posts.edges.map(({ node }: Json) => node.id);
}

async function createPost(authorId: string): Promise<string> {
  const input = { authorId, title: 'A title', body: 'A body' };
  const query = 'mutation ($input: CreatePostInput!) { createPost(input: $input) { id } }';
  const { data } = await world.ask('content', query, { variables: { input } });
  return data.createPost.id;
}

function follow(userId: string, targetId: string) {
  return world.ask('feed', FOLLOW, { variables: { userId, targetId } });
}

function unfollow(userId: string, targetId: string) {
  return world.ask('feed', UNFOLLOW, { variables: { userId, targetId } });
}

/** Neither follows the other at first. */
async function strangers(userId: string, targetId: string): Promise<void> {
  await unfollow(userId, targetId);
  world.published();
}

test('a feed is paged, the newest post first; nobody unknown has one', async () => {
  const { nodes, pages } = await readPages(async (after) => {
    const { data } = await world.ask('feed', FEED, {
      variables: { userId: '1', first: 7, after },
    });
    expect(data.feed).toMatchObject({ userId: '1', user: { id: '1' } });
    return data.feed.posts;
  });
  const ids = nodes.map(({ id }) => Number(id));
  expect(pages).toBe(Math.max(1, Math.ceil(ids.length / 7)));
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  expect(ids.length).toBeGreaterThan(7);
  for (const userId of ['4711', '01', 'x']) {
    const answer = await world.ask('feed', FEED, { variables: { userId } });
    expect(answer).toEqual({ data: { feed: null } });
  }
  const refused = await world.ask('feed', FEED, { variables: { userId: '1', first: 101 } });
  expect(codeOf(refused)).toBe('BAD_USER_INPUT');
});

test('following changes the feed of the follower, and is published once', async () => {
  await strangers('30', '31');
  const id = await createPost('31');
  await until(async () => world.published().length > 0, { what: 'the post is out' });
  expect(await feedOf('30')).not.toContain(id);
  world.published();
  await follow('30', '31');
  expect(await feedOf('30')).toContain(id);
  const [published] = world.published();
  expect(published).toEqual({
    from: 'feed-service',
    Update: 'Feed 30',
    metadata: { cascade: ['feed:30:*'], followed_id: '31' },
  });
  await follow('30', '31');
  expect(world.published().filter(({ from }) => from === 'feed-service')).toEqual([]);
});

test('unfollowing takes the posts out of the feed, and is published once', async () => {
  await follow('32', '33');
  const [id] = (await feedOf('32')).slice(0, 1);
  expect(id).toBeDefined();
  world.published();
  await unfollow('32', '33');
  await unfollow('32', '33');
  expect(world.published().filter(({ from }) => from === 'feed-service')).toEqual([
    { from: 'feed-service', Update: 'Feed 32', metadata: { cascade: ['feed:32:*'] } },
  ]);
});

test('a post that content publishes reaches the feeds of followers, and purges them', async () => {
  await follow('34', '35');
  await strangers('36', '35');
  const id = await createPost('35');
  const batch = await until(
    () => world.published().find((message) => 'Batch' in message)?.['Batch'] as string[],
    { what: 'feed has published whose feeds changed' },
  );
  expect(batch).toEqual(expect.arrayContaining(['feed:34', 'feed:34:home']));
  expect(batch).not.toContain('feed:36');
  expect((await feedOf('34'))[0]).toBe(id);
  expect(await feedOf('36')).not.toContain(id);
});

test('a post that content deletes leaves the feeds, and purges them', async () => {
  await follow('37', '38');
  const id = await createPost('38');
  await until(async () => (await feedOf('37')).includes(id), { what: 'the post is in the feed' });
  world.published();
  const query = 'mutation ($id: ID!) { deletePost(id: $id) }';
  await world.ask('content', query, { variables: { id } });
  const batch = await until(
    () => world.published().find((message) => 'Batch' in message)?.['Batch'],
    { what: 'feed has published whose feeds changed' },
  );
  expect(batch).toEqual(expect.arrayContaining(['feed:37', 'feed:37:home']));
  expect(await feedOf('37')).not.toContain(id);
});

test('what is heard out of order or twice brings no deleted post back', async () => {
  await follow('39', '40');
  const id = await createPost('40');
  await until(async () => (await feedOf('39')).includes(id), { what: 'the post is in the feed' });
  const created = world.log.all.find(({ entity_id, entity_type }) =>
    entity_type === 'Post' && entity_id === id);
  const query = 'mutation ($id: ID!) { deletePost(id: $id) }';
  await world.ask('content', query, { variables: { id } });
  await until(async () => !(await feedOf('39')).includes(id), { what: 'the post is gone' });
  world.published();
  await world.log.append({ ...created!, message_id: 'again' });
  await until(() => world.published().some((message) => 'Batch' in message), {
    what: 'feed has heard it again',
  });
  expect(await feedOf('39')).not.toContain(id);
});

test.each([
  ['themselves', '41', '41', 'BAD_USER_INPUT'],
  ['somebody unknown', '41', '4711', 'NOT_FOUND'],
  ['somebody, being unknown,', 'x', '41', 'NOT_FOUND'],
])('nobody follows %s', async (_, userId, targetId, code) => {
  expect(codeOf(await follow(userId, targetId))).toBe(code);
  expect(codeOf(await unfollow(userId, targetId))).toBe(code);
  expect(world.published()).toEqual([]);
});

test('a deleted user has no feed, and follows nobody', async () => {
  await world.ask('users', 'mutation { deleteUser(id: "42") }');
  const published = await until(
    () => world.published().find(({ Delete }) => Delete === 'Feed 42'),
    { what: 'feed has published the deletion' },
  );
  expect(published['metadata']).toEqual({ cascade: ['feed:42:*'] });
  const answer = await world.ask('feed', FEED, { variables: { userId: '42' } });
  expect(answer.data.feed).toBeNull();
  expect(codeOf(await follow('42', '43'))).toBe('NOT_FOUND');
});
