import { composeServices } from '@theguild/federation-composition';
import { buildSchema, parse, print, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { planOperation } from '../../src/policy/operation-plan.ts';
import type { OperationPlan } from '../../src/policy/plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { attachDirectives, takeDirectives } from '../../src/policy/subgraph-directives.ts';
import { planner, textOf } from './planning.ts';

const SDL = `
  scalar BigInt
  type Query { post: Post posts: [[Post]] node: Node either: Either plain: Plain box: Box }
  type Mutation { update: Post }
  interface Node { id: ID! }
  type Post implements Node @cacheStrategy(version: "rev") {
    id: ID! rev: Int title: String author: User related: [Post]
  }
  type User implements Node @cacheStrategy(version: "changes") {
    id: ID! changes: BigInt name: String
  }
  type Plain implements Node { id: ID! rev: Int }
  type Box { post: Post }
  union Either = Post | User`;
const plan = planner(SDL);

const versionsOf = (one: OperationPlan, data: unknown) => {
  const { data: shown, versions, overflow } = one.harvest(data, {});
  return { shown, versions: Object.fromEntries(versions), overflow };
};

describe('the version of an entity', () => {
  it.each([
    ['{ post { title } }',
      '{ post { title _freshet_Post_id: id _freshet_Post_rev: rev } }'],
    ['{ p: posts { t: title } }',
      '{ p: posts { t: title _freshet_Post_id: id _freshet_Post_rev: rev } }'],
    ['{ post { id rev } }', '{ post { id rev } }'],
    ['{ post { i: id v: rev } }', '{ post { i: id v: rev } }'],
    ['{ post { ...f } } fragment f on Post { id rev }',
      '{ post { ...f } } fragment f on Post { id rev }'],
    ['query($a: Boolean = true) { post { id rev @include(if: $a) } }',
      'query ($a: Boolean = true) { post { id rev @include(if: $a) _freshet_Post_rev: rev } }'],
    ['{ post { id rev: title } }', '{ post { id rev: title _freshet_Post_rev: rev } }'],
    ['{ post { rev: id id: rev } }', '{ post { rev: id id: rev } }'],
    ['{ box { post { id } } }', '{ box { post { id _freshet_Post_rev: rev } } }'],
    ['{ plain { id } }', '{ plain { id } }'],
    ['{ node { id } }', '{ node { id ... on Post { _freshet_Post_rev: rev } '
      + '... on User { _freshet_User_changes: changes } _freshet_type: __typename } }'],
    ['{ either { __typename ... on Post { id rev } } }',
      '{ either { __typename ... on Post { id rev } ... on User { _freshet_User_id: id '
      + '_freshet_User_changes: changes } } }'],
    ['mutation { update { id } }', 'mutation { update { id _freshet_Post_rev: rev } }'],
  ])('is asked for in %s, where the client does not', (text, completed) => {
    const one = plan(text);
    // In a union the client's own fields stand under a condition, and are asked for beside.
    const beside = '... on Post { _freshet_Post_id: id _freshet_Post_rev: rev } ';
    expect(textOf(one).replace(beside, '')).toBe(completed);
  });

  it.each<[string, unknown, unknown, Record<string, number>]>([
    ['{ post { title } }',
      { post: { title: 'a', _freshet_Post_id: '1', _freshet_Post_rev: 7 } },
      { post: { title: 'a' } }, { 'post:1': 7 }],
    ['{ post { i: id v: rev } }', { post: { i: '1', v: 3 } }, { post: { i: '1', v: 3 } },
      { 'post:1': 3 }],
    ['{ post { id rev: title } }', { post: { id: '1', rev: '99', _freshet_Post_rev: 2 } },
      { post: { id: '1', rev: '99' } }, { 'post:1': 2 }],
    ['{ posts { id } }',
      { posts: [[{ id: '1', _freshet_Post_rev: 5 }, null], [{ id: '2', _freshet_Post_rev: 0 }]] },
      { posts: [[{ id: '1' }, null], [{ id: '2' }]] }, { 'post:1': 5, 'post:2': 0 }],
    ['{ post { id rev author { id } related { id rev } } }',
      { post: {
        id: '1', rev: 9, author: { id: 'u', _freshet_User_changes: '12345678901' },
        related: [{ id: '1', rev: 8 }, { id: '1', rev: 10 }],
      } },
      { post: {
        id: '1', rev: 9, author: { id: 'u' }, related: [{ id: '1', rev: 8 }, { id: '1', rev: 10 }],
      } },
      { 'post:1': 8, 'user:u': 12_345_678_901 }],
    ['{ a: node { id } b: either { ... on Post { title } } }',
      {
        a: { id: 'u', _freshet_type: 'User', _freshet_User_changes: 6 },
        b: { title: 't', _freshet_type: 'Post', _freshet_Post_id: '1', _freshet_Post_rev: 2 },
      },
      { a: { id: 'u' }, b: { title: 't' } }, { 'user:u': 6, 'post:1': 2 }],
    ['mutation { update { id } }', { update: { id: '1', _freshet_Post_rev: 4 } },
      { update: { id: '1' } }, { 'post:1': 4 }],
    ['{ plain { id rev } }', { plain: { id: '1', rev: 4 } }, { plain: { id: '1', rev: 4 } }, {}],
  ])('is gathered from %s by its tag, and does not show', (text, data, shown, versions) => {
    expect(versionsOf(plan(text), data)).toEqual({ shown, versions, overflow: false });
  });

  it.each<[unknown, number | undefined]>([
    [0, 0],
    ['0', 0],
    ['0042', 42],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740993', undefined],
    [2 ** 53, undefined],
    [10n, 10],
    [2n ** 60n, undefined],
    [-1, undefined],
    [1.5, undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['', undefined],
    ['v7', undefined],
    [null, undefined],
    [undefined, undefined],
    [true, undefined],
    [{}, undefined],
  ])('shown as %o is %o', (version, expected) => {
    const data = { post: { id: '1', rev: version } };
    const { versions, overflow } = versionsOf(plan('{ post { id rev } }'), data);
    expect({ versions, overflow })
      .toEqual({ versions: expected === undefined ? {} : { 'post:1': expected }, overflow: false });
  });

  it('is left out where the entity is not tagged', () => {
    const { versions, overflow } = versionsOf(plan('{ post { id rev } }'), { post: { rev: 4 } });
    expect({ versions, overflow }).toEqual({ versions: {}, overflow: true });
    const schema = buildSchema('type Query { all: [Post] } type Post { id: ID! rev: Int }');
    const policy = new SchemaPolicy(schema, { rules: { Post: { versionField: 'rev' } } });
    const document = parse('{ all { id } }');
    const bounded = planOperation({ policy, schema, document, tagsMax: 1 });
    const all = [{ id: '1', _freshet_Post_rev: 1 }, { id: '2', _freshet_Post_rev: 1 }];
    expect(versionsOf(bounded, { all }).versions).toEqual({ 'post:1': 1 });
  });
});

describe('the version in a federated graph', () => {
  const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
    import: ["@key", "@external", "@requires"])`;
  const subgraphs = [
    `${link} type Query { post: Post }
     type Post @key(fields: "id") @cacheStrategy(version: "rev") {
       id: ID! rev: Int! title: String
     }`,
    `${link} type Query { top: [Post] }
     type Post @key(fields: "id") { id: ID! score: Int }`,
  ].map((sdl) => takeDirectives(parse(sdl)));
  const { supergraphSdl = '' } = composeServices(subgraphs.map(({ document }, at) =>
    ({ name: `s${at}`, url: `http://s${at}`, typeDefs: document })));
  const supergraph = attachDirectives(parse(supergraphSdl), ...subgraphs.map(({ hints }) => hints));
  const policy = new SchemaPolicy(parse(print(supergraph)));
  const entities = `union _Entity = Post scalar _Any
    extend type Query { _entities(representations: [_Any!]!): [_Entity]! }`;
  const fetching = `query($r: [_Any!]!) {
    _entities(representations: $r) { ... on Post { __typename } }
  }`;

  const planned = (sdl: string, text: string) => {
    const schema = buildSchema(`${sdl} ${entities}`);
    const document = parse(text);
    expect(validate(schema, document)).toEqual([]);
    const one = planOperation({ policy, schema, document });
    expect(validate(schema, one.completed)).toEqual([]);
    return one;
  };

  it('is asked of the subgraph that has it, with each entity', () => {
    const one = planned('type Query { post: Post } type Post { id: ID! rev: Int! }', fetching);
    expect(textOf(one)).toContain('_freshet_Post_rev: rev');
    const entity = {
      __typename: 'Post', _freshet_type: 'Post', _freshet_Post_id: '1', _freshet_Post_rev: 3,
    };
    const variables = { r: [{ __typename: 'Post', id: '1' }] };
    const harvested = one.harvest({ _entities: [entity] }, variables);
    expect(harvested.data).toEqual({ _entities: [{ __typename: 'Post' }] });
    expect(Object.fromEntries(harvested.versions)).toEqual({ 'post:1': 3 });
  });

  it('is not asked of one that lacks it, or the key', () => {
    const sdl = 'type Query { top: [Post] } type Post { id: ID! score: Int }';
    const lacking = planned(sdl, fetching);
    expect(print(lacking.completed)).not.toContain('rev');
    const keyless = planned('type Query { top: [Post] } type Post { rev: Int! }', fetching);
    expect(print(keyless.completed)).not.toContain('rev');
  });
});
