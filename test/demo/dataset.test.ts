import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { dataset } from '../../src/demo/dataset.ts';

test('the data is the same in every run and on every machine', () => {
  const digest = createHash('md5').update(JSON.stringify(dataset())).digest('hex');
  expect(digest).toMatchInlineSnapshot(`"c1cd5aeee21d7bd202ac28f3a6b447fb"`);
});

test('everything refers to something that is there, and nobody follows themselves', () => {
  const { users, posts, comments, follows } = dataset();
  const ids = new Set(users.map(({ id }) => id));
  const postIds = new Map(posts.map((post) => [post.id, post]));
  for (const { author_id } of [...posts, ...comments]) expect(ids.has(author_id)).toBe(true);
  for (const comment of comments) {
    const post = postIds.get(comment.post_id);
    expect(post).toBeDefined();
    expect(comment.created_at > (post?.created_at ?? '')).toBe(true);
  }
  const pairs = follows.map(({ user_id, target_id }) => `${user_id} ${target_id}`);
  expect(new Set(pairs).size).toBe(pairs.length);
  for (const { user_id, target_id } of follows) {
    expect(user_id).not.toBe(target_id);
    expect(ids.has(user_id) && ids.has(target_id)).toBe(true);
  }
});

test('handles and addresses are unique', () => {
  const { users } = dataset();
  expect(new Set(users.map(({ handle }) => handle)).size).toBe(users.length);
  expect(new Set(users.map(({ email }) => email)).size).toBe(users.length);
});
