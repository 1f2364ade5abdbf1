import type { Executor } from '@graphql-tools/utils';
import { execute, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { stitchSupergraph } from '../../../src/gateway/supergraph/stitch.ts';
import { parseSupergraph } from '../../../src/gateway/supergraph/supergraph.ts';

const LINK = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])`;
const USERS_2 = {
  name: 'users',
  url: 'http://users/',
  sdl: `${LINK}
    directive @cacheControl(maxAge: Int, scope: CacheControlScope, inheritMaxAge: Boolean)
      on FIELD_DEFINITION | OBJECT | INTERFACE | UNION
    enum CacheControlScope { PUBLIC PRIVATE }
    type Query { user(id: ID!): User @cacheControl(maxAge: 30) }
    type User @key(fields: "id") { id: ID! email: String @cacheControl(scope: PRIVATE) }`,
};
const POSTS_2 = {
  name: 'posts',
  url: 'http://posts/',
  sdl: `${LINK}
    type Query { posts: [Post!]! @cacheTag(format: "front:posts") }
    type Post @key(fields: "id") { id: ID! author: User }
    type User @key(fields: "id") { id: ID! posts: [Post!]! @cacheControl(maxAge: 5) }`,
};
const USERS_1 = {
  name: 'users',
  url: 'http://users/',
  sdl: 'type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! name: String }',
};
const POSTS_1 = {
  name: 'posts',
  url: 'http://posts/',
  sdl: `extend type Query { posts: [Post!]! }
    type Post @key(fields: "id") { id: ID! author: User }
    extend type User @key(fields: "id") { id: ID! @external posts: [Post!]! }`,
};
const PLAIN = {
  name: 'weather',
  url: 'http://weather/',
  sdl: `schema { query: Root mutation: Change }
    directive @live on QUERY
    type Root { weather(town: String!): Weather now: DateTime }
    type Change { setWeather(town: String!): Weather }
    scalar DateTime
    type Weather { degrees: Float }`,
};

function answering(data: object): Executor {
  return (() => ({ data })) as Executor;
}

function fieldsOf(sdl: string, type: 'Query' | 'User'): readonly string[] {
  const schema = stitchSupergraph({
    supergraph: parseSupergraph(sdl),
    createExecutor: () => answering({}),
  });
  const found = schema.getType(type);
  return found !== undefined && 'getFields' in found ? Object.keys(found.getFields()).sort() : [];
}

describe('composeSupergraph', () => {
  it('composes subgraphs in the style of federation 2', () => {
    const { sdl } = composeSupergraph([USERS_2, POSTS_2]);
    expect(fieldsOf(sdl, 'Query')).toEqual(['posts', 'user']);
    expect(fieldsOf(sdl, 'User')).toEqual(['email', 'id', 'posts']);
  });

  it('composes subgraphs in the style of federation 1, and both together', () => {
    for (const subgraphs of [[USERS_1, POSTS_1], [USERS_1, POSTS_2], [USERS_2, POSTS_1]]) {
      const { sdl } = composeSupergraph(subgraphs);
      expect(fieldsOf(sdl, 'Query')).toEqual(['posts', 'user']);
      expect(fieldsOf(sdl, 'User')).toContain('posts');
    }
  });

  it('takes a plain API, alone and beside subgraphs', () => {
    expect(fieldsOf(composeSupergraph([PLAIN]).sdl, 'Query')).toEqual(['now', 'weather']);
    const both = composeSupergraph([PLAIN, USERS_2, POSTS_2]);
    expect(fieldsOf(both.sdl, 'Query')).toEqual(['now', 'posts', 'user', 'weather']);
  });

  it('carries our directives into the supergraph, which can be executed with them', async () => {
    const { sdl } = composeSupergraph([USERS_2, POSTS_2]);
    expect(sdl).toMatch(/user\(id: ID!\): User @join.* @cacheControl\(maxAge: 30\)/);
    expect(sdl).toMatch(/email: String .*@cacheControl\(scope: PRIVATE\)/);
    expect(sdl).toMatch(/posts: \[Post!\]! @join.* @cacheTag\(format: "front:posts"\)/);
    expect(sdl).toMatch(/directive @cachePurge/);
    const schema = stitchSupergraph({
      supergraph: parseSupergraph(sdl),
      createExecutor: () =>
        answering({ user: { __typename: 'User', id: '1', email: 'e' } }),
    });
    const result = await execute({ schema, document: parse('{ user(id: 1) { email } }') });
    expect(result).toEqual({ data: { user: { email: 'e' } } });
  });

  it('makes the same text of the same subgraphs in any order', () => {
    const one = composeSupergraph([USERS_2, POSTS_2, PLAIN]).sdl;
    expect(composeSupergraph([PLAIN, POSTS_2, USERS_2]).sdl).toBe(one);
  });

  it('fails with all that the composer complains of', () => {
    const a = { name: 'a', url: '', sdl: 'type Query { x: Int, y: Int }' };
    const b = {
      name: 'b',
      url: '',
      sdl: `${LINK} type Query { x: String } type T @key(fields: "nope") { id: ID! }`,
    };
    const both = { ...b, sdl: `${LINK} type Query { x: String, y: Boolean }` };
    expect(() => composeSupergraph([a, b])).toThrow(/COMPOSITION|do not compose[^]*nope/);
    expect(() => composeSupergraph([a, both])).toThrow(expect.objectContaining({
      code: 'COMPOSITION_FAILED',
      message: expect.stringMatching(/Query\.x[^]*Query\.y/),
    }));
  });

  it.each([
    ['no subgraph', [], /at least one/],
    ['two of one name', [USERS_2, { ...POSTS_2, name: 'users' }], /\[users\] a name of its own/],
    ['what is no SDL', [{ ...USERS_2, sdl: 'type {' }], /\[users\] Syntax Error/],
    ['an empty SDL', [{ ...USERS_2, sdl: '' }], /\[users\] Syntax Error/],
    ['an SDL without a query', [{ ...USERS_2, sdl: 'type T { a: Int }' }], /./],
  ])('refuses %s', (_what, subgraphs, message) => {
    expect(() => composeSupergraph(subgraphs)).toThrow(expect.objectContaining({
      code: 'COMPOSITION_FAILED', message: expect.stringMatching(message),
    }));
  });
});
