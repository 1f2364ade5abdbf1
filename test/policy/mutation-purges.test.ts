import { describe, expect, it } from 'vitest';
import { patternText } from '../../src/invalidation/pattern.ts';
import { planner } from './planning.ts';

const plan = planner(`
  type Query { ok: Boolean }
  type Mutation {
    renameUser(id: ID!, name: String): User
    deleteUser(id: ID!): User @cachePurge(tags: ["user:{$args.id}", "feed:{$args.id}:*"])
    createPost(title: String): CreatePostPayload
    updatePost(input: PostInput!): UpdatePostPayload
    deletePost(postId: ID!): DeletePostPayload
    addComment(postId: ID!): Comment
    moveTeam(org: OrgInput, number: Int): Team
    touch(id: ID!): Node
    clear: Boolean
    importUsers(ids: [ID!]): [User]
    silent(id: ID!): User @cachePurge(tags: [])
    follow(id: ID!): Follow @cachePurge(tags: ["follow:{$result.a.id}:{$result.b.id}"])
    publish(ids: [ID!]): [Post] @cachePurge(tags: ["post:{$result.id}:views", "feed"])
    drop(id: ID!): ID @cachePurge(tags: ["item:{$result}", "*:{$args.id}*"])
    reset: Boolean @cachePurge(tags: ["*", "/^user:\\\\d+$/"])
    tagged(tag: String, more: String): Boolean @cachePurge(tags: ["{$args.tag}:{$args.more}"])
    wide(first: String, second: String): Boolean
      @cachePurge(tags: ["a:{$args.first}:{$args.second}:c"])
    admin: AdminMutations
  }
  type AdminMutations { ban(id: ID!): User @cachePurge(tags: ["ban:{$args.id}"]) warn: User }
  type Follow { a: User b: User }
  interface Node { id: ID! }
  type User implements Node { id: ID! name: String posts: [Post] }
  type Post implements Node { id: ID! title: String author: User }
  type Comment { id: ID! post: Post }
  type Team @key(fields: "org { id } number") { org: Org! number: Int! }
  type Org { id: ID! }
  input OrgInput { id: ID! }
  input PostInput { id: ID! title: String }
  type CreatePostPayload { post: Post edge: PostEdge query: Query clientMutationId: String }
  type PostEdge { node: Post }
  type UpdatePostPayload { post: Post errors: [Problem] }
  type Problem { message: String }
  type DeletePostPayload { ok: Boolean post: Post }
`);

const purgesOf = (text: string, data: unknown, variables: Record<string, unknown> = {}) =>
  plan(text).purges(data, variables).map(patternText).sort();

describe('by default a mutation purges', () => {
  it.each([
    ['the entity in its answer, and its collection', 'mutation { renameUser(id: 1) { name } }',
      { renameUser: { name: 'x', _freshet_User_id: '1' } }, ['user', 'user:1']],
    ['every entity in its answer',
      'mutation { a: addComment(postId: 4) { post { author { id } } } }',
      {
        a: { post: { author: { id: 7 }, _freshet_Post_id: 4 }, _freshet_Comment_id: 'c' },
      }, ['comment', 'comment:c', 'post:4', 'user:7']],
    ['what a payload could hold, though nothing of it is asked for',
      'mutation { createPost { clientMutationId } }', { createPost: { clientMutationId: 'x' } },
      ['post']],
    ['what a payload holds', 'mutation { createPost { edge { node { title } } } }',
      { createPost: { edge: { node: { title: 't', _freshet_Post_id: '3' } } } },
      ['post', 'post:3']],
    ['the entity that an argument names, though the answer is null',
      'mutation($id: ID!) { renameUser(id: $id) { name } }', { renameUser: null },
      ['user', 'user:v%3A1']],
    ['the entity that an argument names, though there is no answer',
      'mutation($id: ID!) { renameUser(id: $id) { name } }', null, ['user', 'user:v%3A1']],
    ['the entity that a member of an input names',
      'mutation { updatePost(input: { id: 9 }) { errors { message } } }',
      { updatePost: { errors: [] } }, ['post', 'post:9']],
    ['the entity that is named by its type', 'mutation { deletePost(postId: 9) { ok } }', undefined,
      ['post', 'post:9']],
    ['the entity with a composite key that arguments name',
      'mutation { moveTeam(org: { id: "o" }, number: 2) { number } }', { moveTeam: null },
      ['team', 'team:o:2']],
    ['what an interface could be', 'mutation { touch(id: 5) { __typename } }', { touch: null },
      ['post', 'post:5', 'user', 'user:5']],
    ['the entities in a list', 'mutation { importUsers { id } }',
      { importUsers: [{ id: 1 }, null, { id: 2 }] }, ['user', 'user:1', 'user:2']],
    ['nothing where it says nothing', 'mutation { clear __typename }', { clear: true }, []],
    ['all that an entity without its key could be', 'mutation { renameUser(id: 1) { name } }',
      { renameUser: { name: 'x', _freshet_User_id: null } }, ['user', 'user:*', 'user:1']],
    ['all that a value of an untold type could be', 'mutation { touch(id: 5) { id } }',
      { touch: { id: 5 } }, ['post', 'post:*', 'post:5', 'user', 'user:*', 'user:5']],
    ['for each of several fields, also what is left out',
      'mutation { renameUser(id: 1) @skip(if: true) { id } clear createPost { clientMutationId } }',
      { clear: true, createPost: null }, ['post', 'user', 'user:1']],
  ])('%s', (_, text, data, purges) => {
    const before = structuredClone(data);
    expect(purgesOf(text, data, { id: 'v:1' })).toEqual(purges);
    expect(data).toEqual(before);
  });

  it('everything where there is more than a purge can name', () => {
    const users = Array.from({ length: 10_001 }, (_, id) => ({ id }));
    expect(purgesOf('mutation { importUsers { id } }', { importUsers: users })).toEqual(['*']);
  });
});

describe('by @cachePurge a mutation purges', () => {
  it.each([
    ['what is filled in with arguments, in place of the default',
      'mutation { deleteUser(id: "1:*") { id } }', { deleteUser: { id: '1:*' } }, {},
      ['feed:1%3A%2A:*', 'user:1%3A%2A']],
    ['what arguments tell, though there is no answer',
      'mutation($i: ID!) { x: deleteUser(id: $i) { id } }', null, { i: 'a' },
      ['feed:a:*', 'user:a']],
    ['nothing where that is declared', 'mutation { silent(id: 1) { id } }',
      { silent: { id: 1 } }, {}, []],
    ['what is filled in with the answer, though asked for under an alias',
      'mutation { f: follow(id: 1) { a { n: name } } }',
      {
        f: {
          a: { n: 'x' }, _freshet_result_a: { id: 'u' }, _freshet_result_b: { id: 'v' },
        },
      }, {}, ['follow:u:v']],
    ['nothing by an answer that is not there', 'mutation { follow(id: 1) { a { id } } }',
      { follow: null }, {}, []],
    ['more where the answer lacks a part', 'mutation { follow(id: 1) { a { id } } }',
      { follow: { a: { id: 1 }, _freshet_result_a: { id: 'u' }, _freshet_result_b: null } }, {},
      ['follow:u', 'follow:u:*']],
    ['each element of a list', 'mutation { publish { title } }',
      { publish: [{ title: 'x', _freshet_result_id: 1 }, { title: 'y', _freshet_result_id: 2 }] },
      {}, ['feed', 'post:1:views', 'post:2:views']],
    ['an answer that is a scalar, and patterns', 'mutation { d: drop(id: "a*") }', { d: 'i' }, {},
      ['*:a%2A*', 'item:i']],
    ['everything, and what an expression matches', 'mutation { reset }', { reset: true }, {},
      ['*', '/^user:\\d+$/']],
    ['everything where not even the type is known', 'mutation { tagged(more: "x") }',
      { tagged: true }, {}, ['*']],
    ['more where an argument is missing', 'mutation { wide(first: "f") }', { wide: true }, {},
      ['a:f', 'a:f:*']],
    ['what a field of a namespace declares', 'mutation { admin { ban(id: 3) { id } warn { id } } }',
      { admin: { ban: { id: 3 }, warn: { id: 4 } } }, {}, ['ban:3', 'user', 'user:4']],
    ['what a field of a namespace declares, though there is no answer',
      'mutation { admin { ban(id: 3) { id } } }', { admin: null }, {}, ['ban:3']],
  ])('%s', (_, text, data, variables, purges) => {
    expect(purgesOf(text, data, variables)).toEqual(purges);
  });

  it('all that a pattern could mean whose value is too long for one', () => {
    const drop = (id: string) =>
      purgesOf('mutation($i: ID!) { drop(id: $i) }', { drop: null }, { i: id });
    expect(drop('x'.repeat(900))).toEqual([`*:${'x'.repeat(900)}*`]);
    expect(drop('x'.repeat(1_500))).toEqual(['*']);
  });

  it('what the operator says instead', () => {
    const operated = planner(`type Query { a: Int }
      type Mutation { a(id: ID): Int @cachePurge(tags: ["x"]) }`,
    { rules: { 'Mutation.a': { purges: ['y:{$args.id}'] } } });
    const purges = operated('mutation { a(id: 1) }').purges({ a: 1 }, {});
    expect(purges.map(patternText)).toEqual(['y:1']);
  });
});

describe('a query', () => {
  it('purges nothing', () => {
    expect(plan('{ ok }').purges({ ok: true }, {})).toEqual([]);
  });
});
