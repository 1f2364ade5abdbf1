import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { codeOf, readPages, World, type Published, type Json } from './world.ts';

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

/** Feeds and notifications have their own say, in their own time. */
function publishedByContent(): Published[] {
  return world.published().filter(({ from }) => from === 'content-service');
}

const CREATE = `mutation ($input: CreatePostInput!) {
  createPost(input: $input) { id title body author { id } version createdAt updatedAt }
}`;
const UPDATE = `mutation ($id: ID!, $input: UpdatePostInput!) {
  updatePost(id: $id, input: $input) { id title body version createdAt updatedAt }
}`;
const COMMENT = `mutation ($postId: ID!, $input: AddCommentInput!) {
  addComment(postId: $postId, input: $input) { id text author { id } post { id } }
}`;

async function createPost(authorId: string): Promise<string> {
  const input = { authorId, title: 'A title', body: 'A body' };
  const { data } = await world.ask('content', CREATE, { variables: { input } });
  return data.createPost.id;
}

async function addComment(postId: string, authorId: string): Promise<string> {
  const variables = { postId, input: { authorId, text: 'A comment' } };
  const { data } = await world.ask('content', COMMENT, { variables });
  return data.addComment.id;
}

test('posts are listed once, page by page, the newest first', async () => {
  const query = `query ($after: String) {
    posts(first: 90, after: $after) {
      edges { node { id title body author { id } } } pageInfo { hasNextPage endCursor }
    }
  }`;
  const { nodes } = await readPages(async (after) =>
    (await world.ask('content', query, { variables: { after } })).data.posts);
  const ids = nodes.map(({ id }) => Number(id));
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.length).toBeGreaterThanOrEqual(295);
  for (const { title, body } of nodes) {
    expect(title.length).toBeGreaterThan(5);
    expect(body.length).toBeGreaterThan(5);
  }
});

test('the posts of an author and the comments on a post are paged, of many at once', async () => {
  const authors = ['10', '11', '12', '4711', 'x'];
  const query = `query ($representations: [_Any!]!, $after: String) {
    _entities(representations: $representations) {
      ... on User {
        id
        posts(first: 2, after: $after) {
          edges { node { id author { id } comments(first: 3) {
            edges { node { text post { id } author { id } } } pageInfo { hasNextPage }
          } } }
          pageInfo { hasNextPage endCursor }
        }
      }
    }
  }`;
  const representations = authors.map((id) => ({ __typename: 'User', id }));
  const { data } = await world.ask('content', query, { variables: { representations } });
  expect(data._entities.map(({ id }: Json) => id)).toEqual(authors);
  for (const { id, posts } of data._entities) {
    for (const { node } of posts.edges) {
      expect(node.author.id).toBe(id);
      for (const comment of node.comments.edges) expect(comment.node.post.id).toBe(node.id);
    }
  }
  expect(data._entities.at(-1).posts.edges).toEqual([]);
  const { nodes } = await readPages(async (after) => {
    const variables = { representations: representations.slice(0, 1), after };
    return (await world.ask('content', query, { variables })).data._entities[0].posts;
  });
  const ids = nodes.map(({ id }) => Number(id));
  expect(ids).toEqual(ids.toSorted((a, b) => b - a));
});

test('entities are answered in the order of their representations, or null', async () => {
  const representations = [
    { __typename: 'Post', id: '2' }, { __typename: 'Comment', id: '1' },
    { __typename: 'Post', id: '4711' }, { __typename: 'Post', id: '1' },
    { __typename: 'Post', id: 5 }, { __typename: 'Post' },
  ];
  const answer = await world.ask('content', `query ($representations: [_Any!]!) {
    _entities(representations: $representations) {
      __typename ... on Post { id } ... on Comment { id }
    }
  }`, { variables: { representations } });
  expect(answer).toEqual({
    data: {
      _entities: [
        { __typename: 'Post', id: '2' }, { __typename: 'Comment', id: '1' },
        null, { __typename: 'Post', id: '1' }, null, null,
      ],
    },
  });
});

test('a new post is published as created, with its author', async () => {
  const input = { authorId: '20', title: ' Hello ', body: 'World' };
  const { data } = await world.ask('content', CREATE, { variables: { input } });
  const { id, createdAt, updatedAt } = data.createPost;
  expect(data.createPost).toMatchObject({
    title: 'Hello', body: 'World', author: { id: '20' }, version: 1,
  });
  expect(createdAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(updatedAt).toBe(createdAt);
  expect(publishedByContent()).toEqual([{
    from: 'content-service',
    Update: `Post ${id}`,
    metadata: { created: true, version: 1, author_id: '20', cascade: ['user:20:posts'] },
  }]);
});

test('an updated post is published alone, with its version', async () => {
  const variables = { id: '30', input: { title: 'Changed' } };
  const { data } = await world.ask('content', UPDATE, { variables });
  expect(data.updatePost).toMatchObject({ id: '30', title: 'Changed', version: 2 });
  expect(data.updatePost.body.length).toBeGreaterThan(5);
  expect(data.updatePost.updatedAt > data.updatePost.createdAt).toBe(true);
  expect(publishedByContent()).toEqual([
    { from: 'content-service', Update: 'Post 30', metadata: { version: 2 } },
  ]);
});

test('a deleted post takes its comments along, and all of them are published', async () => {
  const id = await createPost('21');
  const comments = [await addComment(id, '22'), await addComment(id, '23')];
  publishedByContent();
  const { data } = await world.ask('content', 'mutation ($id: ID!) { deletePost(id: $id) }', {
    variables: { id },
  });
  expect(data.deletePost).toBe(id);
  expect(publishedByContent()).toEqual([
    {
      from: 'content-service',
      Delete: `Post ${id}`,
      metadata: { version: 2, cascade: [`post:${id}:*`, 'user:21:posts', 'post'] },
    },
    {
      from: 'content-service',
      Batch: [`comment:${comments[0]}`, `post:${id}:comments`, `comment:${comments[1]}`],
    },
  ]);
});

test('a comment is published with its post, and with whom it is for', async () => {
  const id = await createPost('24');
  publishedByContent();
  const comment = await addComment(id, '25');
  expect(publishedByContent()).toEqual([{
    from: 'content-service',
    Update: `Comment ${comment}`,
    metadata: {
      created: true, author_id: '25', post_id: id, post_author_id: '24',
      cascade: [`post:${id}:comments`],
    },
  }]);
  await world.ask('content', 'mutation ($id: ID!) { deleteComment(id: $id) }', {
    variables: { id: comment },
  });
  expect(publishedByContent()).toEqual([{
    from: 'content-service',
    Delete: `Comment ${comment}`,
    metadata: { cascade: [`post:${id}:comments`] },
  }]);
});

test.each([
  ['createPost', CREATE, { input: { authorId: '4711', title: 'T', body: 'B' } }, 'NOT_FOUND'],
  ['createPost', CREATE, { input: { authorId: '1', title: '', body: 'B' } }, 'BAD_USER_INPUT'],
  ['createPost', CREATE, { input: { authorId: '1', title: 'T', body: '\0' } }, 'BAD_USER_INPUT'],
  ['createPost', CREATE,
    { input: { authorId: '1', title: 'T', body: 'x'.repeat(10_001) } }, 'BAD_USER_INPUT'],
  ['updatePost', UPDATE, { id: '4711', input: { title: 'T' } }, 'NOT_FOUND'],
  ['updatePost', UPDATE, { id: '1', input: {} }, 'BAD_USER_INPUT'],
  ['updatePost', UPDATE, { id: '1', input: { title: null } }, 'BAD_USER_INPUT'],
  ['updatePost', UPDATE, { id: '1', input: { title: 'x'.repeat(201) } }, 'BAD_USER_INPUT'],
  ['addComment', COMMENT, { postId: '4711', input: { authorId: '1', text: 'T' } }, 'NOT_FOUND'],
  ['addComment', COMMENT, { postId: '1', input: { authorId: '01', text: 'T' } }, 'NOT_FOUND'],
  ['addComment', COMMENT, { postId: '1', input: { authorId: '1', text: ' ' } }, 'BAD_USER_INPUT'],
  ['deletePost', 'mutation { deletePost(id: "4711") }', {}, 'NOT_FOUND'],
  ['deleteComment', 'mutation { deleteComment(id: "x") }', {}, 'NOT_FOUND'],
])('%s: what cannot be done is refused, and nothing is published', async (...row) => {
  const [, query, variables, code] = row;
  expect(codeOf(await world.ask('content', query, { variables }))).toBe(code);
  expect(publishedByContent()).toEqual([]);
});

test('an answer of too many rows is refused instead of being built', async () => {
  const deep = `{ posts(first: 100) { edges { node { comments(first: 100) { edges { node { post {
    author { posts(first: 100) { edges { node { comments(first: 100) { edges { node { post {
      author { posts(first: 100) { edges { node { id } } } }
    } } } } } } } }
  } } } } } } } }`;
  expect(codeOf(await world.ask('content', deep))).toBe('QUERY_TOO_LARGE');
});

test('what a deleted user wrote is deleted and published', async () => {
  const own = await createPost('26');
  const below = await addComment(own, '27');
  const other = await createPost('27');
  const comment = await addComment(other, '26');
  publishedByContent();
  await world.ask('users', 'mutation { deleteUser(id: "26") }');
  const published: Published[] = [];
  await until(() => {
    published.push(...publishedByContent());
    return published.some((message) => 'Batch' in message);
  }, { what: 'content has published the deletions' });
  expect(published).toContainEqual({
    from: 'content-service',
    Delete: `Post ${own}`,
    metadata: { version: 2, cascade: [`post:${own}:*`, 'user:26:posts', 'post'] },
  });
  expect(published.at(-1)?.['Batch']).toEqual(expect.arrayContaining([
    `comment:${below}`, `comment:${comment}`, `post:${other}:comments`,
  ]));
  const { data } = await world.ask('content', `query ($own: ID!, $other: ID!) {
    own: post(id: $own) { id }
    other: post(id: $other) { comments { edges { node { id } } } }
  }`, { variables: { own, other } });
  expect(data).toEqual({ own: null, other: { comments: { edges: [] } } });
  const input = { authorId: '26', title: 'T', body: 'B' };
  expect(codeOf(await world.ask('content', CREATE, { variables: { input } }))).toBe('NOT_FOUND');
});
