import { describe, expect, it } from 'vitest';
import { buildSchema, parse } from 'graphql';
import { planOperation } from '../../src/policy/operation-plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { planner, textOf } from './planning.ts';

const plan = planner(`
  type Query {
    user: User node: Node search: [Result] page: Page plain: Plain tree: Tree team: Team
  }
  type Mutation { rename: User leave: Left @cachePurge(tags: ["team:{$result.team.org.slug}:*"]) }
  type Left { ok: Boolean team: Team }
  type Subscription { renamed: User }
  interface Node { id: ID! }
  type User implements Node { id: ID! name: String friends: [User] plain: Plain }
  type Post implements Node @key(fields: "slug") { id: ID! slug: Int! author: User }
  type Team @key(fields: "org { slug } number") { org: Org! number: Int! name: String }
  type Org { slug: String! name: String }
  type Page { title: String }
  type Wrap { user: User }
  union Result = User | Page | Wrap
  union Plain = Page | Note
  type Note { text: String }
  type Tree @key(fields: "code") @cacheTag(format: "tree:{$key.code}") {
    code: String! kids: [Tree]
  }
`);

const added = (text: string): string => textOf(plan(text));

describe('the completed document', () => {
  it.each([
    ['{ user { name } }', '{ user { name _freshet_User_id: id } }'],
    ['{ user { id name } }', '{ user { id name } }'],
    ['{ user { n: id } }', '{ user { n: id } }'],
    ['{ user { id: name } }', '{ user { id: name _freshet_User_id: id } }'],
    ['{ user { id @include(if: true) } }',
      '{ user { id @include(if: true) _freshet_User_id: id } }'],
    ['{ user { ... @skip(if: true) { id } } }',
      '{ user { ... @skip(if: true) { id } _freshet_User_id: id } }'],
    ['{ user { ... on Node { id } } }', '{ user { ... on Node { id } } }'],
    ['{ user { ...f } } fragment f on User { id }',
      '{ user { ...f } } fragment f on User { id }'],
    ['{ user { ...f } } fragment f on User { friends { name } }',
      '{ user { ...f _freshet_User_id: id } } fragment f on User '
      + '{ friends { name _freshet_User_id: id } }'],
    ['{ page { title } }', '{ page { title } }'],
    ['{ plain { ... on Page { title } } }',
      '{ plain { ... on Page { title } _freshet_type: __typename } }'],
    ['{ plain { __typename } }', '{ plain { __typename } }'],
    ['{ node { id } }', '{ node { id ... on Post { _freshet_Post_slug: slug } '
      + '_freshet_type: __typename } }'],
    ['{ node { t: __typename ... on Post { slug } ... on User { id } } }',
      '{ node { t: __typename ... on Post { slug } ... on User { id } } }'],
    ['{ team { name } }', '{ team { name _freshet_Team_org: org { slug } '
      + '_freshet_Team_number: number } }'],
    ['{ tree { kids { code } } }',
      '{ tree { kids { code } _freshet_Tree_code: code } }'],
    ['{ __schema { types { name } } user { id } }',
      '{ __schema { types { name } } user { id } }'],
    ['subscription { renamed { name } }', 'subscription { renamed { name } }'],
    ['mutation { rename { name } }', 'mutation { rename { name _freshet_User_id: id } }'],
    ['mutation { l: leave { ok } }',
      'mutation { l: leave { ok _freshet_result_team: team { org { slug } } } }'],
  ])('of %s is %s', (text, completed) => {
    expect(added(text)).toBe(completed);
  });

  it('is the document itself where nothing is needed', () => {
    const schema = buildSchema('type Query { user: User } type User { id: ID }');
    const document = parse('{ user { id } }');
    const policy = new SchemaPolicy(schema);
    expect(planOperation({ policy, schema, document }).completed).toBe(document);
  });

  it('can be planned again under another prefix, and needs nothing more', () => {
    const schema = buildSchema('type Query { user: User } type User { id: ID name: String }');
    const policy = new SchemaPolicy(schema);
    const { completed } = planOperation({ policy, schema, document: parse('{ user { name } }') });
    const again = planOperation({ policy, schema, document: completed, aliasPrefix: '_inner_' });
    expect(again.completed).toBe(completed);
  });

  it.each([
    '{ user { _freshet_User_id: name } }',
    '{ _freshet_x: user { id } }',
    '{ user { ...f } } fragment f on User { friends { _freshet_type: id } }',
  ])('is refused to a client that uses its aliases: %s', (text) => {
    expect(() => plan(text)).toThrow(expect.objectContaining({ code: 'ALIAS_RESERVED' }));
  });

  it('asks for the key only of the operation that is planned', () => {
    const schema = buildSchema('type Query { user: User } type User { id: ID name: String }');
    const policy = new SchemaPolicy(schema);
    const document = parse('query A { user { name } } query B { user { name } }');
    const { completed } = planOperation({ policy, schema, document, operationName: 'B' });
    expect(completed.definitions[0]).toBe(document.definitions[0]);
    expect(completed.definitions[1]).not.toBe(document.definitions[1]);
  });

  it('of a subgraph asks for the keys of those entities that are asked for', () => {
    const subgraph = planner(`
      type Query { _entities(representations: [_Any!]!): [_Entity]! }
      scalar _Any union _Entity = User | Post
      type User @key(fields: "id") { id: ID! name: String } type Post @key(fields: "id") { id: ID! }
    `);
    const ask = (selection: string) => textOf(subgraph(
      `query($r: [_Any!]!) { _entities(representations: $r) { ${selection} } }`,
    )).replace('query ($r: [_Any!]!) ', '');
    expect(ask('... on User { name }')).toBe('{ _entities(representations: $r) { ... on User '
      + '{ name } ... on User { _freshet_User_id: id } _freshet_type: __typename } }');
    expect(ask('__typename ... on User { id }'))
      .toBe('{ _entities(representations: $r) { __typename ... on User { id } } }');
  });
});

describe('planning', () => {
  const schema = buildSchema(`
    type Query { node: Node } interface Node { id: ID! next: Node }
    ${Array.from({ length: 60 }, (_, index) =>
    `type T${index} implements Node { id: ID! next: Node }`).join('\n')}
  `);
  const policy = new SchemaPolicy(schema);
  const nested = (depth: number, inner: (deeper: string) => string): string =>
    (depth === 0 ? 'id' : inner(nested(depth - 1, inner)));

  it('takes no longer for many types than the selections are many', () => {
    const text = `{ node { ${nested(40, (deeper) => `next { ${deeper} }`)} } }`;
    expect(planOperation({ policy, schema, document: parse(text) }).ttlMs).toBe(60_000);
  });

  it('refuses a document whose selections multiply', () => {
    const fragments = Array.from({ length: 16 }, (_, depth) => `
      fragment L${depth} on Node {
        ... on T0 { next { ...L${depth + 1} ...X${depth}_${depth} } }
        ... on T1 { next { ...L${depth + 1} } }
      }
      ${Array.from({ length: 16 - depth }, (_unused, at) => `
        fragment X${depth}_${depth + at} on Node {
          next { ${depth + at < 15 ? `...X${depth}_${depth + at + 1}` : 'id'} }
        }`).join('')}`);
    const text = `{ node { ...L0 } } fragment L16 on Node { id } ${fragments.join('')}`;
    expect(() => planOperation({ policy, schema, document: parse(text) }))
      .toThrow(expect.objectContaining({ code: 'DOCUMENT_LIMIT_EXCEEDED' }));
  });

  it.each([
    ['{ nothing }', undefined],
    ['{ node { nothing } }', undefined],
    ['{ node { ...missing } }', undefined],
    ['mutation { node { id } }', undefined],
    ['query A { node { id } } query B { node { id } }', undefined],
    ['query A { node { id } }', 'B'],
  ])('refuses a document that is not of the schema: %s', (text, operationName) => {
    expect(() => planOperation({ policy, schema, document: parse(text), operationName }))
      .toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});
