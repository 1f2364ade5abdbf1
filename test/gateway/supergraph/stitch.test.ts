import { createYoga } from 'graphql-yoga';
import type { ExecutionRequest, Executor } from '@graphql-tools/utils';
import { GraphQLError, print, type GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { composeSupergraph } from '../../../src/gateway/supergraph/compose.ts';
import { stitchSupergraph } from '../../../src/gateway/supergraph/stitch.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import type { Subgraph } from '../../../src/gateway/caching/subgraph-request.ts';
import { parseSupergraph } from '../../../src/gateway/supergraph/supergraph.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key", "@requires", "@provides", "@external", "@shareable"])`;

const people = new Map([['1', 'Ann'], ['2', 'Bob'], ['3', 'Cid']]);
const posts = [
  { id: 'p1', author: { __typename: 'User', id: '1', name: 'Ann' }, kind: 'Article', words: 100 },
  { id: 'p2', author: { __typename: 'User', id: '2', name: 'Bob' }, kind: 'Picture', width: 5 },
];
let subscribersLeft = 0;

let users: TestSubgraph;
let content: TestSubgraph;
let schema: GraphQLSchema;
const wrapped: Subgraph[] = [];
const requests: { name: string; request: ExecutionRequest }[] = [];
const clock = new ManualClock();

function person(id: string) {
  if (id === 'denied') {
    throw new GraphQLError('Not yours', { extensions: { code: 'FORBIDDEN', why: 'x' } });
  }
  return people.has(id) ? { __typename: 'User', id, name: people.get(id), weight: 70 } : null;
}

beforeAll(async () => {
  users = await startSubgraph({
    name: 'user-service',
    sdl: `${LINK}
      type Query { user(id: ID!): User users: [User!]! boom: String }
      type Mutation { rename(id: ID!, name: String!): User }
      type Subscription { renamed: User }
      type User @key(fields: "id") { id: ID! name: String @shareable weight: Int secret: String }`,
    resolvers: {
      Query: {
        user: (_, { id }) => person(id),
        users: () => ['1', '2'].map(person),
        boom: () => { throw new Error('password is hunter2'); },
      },
      User: {
        secret: () => {
          throw new GraphQLError('No', { extensions: { code: 'FORBIDDEN' } });
        },
      },
      Mutation: { rename: (_, { id, name }) => ({ ...person(id), name }) },
      Subscription: {
        renamed: {
          async* subscribe() {
            try {
              for (;;) {
                yield { renamed: person('1') };
                await new Promise((resolve) => setTimeout(resolve, 5));
              }
            } finally {
              subscribersLeft += 1;
            }
          },
        },
      },
    },
    entities: { User: ({ id }) => person(id) },
  });
  content = await startSubgraph({
    name: 'content-service',
    sdl: `${LINK}
      type Query {
        post(id: ID!): Item posts: [Item!]! search: [Hit!]!
        named: [Item!]! @provides(fields: "author { name }")
      }
      interface Item { id: ID! author: User }
      type Article implements Item @key(fields: "id") { id: ID! author: User words: Int }
      type Picture implements Item @key(fields: "id") { id: ID! author: User width: Int }
      union Hit = Article | User
      type User @key(fields: "id") {
        id: ID! posts: [Item!]! name: String @external
        weight: Int @external heavy: Boolean @requires(fields: "weight")
      }`,
    resolvers: {
      Query: {
        post: (_, { id }) => posts.find((post) => post.id === id),
        posts: () => posts,
        named: () => posts,
        search: () => [posts[0], { __typename: 'User', id: '3' }],
      },
      Item: { __resolveType: ({ kind }: { kind: string }) => kind },
      Hit: { __resolveType: (hit: { kind?: string }) => hit.kind ?? 'User' },
    },
    entities: {
      User: ({ id, weight }) =>
        ({ id, heavy: weight > 60, posts: posts.filter(({ author }) => author.id === id) }),
    },
  });
  const supergraph = parseSupergraph(composeSupergraph([users, content]).sdl);
  schema = stitchSupergraph({
    supergraph,
    createExecutor: (entry) => createSubgraphExecutor({ ...entry, clock, timeoutMs: 5_000 }),
    wrap: (subgraph) => {
      wrapped.push(subgraph);
      return ((request: ExecutionRequest) => {
        requests.push({ name: subgraph.name, request });
        return subgraph.executor(request);
      }) as Executor;
    },
  });
});

afterAll(() => Promise.all([users.stop(), content.stop()]));

beforeEach(() => {
  users.forget();
  content.forget();
  requests.length = 0;
});

interface Result {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { message: string; path?: unknown; extensions?: unknown }[];
}

async function ask(query: string): Promise<Result> {
  const yoga = createYoga({ schema, logging: false });
  const response = await yoga.fetch('http://gateway/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as Result;
}

describe('a stitched supergraph', () => {
  it('wraps the executor of each subgraph under the subgraph\'s own name', () => {
    expect([...new Set(wrapped.map(({ name }) => name))].sort())
      .toEqual(['content-service', 'user-service']);
    const { schema: own } = wrapped.find(({ name }) => name === 'user-service') as Subgraph;
    expect(own.getType('User')).toBeDefined();
  });

  it('joins entities of several subgraphs', async () => {
    const query = '{ posts { id author { name } } users { name posts { id } } }';
    const { data, errors } = await ask(query);
    expect(errors).toBeUndefined();
    expect(data).toEqual({
      posts: [{ id: 'p1', author: { name: 'Ann' } }, { id: 'p2', author: { name: 'Bob' } }],
      users: [{ name: 'Ann', posts: [{ id: 'p1' }] }, { name: 'Bob', posts: [{ id: 'p2' }] }],
    });
    expect(users.representations.map(({ __typename, id }) => [__typename, id]))
      .toEqual([['User', '1'], ['User', '2']]);
  });

  it('asks for representations by a variable, once for what comes together', async () => {
    await ask('{ posts { author { name } } }');
    const [request] = requests.filter(({ name }) => name === 'user-service');
    expect(print(request?.request.document as never)).toMatch(/_entities\(representations: \$/);
    expect(users.calls.length).toBe(1);
  });

  it('answers interfaces, unions, @requires and @provides', async () => {
    const query = `{
      named { __typename id ... on Article { words } ... on Picture { width } author { name } }
      search { ... on Article { id } ... on User { name } }
      user(id: 3) { heavy }
    }`;
    expect(await ask(query)).toEqual({
      data: {
        named: [
          { __typename: 'Article', id: 'p1', words: 100, author: { name: 'Ann' } },
          { __typename: 'Picture', id: 'p2', width: 5, author: { name: 'Bob' } },
        ],
        search: [{ id: 'p1' }, { name: 'Cid' }],
        user: { heavy: true },
      },
    });
  });

  it('sends a mutation to its subgraph, and joins its answer', async () => {
    const { data } = await ask('mutation { rename(id: 1, name: "Anna") { name posts { id } } }');
    expect(data).toEqual({ rename: { name: 'Anna', posts: [{ id: 'p1' }] } });
  });

  it('keeps path and code of an error of a subgraph, at the root and in an entity', async () => {
    const query = '{ user(id: "denied") { name } posts { author { secret } } }';
    const { data, errors } = await ask(query);
    expect(data?.['user']).toBeNull();
    expect(errors).toContainEqual(expect.objectContaining({
      message: 'Not yours', path: ['user'], extensions: { code: 'FORBIDDEN', why: 'x' },
    }));
    for (const index of [0, 1]) {
      expect(errors).toContainEqual(expect.objectContaining({
        message: 'No',
        path: ['posts', index, 'author', 'secret'],
        extensions: { code: 'FORBIDDEN' },
      }));
    }
  });

  it('keeps each of several errors that a subgraph gives for one field', async () => {
    users.misbehave({
      body: JSON.stringify({
        errors: ['A', 'B'].map((message) => ({ message, extensions: { code: message } })),
      }),
    });
    const { data, errors } = await ask('{ user(id: 1) { name } }');
    expect(data).toEqual({ user: null });
    expect(errors?.map(({ message, extensions }) => [message, extensions]))
      .toEqual([['A', { code: 'A' }], ['B', { code: 'B' }]]);
  });

  it('passes on what a subgraph has masked itself', async () => {
    const { errors } = await ask('{ boom }');
    expect(JSON.stringify(errors)).not.toContain('hunter2');
    expect(errors?.map(({ path }) => path)).toEqual([['boom']]);
  });

  it('answers what it can while a subgraph is late, and says which one was', async () => {
    const gate = users.hold();
    const answer = ask('{ posts { id author { name } } }');
    await gate.arrived;
    clock.advance(5_000);
    const { data, errors } = await answer;
    expect(data).toEqual({
      posts: [{ id: 'p1', author: { name: null } }, { id: 'p2', author: { name: null } }],
    });
    expect(errors?.[0]?.message).toMatch(/user-service within 5000 ms/);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'SUBGRAPH_TIMEOUT' });
    gate.release();
  });

  it('passes subscriptions through, joins their events, and ends with the client', async () => {
    const yoga = createYoga({ schema, logging: false });
    const response = await yoga.fetch('http://gateway/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { renamed { name posts { id } } }' }),
    });
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.split('event: next').length > 3) break;
    }
    expect(text).toContain('data: {"data":{"renamed":{"name":"Ann","posts":[{"id":"p1"}]}}}');
    await until(() => subscribersLeft === 1, { what: 'the subgraph has been left' });
  });

  it.each([
    ['a schema that names no subgraph', 'type Query { a: Int }', /join__Graph/],
    [
      'a subgraph without a URL',
      composeSupergraph([{ name: 'a', url: '', sdl: 'type Query { a: Int }' }]).sdl,
      /subgraph a.*URL was required, got none/,
    ],
  ])('refuses %s', (_what, sdl, message) => {
    const supergraph = parseSupergraph(sdl);
    expect(() => stitchSupergraph({ supergraph, createExecutor: createSubgraphExecutor }))
      .toThrow(expect.objectContaining({
        code: 'SUPERGRAPH_UNAVAILABLE', message: expect.stringMatching(message),
      }));
  });
});
