import { describe, expect, it } from 'vitest';
import { planner } from './planning.ts';

const plan = planner(`
  type Query {
    posts(author: ID): [Post] @cacheTag(format: "user:{$args.author}:posts")
    sorted(sort: Sort = NEWEST): [Post] @cacheTag(format: "posts:{$args.sort}")
    some(ids: [ID!]): [Post] @cacheTag(format: "some:{$args.ids}:x")
    filtered(filter: Filter): Int
      @cacheTag(format: "in:{$args.filter.place}:{$args.filter.kind}")
    raw(raw: JSON): Int @cacheTag(format: "raw:{$args.raw.deep.value}")
    flagged(flag: Boolean!): Int @cacheTag(format: "Flag-{$args.flag}")
    any(tag: String): Int @cacheTag(format: "{$args.tag}:a")
    fixed: Int @cacheTag(format: "Fixed:One") @cacheTag(format: "two%3A2")
    users: UserConnection
    search: [Result]
    node: Node
    wall: [Brick]
    matrix: [[Post!]!]!
    product: Product
    viewer: User
  }
  scalar JSON
  enum Sort { NEWEST OLDEST }
  input Filter { place: String kind: Kind = BIG deep: Filter }
  enum Kind { BIG SMALL }
  type Post { id: ID! author: User tags: [String] comments: [Comment] }
  type Comment { id: ID! }
  type User { id: ID! friends: UserConnection }
  type UserConnection { edges: [UserEdge] nodes: [User] count: Int }
  type UserEdge { node: User by: Post }
  union Result = User | Post | Page
  type Page { title: String mentions: Comment }
  type Product @cacheTag(format: "catalogue") { name: String }
  type Brick { size: Int }
  interface Node { next: [Comment] @cacheTag(format: "nexts") }
  type A implements Node { next: [Comment] }
`);

const tagsOf = (text: string, variables: Record<string, unknown> = {}): string[] =>
  [...plan(text).declaredTags(variables)].sort();

describe('declared tags', () => {
  it.each([
    ['{ viewer { id } }', []],
    ['{ sorted { id } }', ['post', 'posts:NEWEST']],
    ['{ viewer { friends { nodes { id } } } }', ['user']],
    ['{ users { edges { node { id } } } }', ['user']],
    ['{ users { edges { by { id comments { id } } } } }', ['comment', 'post', 'user']],
    ['{ users { count } }', ['user']],
    ['{ search { ... on User { id } } }', ['post', 'user']],
    ['{ search { ... on Page { mentions { id } } } }', ['comment', 'post', 'user']],
    ['{ search { __typename } }', ['post', 'user']],
    ['{ matrix { id } }', ['post']],
    ['{ matrix { tags } }', ['post']],
    ['{ wall { size } }', []],
    ['{ product { name } }', ['catalogue']],
    ['{ fixed }', ['fixed:One', 'two%3A2']],
    ['{ node { n: next { id } } }', ['comment', 'nexts']],
    ['{ sorted @include(if: false) { id } }', ['post', 'posts:NEWEST']],
  ])('of %s are %j', (text, tags) => {
    expect(tagsOf(text)).toEqual(tags);
    expect(plan(text).harvest({}, {}).overflow).toBe(false);
  });

  it.each([
    ['a literal', '{ posts(author: "1") { id } }', {}, 'user:1:posts'],
    ['a literal number, with all its digits',
      '{ posts(author: 12345678901234567890) { id } }', {}, 'user:12345678901234567890:posts'],
    ['a variable', 'query($a: ID) { posts(author: $a) { id } }', { a: 'x y' }, 'user:x%20y:posts'],
    ['a variable with a star', 'query($a: ID) { posts(author: $a) { id } }', { a: '*' },
      'user:%2A:posts'],
    ['the default of a variable', 'query($a: ID = "d") { posts(author: $a) { id } }', {},
      'user:d:posts'],
    ['an enum', '{ sorted(sort: OLDEST) { id } }', {}, 'posts:OLDEST'],
    ['a variable that is not given, and the default of the argument',
      'query($s: Sort) { sorted(sort: $s) { id } }', {}, 'posts:NEWEST'],
    ['a member of an input object', '{ filtered(filter: { place: "x" }) }', {}, 'in:x:BIG'],
    ['a variable in an input object',
      'query($p: String) { filtered(filter: { place: $p, kind: SMALL }) }', { p: '' },
      'in:%-:SMALL'],
    ['an input object as variable', 'query($f: Filter) { filtered(filter: $f) }',
      { f: { place: 'x:y' } }, 'in:x%3Ay:BIG'],
    ['a member of a scalar', 'query($r: JSON) { raw(raw: $r) }', { r: { deep: { value: 1.5 } } },
      'raw:1.5'],
    ['a flag', '{ flagged(flag: true) }', {}, 'flag-true'],
  ])('hold %s', (_, text, variables, tag) => {
    expect(tagsOf(text, variables)).toContain(tag);
    expect(plan(text).harvest({}, variables).overflow).toBe(false);
  });

  it('hold one tag for each element of a list', () => {
    const text = 'query($b: ID!) { some(ids: [1, $b]) { id } }';
    expect(tagsOf(text, { b: 'z' })).toEqual(['post', 'some:1:x', 'some:z:x']);
    expect(tagsOf('{ some(ids: []) { id } }')).toEqual(['post']);
  });

  it.each([
    ['{ posts { id } }', {}, ['post', 'user']],
    ['{ posts(author: null) { id } }', {}, ['post', 'user']],
    ['query($a: ID) { posts(author: $a) { id } }', { a: null }, ['post', 'user']],
    ['query($f: Filter) { filtered(filter: $f) }', { f: { kind: 'BIG' } }, ['in']],
    ['query($f: Filter) { filtered(filter: $f) }', { f: { place: 'x', kind: null } }, ['in:x']],
    ['query($r: JSON) { raw(raw: $r) }', { r: { deep: { value: {} } } }, ['raw']],
    ['{ any }', {}, []],
    ['query($i: [ID!]) { some(ids: $i) { id } }', { i: Array(1001).fill(1) }, ['post', 'some']],
  ])('end before what %s, given %j, does not fill; it is not kept', (text, values, tags) => {
    expect(tagsOf(text, values)).toEqual(tags);
    expect(plan(text).harvest({}, values).overflow).toBe(true);
  });

  it('are the tags of the plan, not of one request', () => {
    const one = plan('query($a: ID) { posts(author: $a) { id } }');
    expect(one.declaredTags({ a: 1 })).toContain('user:1:posts');
    expect(one.declaredTags({ a: 2 })).not.toContain('user:1:posts');
  });
});
