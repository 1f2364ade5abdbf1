import { describe, expect, it } from 'vitest';
import { buildSchema, parse } from 'graphql';
import { planOperation } from '../../src/policy/operation-plan.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { planner } from './planning.ts';

const plan = planner(`
  type Query {
    user(id: ID, name: String): User
    node(id: ID!): Node
    search: [Result]
    matrix: [[User]]
    feed: Feed
    team(org: ID, number: Int): Team
    tree: Tree
    users(first: Int): UserConnection
    anonymous: Anonymous
  }
  interface Node { id: ID! }
  type User implements Node {
    id: ID! name: String best: User posts: [Post]
    drafts(kind: Kind = NEW): [Post] @cacheTag(format: "user:{$key.id}:drafts:{$args.kind}")
    feed: Feed
  }
  enum Kind { NEW OLD }
  type Post implements Node { id: ID! title: String author: User }
  type Page { title: String user: User }
  union Result = User | Post | Page
  type Feed { items: [Item] owner: User }
  type Item { post: Post at: Int }
  type Team @key(fields: "org { id } number") @cacheTag(format: "org:{$key.org.id}:teams") {
    org: Org! number: Int! name: String
  }
  type Org { id: ID! name: String }
  type Tree @key(fields: "code") @key(fields: "alt") @cacheTag(format: "alt:{$key.alt}") {
    code: String! alt: Int
  }
  type UserConnection { edges: [UserEdge] pageInfo: PageInfo! }
  type UserEdge { node: User cursor: String }
  type PageInfo { more: Boolean }
  type Anonymous { id: ID name: String }
`);

interface Case {
  readonly text: string;
  readonly data: unknown;
  readonly tags: readonly string[];
  readonly clean?: unknown;
  readonly overflow?: boolean;
}

const cases: readonly (readonly [string, Case])[] = [
  ['an entity', {
    text: '{ user { name } }',
    data: { user: { name: 'Ada', _freshet_User_id: '1' } },
    clean: { user: { name: 'Ada' } },
    tags: ['user:1'],
  }],
  ['an entity whose id the client asked for, under an alias', {
    text: '{ u: user { key: id id: name } }',
    data: { u: { key: '1', id: 'Ada' } },
    clean: { u: { key: '1', id: 'Ada' } },
    tags: ['user:1'],
  }],
  ['an entity asked for twice, of which one part is left out', {
    text: 'query($a: Boolean!) { user @include(if: $a) { id } user { name } }',
    data: { user: { name: 'Ada', _freshet_User_id: '1' } },
    clean: { user: { name: 'Ada' } },
    tags: ['user:1'],
  }],
  ['an entity asked for twice, of which the other part is left out', {
    text: 'query($a: Boolean!) { user { id } user @include(if: $a) { name } }',
    data: { user: { id: '1' } },
    clean: { user: { id: '1' } },
    tags: ['user:1'],
  }],
  ['ids that are numbers and ids that need escaping', {
    text: '{ user { best { id } id } }',
    data: { user: { id: 7, best: { id: 'gid://shop/User/1 *:' } } },
    tags: ['user:7', 'user:gid%3A//shop/User/1%20%2A%3A'],
  }],
  ['entities in lists, with nulls in them', {
    text: '{ user { id posts { title } } }',
    data: { user: { id: 1, posts: [{ title: 'x', _freshet_Post_id: '5' }, null] } },
    clean: { user: { id: 1, posts: [{ title: 'x' }, null] } },
    tags: ['user:1', 'post:5', 'post'],
  }],
  ['a null in place of a list', {
    text: '{ user { id posts { id } } }',
    data: { user: { id: 1, posts: null } },
    tags: ['user:1', 'post'],
  }],
  ['a null in place of an entity', {
    text: '{ user { id best { id } } }', data: { user: { id: 1, best: null } },
    tags: ['user:1', 'user'],
  }],
  ['a null in place of an entity that the arguments name', {
    text: 'query($id: ID) { user(id: $id) { id } }', data: { user: null },
    tags: ['user', 'user:v1'],
  }],
  ['lists of lists', {
    text: '{ matrix { name } }',
    data: { matrix: [[{ name: 'a', _freshet_User_id: '1' }], null, [null]] },
    clean: { matrix: [[{ name: 'a' }], null, [null]] },
    tags: ['user:1', 'user'],
  }],
  ['values of several types', {
    text: '{ search { ... on User { name } ... on Page { title user { name } } } }',
    data: {
      search: [
        { name: 'a', _freshet_User_id: '1', _freshet_type: 'User' },
        { _freshet_Post_id: '2', _freshet_type: 'Post' },
        { title: 't', user: { name: 'b', _freshet_User_id: '3' }, _freshet_type: 'Page' },
      ],
    },
    clean: { search: [{ name: 'a' }, {}, { title: 't', user: { name: 'b' } }] },
    tags: ['user:1', 'post:2', 'user:3'],
  }],
  ['a null in place of a value of several types', {
    text: '{ node(id: "9") { __typename } }', data: { node: null },
    tags: ['user', 'post', 'user:9', 'post:9'],
  }],
  ['an object that is no entity, and null', {
    text: '{ feed { items { post { id } } owner { id } } }', data: { feed: null },
    tags: ['post', 'user'],
  }],
  ['a connection', {
    text: '{ users { edges { cursor node { name } } pageInfo { more } } }',
    data: {
      users: {
        edges: [{ cursor: 'x', node: { name: 'a', _freshet_User_id: '1' } }],
        pageInfo: { more: false },
      },
    },
    clean: { users: { edges: [{ cursor: 'x', node: { name: 'a' } }], pageInfo: { more: false } } },
    tags: ['user:1'],
  }],
  ['a composite key with a nested field, and a tag made of it', {
    text: '{ team { name } }',
    data: { team: { name: 'x', _freshet_Team_org: { id: 'o' }, _freshet_Team_number: 4 } },
    clean: { team: { name: 'x' } },
    tags: ['team:o:4', 'org:o:teams'],
  }],
  ['a null in place of an entity with a composite key that the arguments do not name', {
    text: '{ team(org: 1, number: 2) { name } }', data: { team: null }, tags: ['team'],
  }],
  ['a tag made of another key', {
    text: '{ tree { code } }',
    data: { tree: { code: 'c', _freshet_Tree_alt: 3 } },
    clean: { tree: { code: 'c' } },
    tags: ['tree:c', 'alt:3'],
  }],
  ['a tag made of a key and an argument', {
    text: 'query($kind: Kind) { user { id a: drafts { id } drafts(kind: $kind) { id } } }',
    data: { user: { id: 1, a: [], drafts: [] } },
    tags: ['user:1', 'user:1:drafts:NEW', 'user:1:drafts:OLD'],
  }],
  ['a tag that cannot be filled in', {
    text: '{ tree { code } }', data: { tree: { code: 'c', _freshet_Tree_alt: null } },
    clean: { tree: { code: 'c' } },
    tags: ['tree:c', 'alt'], overflow: true,
  }],
  ['a whole number that has lost digits on the way', {
    text: '{ anonymous { id name } }', data: { anonymous: { id: 2 ** 53 + 2, name: 'x' } },
    tags: [], overflow: true,
  }],
  ['an entity without its key', {
    text: '{ anonymous { id name } }', data: { anonymous: { id: null, name: 'x' } },
    tags: [], overflow: true,
  }],
  ['a value of a type that was not told', {
    text: '{ search { ... on User { name best { name } } } }',
    data: {
      search: [{ name: 'x', best: { name: 'y', _freshet_User_id: 2 }, _freshet_User_id: 1 }],
    },
    clean: { search: [{ name: 'x', best: { name: 'y' } }] },
    tags: [], overflow: true,
  }],
  ['what @skip left out', { text: '{ user @skip(if: true) { id } }', data: {}, tags: [] }],
  ['what is of another shape than it should be', {
    text: '{ user { id posts { id } } }', data: { user: { id: 1, posts: 'oops' } },
    tags: ['user:1'],
  }],
  ['no data', { text: '{ user { id } }', data: null, tags: [], overflow: true }],
];

describe('harvesting', () => {
  it.each(cases)('finds the tags of %s', (_, { text, data, tags, clean, overflow }) => {
    const harvest = plan(text).harvest(data, { id: 'v1', kind: 'OLD', a: true });
    expect([...harvest.tags].sort()).toEqual([...tags].sort());
    expect(harvest.overflow).toBe(overflow ?? false);
    expect(harvest.data).toBe(data);
    expect(data).toStrictEqual(clean ?? data);
  });

  it('tells when there are more tags than may be', () => {
    const schema = buildSchema('type Query { users: [User] } type User { id: ID! name: String }');
    const policy = new SchemaPolicy(schema);
    const document = parse('{ users { name } }');
    const bounded = planOperation({ policy, schema, document, tagsMax: 3 });
    const users = (count: number) => Array.from({ length: count }, (_, index) => ({
      name: 'x', _freshet_User_id: String(index % 4),
    }));
    expect(bounded.harvest({ users: users(3) }, {})).toMatchObject({ overflow: false });
    const { data, overflow, tags } = bounded.harvest({ users: users(9) }, {});
    expect(overflow).toBe(true);
    expect(tags.size).toBe(3);
    expect(JSON.stringify(data)).not.toContain('_freshet');
  });

  it('of an entity that a subgraph knows without its key keeps nothing', () => {
    const supergraph = `type Query { a: A } type A @key(fields: "id") { id: ID! x: Int }`;
    const policy = new SchemaPolicy(parse(supergraph));
    const schema = buildSchema('type Query { a: A } type A { x: Int }');
    const document = parse('{ a { x } }');
    const lacking = planOperation({ policy, schema, document });
    expect(lacking.completed).toBe(document);
    expect(lacking.harvest({ a: { x: 1 } }, {}).overflow).toBe(true);
  });

  it('tags an entity known by its interface under each type that it can be', () => {
    const policy = new SchemaPolicy(parse(`
      type Query { m: Media }
      interface Media @join__type(graph: A, key: "id", isInterfaceObject: true) { id: ID! }
      type Book implements Media @join__type(graph: B, key: "id") { id: ID! }
      type Film implements Media @join__type(graph: B, key: "id") { id: ID! }`));
    const schema = buildSchema('type Query { m: Media } type Media { id: ID! stars: Int }');
    const { harvest } = { harvest: planOperation({
      policy, schema, document: parse('{ m { id stars } }'),
    }) };
    expect([...harvest.harvest({ m: { id: 1, stars: 2 } }, {}).tags].sort())
      .toEqual(['book:1', 'film:1', 'media:1']);
  });

  it('takes a null for an interface as one of each type that it can be', () => {
    const policy = new SchemaPolicy(parse(`
      type Query { x: Int }
      interface Media @join__type(graph: A, key: "id", isInterfaceObject: true) { id: ID! }
      type Book implements Media @join__type(graph: B, key: "id") { id: ID! }`));
    const schema = buildSchema(`
      type Query { _entities(representations: [_Any!]!): [_Entity]! }
      scalar _Any union _Entity = Media
      type Media { id: ID! stars: Int }`);
    const document = parse(
      'query($r: [_Any!]!) { _entities(representations: $r) { ... on Media { stars } } }',
    );
    const harvest = planOperation({ policy, schema, document })
      .harvest({ _entities: [null] }, { r: [{ __typename: 'Media', id: '1' }] });
    expect([...harvest.tags].sort()).toEqual(['book', 'media']);
  });

  it('takes a null among entities that were asked for by representation as not there', () => {
    const subgraph = planner(`
      type Query { _entities(representations: [_Any!]!): [_Entity]! }
      scalar _Any union _Entity = User | Post
      type User @key(fields: "id") { id: ID! name: String } type Post @key(fields: "id") { id: ID! }
    `);
    const text = 'query($r: [_Any!]!) { _entities(representations: $r) { ... on User { name } } }';
    const data = {
      _entities: [{ name: 'x', _freshet_User_id: '1', _freshet_type: 'User' }, null],
    };
    const r = [{ __typename: 'User', id: '1' }, { __typename: 'User', id: '2' }];
    expect([...subgraph(text).harvest(data, { r }).tags].sort()).toEqual(['user', 'user:1']);
    expect(data).toStrictEqual({ _entities: [{ name: 'x' }, null] });
  });
});
