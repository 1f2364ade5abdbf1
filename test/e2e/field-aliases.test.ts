/** A client may call a field by the name of another, also by that of a key. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
  node = await startTestNode({ subgraphs: world.subgraphs });
});

afterAll(async () => {
  await node.stop();
  await world.stop();
});

test.each([
  ['{ user(id: "1") { id: name } }', { user: { id: 'name of 1' } }],
  ['{ user(id: "1") { key: id id: name } }', { user: { key: '1', id: 'name of 1' } }],
  ['{ user(id: "1") { name: id id: name } }', { user: { name: '1', id: 'name of 1' } }],
  ['{ user(id: "1") { __typename: name } }', { user: { __typename: 'name of 1' } }],
  ['{ user(id: "1") { ...F } } fragment F on User { id: name }', { user: { id: 'name of 1' } }],
  ['{ user: post(id: "p1") { id: title author { id: name } } }',
    { user: { id: 'title of p1', author: { id: 'name of 1' } } }],
  ['{ users { id: name freshet_alias_id: id } }',
    { users: ['1', '2', '3'].map((id) => ({ id: `name of ${id}`, freshet_alias_id: id })) }],
])('answers %s, from the subgraphs and from the cache', async (query, expected) => {
  for (const cache of ['miss', 'hit']) {
    const answer = await node.ask(query);
    expect([answer.errors, answer.data, answer.cache]).toEqual([undefined, expected, cache]);
    expect(Object.keys(answer.data)).toEqual(Object.keys(expected));
  }
});

test('an answer in which a key has the name of another field is purged all the same', async () => {
  const query = '{ user(id: "2") { id: name } }';
  expect((await node.ask(query)).data).toEqual({ user: { id: 'name of 2' } });
  await node.ask('mutation { rename(id: "2", name: "new") { name: id id: name } }');
  expect((await node.ask(query)).data).toEqual({ user: { id: 'new' } });
});

test('an error bears the path that the client knows', async () => {
  world.users.misbehave({ body: JSON.stringify({
    data: { user: null }, errors: [{ message: 'no', path: ['user'] }],
  }) });
  const { errors } = await node.ask('{ name: user(id: "3") { id: name } }');
  expect(errors[0].path).toEqual(['name']);
});
