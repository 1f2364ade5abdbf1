import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { codeOf, readPages, World } from './world.ts';

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

const UPDATE = `mutation ($id: ID!, $input: UpdateUserInput!) {
  updateUser(id: $id, input: $input) { id name bio avatarUrl version }
}`;

test('a user is found by the one id that it has', async () => {
  const { data } = await world.ask('users', '{ user(id: "1") { id name handle version } }');
  expect(data.user).toEqual({ id: '1', name: 'Ada Diallo', handle: 'ada.diallo', version: 1 });
  for (const id of ['01', '+1', ' 1', '1.0', '0', '-1', '', 'x', '99999', '9'.repeat(40), '\0']) {
    const answer = await world.ask('users', 'query ($id: ID!) { user(id: $id) { id } }', {
      variables: { id },
    });
    expect(answer, id).toEqual({ data: { user: null } });
  }
});

test('all users are listed once, page by page, in the order in which they joined', async () => {
  const query = `query ($after: String) {
    users(first: 50, after: $after) {
      edges { cursor node { id createdAt } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }`;
  const { nodes, pages } = await readPages(async (after) => {
    const { data } = await world.ask('users', query, { variables: { after } });
    const { edges, pageInfo } = data.users;
    expect(pageInfo.hasPreviousPage).toBe(after !== null);
    expect(pageInfo.startCursor).toBe(edges.at(0).cursor);
    expect(pageInfo.endCursor).toBe(edges.at(-1).cursor);
    return data.users;
  });
  expect(pages).toBe(3);
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
  const times = nodes.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted((a, b) => a.localeCompare(b)));
});

test('a page of no users tells whether there are any', async () => {
  const { data } = await world.ask('users', `{
    users(first: 0) { edges { cursor } pageInfo { hasNextPage endCursor } }
  }`);
  expect(data.users).toEqual({ edges: [], pageInfo: { hasNextPage: true, endCursor: null } });
});

test.each([
  ['first: 101', 'first: 0 to 100 was required, got 101.'],
  ['first: -1', 'first: 0 to 100 was required, got -1.'],
  ['after: "5"', 'after: a cursor of an earlier page was required.'],
  ['after: "\\u0000"', 'after: a cursor of an earlier page was required.'],
])('a page of (%s) is refused', async (args, message) => {
  const answer = await world.ask('users', `{ users(${args}) { edges { cursor } } }`);
  expect(codeOf(answer)).toBe('BAD_USER_INPUT');
  expect(answer.errors?.[0]?.message).toBe(message);
});

test('an update changes what is given, and publishes the user with the new version', async () => {
  const variables = { id: '2', input: { name: '  Amir H.  ', bio: null } };
  const { data } = await world.ask('users', UPDATE, { variables });
  expect(data.updateUser).toEqual({
    id: '2', name: 'Amir H.', bio: null, version: 2,
    avatarUrl: 'https://avatars.example.org/amir.horvat.png',
  });
  expect(world.published()).toEqual([
    { from: 'users-service', Update: 'User 2', metadata: { version: 2 } },
  ]);
});

test.each([
  ['no field', {}],
  ['no name', { name: null }],
  ['an empty name', { name: ' ' }],
  ['a long name', { name: 'x'.repeat(81) }],
  ['a name with NUL', { name: 'a\0b' }],
  ['a long bio', { bio: 'x'.repeat(501) }],
  ['an avatar that is no URL', { avatarUrl: 'face.png' }],
  ['an avatar of another scheme', { avatarUrl: 'javascript:alert(1)' }],
])('an update with %s is refused, and nothing is published', async (_, input) => {
  const answer = await world.ask('users', UPDATE, { variables: { id: '3', input } });
  expect(codeOf(answer)).toBe('BAD_USER_INPUT');
  const after = await world.ask('users', '{ user(id: "3") { version } }');
  expect(after.data.user.version).toBe(1);
  expect(world.published()).toEqual([]);
});

test('a user who does not exist is neither updated nor deleted', async () => {
  const variables = { id: '4711', input: { name: 'Nobody' } };
  expect(codeOf(await world.ask('users', UPDATE, { variables }))).toBe('NOT_FOUND');
  expect(codeOf(await world.ask('users', 'mutation { deleteUser(id: "x") }'))).toBe('NOT_FOUND');
  expect(world.published()).toEqual([]);
});

test('a deletion publishes the user with what else belonged to them, once', async () => {
  const { data } = await world.ask('users', 'mutation { deleteUser(id: "4") }');
  expect(data.deleteUser).toBe('4');
  expect(world.published()[0]).toEqual({
    from: 'users-service',
    Delete: 'User 4',
    metadata: { version: 2, cascade: ['feed:4:*', 'notification:4:*', 'user'] },
  });
  expect(codeOf(await world.ask('users', 'mutation { deleteUser(id: "4") }'))).toBe('NOT_FOUND');
  const after = await world.ask('users', '{ user(id: "4") { id } }');
  expect(after.data.user).toBeNull();
});

test('an e-mail address is shown to its owner alone', async () => {
  const query = '{ own: user(id: "7") { email } other: user(id: "8") { e: email } }';
  const anonymous = await world.ask('users', query);
  expect(anonymous.data).toEqual({ own: { email: null }, other: { e: null } });
  const handle = await world.ask('users', '{ user(id: "7") { handle } }');
  const { token } = await world.login(handle.data.user.handle);
  const { data } = await world.ask('users', query, { token });
  expect(data).toEqual({
    own: { email: `${handle.data.user.handle}@example.org` }, other: { e: null },
  });
  const forged = await world.ask('users', query, { token: `${token.slice(0, -4)}AAAA` });
  expect(forged.data).toEqual({ own: { email: null }, other: { e: null } });
});
