import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { codeOf, readPages, World, type Published, type Json } from './world.ts';

let world: World;
/** Of user 1, Ada Diallo. */
let ada: string;

beforeAll(async () => {
  world = await World.start();
  ({ token: ada } = await world.login('ada.diallo'));
});
beforeEach(() => {
  world.published();
});
afterAll(async () => {
  await world.close();
});

const NOTIFICATIONS = `query ($userId: ID!, $first: Int = 100, $after: String) {
  notifications(userId: $userId, first: $first, after: $after) {
    edges { node {
      id kind user { id } actor { id } post { id } comment { id } createdAt
    } }
    pageInfo { hasNextPage endCursor }
  }
}`;

async function newest(): Promise<Json> {
  const variables = { userId: '1', first: 1 };
  const { data } = await world.ask('notifications', NOTIFICATIONS, { variables, token: ada });
  return data.notifications.edges[0].node;
}

async function postOfAda(): Promise<string> {
  const input = { authorId: '1', title: 'A title', body: 'A body' };
  const query = 'mutation ($input: CreatePostInput!) { createPost(input: $input) { id } }';
  const { data } = await world.ask('content', query, { variables: { input } });
  return data.createPost.id;
}

async function comment(postId: string, authorId: string): Promise<string> {
  const query = `mutation ($postId: ID!, $input: AddCommentInput!) {
    addComment(postId: $postId, input: $input) { id }
  }`;
  const variables = { postId, input: { authorId, text: 'A comment' } };
  const { data } = await world.ask('content', query, { variables });
  return data.addComment.id;
}

function notified(what: string): Promise<Published> {
  return until(
    () => world.published().find(({ from }) => from === 'notifications-service'),
    { what },
  );
}

test('a caller reads their own notifications, the newest first', async () => {
  const { nodes } = await readPages(async (after) => {
    const variables = { userId: '1', first: 3, after };
    const { data } = await world.ask('notifications', NOTIFICATIONS, { variables, token: ada });
    return data.notifications;
  });
  const ids = nodes.map(({ id }) => Number(id));
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  expect(ids.length).toBeGreaterThan(5);
  for (const { kind, user, actor, post } of nodes) {
    expect(user.id).toBe('1');
    expect(actor.id).not.toBe('1');
    expect(post === null).toBe(kind === 'FOLLOW');
  }
});

test('nobody else reads them', async () => {
  const anonymous = await world.ask('notifications', NOTIFICATIONS, { variables: { userId: '1' } });
  expect(codeOf(anonymous)).toBe('UNAUTHENTICATED');
  const other = await world.ask('notifications', NOTIFICATIONS, {
    variables: { userId: '2' }, token: ada,
  });
  expect(codeOf(other)).toBe('FORBIDDEN');
  const { id } = await newest();
  const query = `query ($representations: [_Any!]!) {
    _entities(representations: $representations) { ... on Notification { id kind } }
  }`;
  const variables = { representations: [{ __typename: 'Notification', id }] };
  const asEntity = await world.ask('notifications', query, { variables });
  expect(asEntity.data._entities).toEqual([null]);
  const own = await world.ask('notifications', query, { variables, token: ada });
  expect(own.data._entities[0].id).toBe(id);
});

test('a comment by somebody else is notified and published as created', async () => {
  const post = await postOfAda();
  const id = await comment(post, '50');
  const published = await notified('the comment is notified');
  const node = await newest();
  expect(node).toMatchObject({
    kind: 'COMMENT', user: { id: '1' }, actor: { id: '50' }, post: { id: post }, comment: { id },
  });
  expect(published).toEqual({
    from: 'notifications-service',
    Update: `Notification ${node.id}`,
    metadata: { created: true, user_id: '1', cascade: ['notification:1:*'] },
  });
});

test('nobody is notified of their own comment', async () => {
  const post = await postOfAda();
  await comment(post, '1');
  const theirs = await comment(post, '51');
  await notified('the later comment is notified');
  expect((await newest()).comment.id).toBe(theirs);
  const query = NOTIFICATIONS;
  const { data } = await world.ask('notifications', query, {
    variables: { userId: '1', first: 2 }, token: ada,
  });
  expect(data.notifications.edges.map(({ node }: Json) => node.actor.id)).not.toContain('1');
});

test('a follower is notified once, however often the message is heard', async () => {
  const query = 'mutation { follow(userId: "119", targetId: "1") { userId } }';
  await world.ask('feed', query.replace('follow', 'unfollow'));
  world.published();
  await world.ask('feed', query);
  await notified('the follower is notified');
  const first = (await notificationsOfFollower('119'));
  const heard = world.log.all.findLast(({ metadata }) => metadata?.['followed_id'] === '1');
  await world.log.append({ ...heard!, message_id: 'again' });
  await notified('it is heard again');
  expect(await notificationsOfFollower('119')).toEqual(first);
});

async function notificationsOfFollower(id: string): Promise<string[]> {
  const { data } = await world.ask('notifications', NOTIFICATIONS, {
    variables: { userId: '1' }, token: ada,
  });
  return data.notifications.edges
    .filter(({ node }: Json) => node.kind === 'FOLLOW' && node.actor.id === id)
    .map(({ node }: Json) => node.id);
}

test('a message that says nothing of whom it is for is passed over', async () => {
  const heard = {
    message_id: 'foreign', entity_type: 'Comment', entity_id: '1', pattern: null, entity_ids: null,
    action: 'Update', timestamp: '2026-03-01T12:00:00Z', source_service: 'elsewhere',
    metadata: { created: true, author_id: 5, post_id: '01', post_author_id: { id: '1' } },
  } as const;
  await world.log.append(heard);
  await comment(await postOfAda(), '52');
  await notified('a later comment is notified');
  expect(world.troubles).toEqual([]);
});

test('a revoked session reads nothing any more', async () => {
  const { token, sessionId } = await world.login('ada.diallo');
  const ask = { variables: { userId: '1', first: 1 }, token };
  expect((await world.ask('notifications', NOTIFICATIONS, ask)).errors).toBeUndefined();
  await world.ask('auth', 'mutation ($id: ID!) { revokeSession(id: $id) }', {
    variables: { id: sessionId },
  });
  expect(codeOf(await world.ask('notifications', NOTIFICATIONS, ask))).toBe('UNAUTHENTICATED');
});

test('a deleted user leaves no notifications, and their inbox is purged', async () => {
  await world.ask('users', 'mutation { deleteUser(id: "53") }');
  const published = await notified('the inbox is purged');
  expect(published).toEqual({ from: 'notifications-service', Pattern: 'notification:53:*' });
});
