import { useResponseCache } from '@envelop/response-cache';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga, type Plugin } from 'graphql-yoga';
import { afterEach, describe, expect, it } from 'vitest';
import { createFreshet, type Freshet, type FreshetPluginOptions } from '../../src/gateway/yoga.ts';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

interface User {
  id: string;
  name: string;
}

interface Context {
  readonly [key: string]: unknown;
}

const TYPES = /* GraphQL */ `
  directive @cacheControl(maxAge: Int, scope: CacheControlScope) on FIELD_DEFINITION | OBJECT
  directive @cacheTag(format: String!) repeatable on FIELD_DEFINITION | OBJECT
  enum CacheControlScope { PUBLIC PRIVATE }
  type Query {
    user(id: ID!): User
    users: [User!]!
    me: User @cacheControl(scope: PRIVATE)
    now: Int @cacheControl(maxAge: 0)
    whoAsks: String
  }
  directive @defer on FRAGMENT_SPREAD | INLINE_FRAGMENT
  type Mutation { rename(id: ID!, name: String!): User first(name: String!): User }
  type User { id: ID! name: String! friends: [User!]! }
`;

const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => crypto.randomUUID(),
});
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

interface Server {
  readonly freshet: Freshet;
  readonly people: Map<string, User>;
  /** The names of the resolvers that ran, and the ids that the batch function was asked for. */
  readonly ran: string[];
  ask(query: string, headers?: Record<string, string>): Promise<{
    text: string;
    cache: string;
    response: Response;
  }>;
}

function serve(
  options: FreshetPluginOptions = {},
  plugins: (freshet: Freshet) => Plugin[] = (freshet) => [freshet.plugin],
  typeDefs = TYPES,
): Server {
  const freshet = createFreshet(options);
  closers.push(() => freshet.close());
  const people = new Map(['1', '2', '3'].map((id) => [id, { id, name: `name of ${id}` }]));
  const ran: string[] = [];
  const loader = freshet.entityLoader<User, Context>({
    type: 'User',
    batch: async (ids) => {
      ran.push(`batch ${ids.join(',')}`);
      return ids.map((id) => (id === 'bad' ? new Error('unreadable') : (people.get(id) ?? null)));
    },
  });
  const schema = makeExecutableSchema<Context>({
    typeDefs,
    resolvers: {
      Query: {
        user: (_, { id }: { id: string }, context) => {
          ran.push('user');
          return loader.load(context, id);
        },
        users: () => [...people.values()],
        me: (_, __, { request }) => {
          ran.push('me');
          return people.get((request as Request).headers.get('authorization')?.at(-1) ?? '');
        },
        now: () => ran.push('now'),
        whoAsks: (_, __, { request }) => {
          const { headers } = request as Request;
          return headers.get('authorization') ?? headers.get('cookie') ?? 'nobody';
        },
      },
      Mutation: {
        first: (_, { name }: User) => {
          people.set('1', { id: '1', name });
          return { id: '1', name };
        },
        rename: (_, { id, name }: User) => {
          people.set(id, { id, name });
          return { id, name };
        },
      },
      User: { friends: (_, __, context) => loader.loadMany(context, ['1', '2', '3']) },
    },
  });
  const yoga = createYoga({ schema, logging: false, plugins: plugins(freshet) });
  return {
    freshet, people, ran,
    async ask(query, headers = {}) {
      const response = await yoga.fetch('http://yoga/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query }),
      });
      const status = response.headers.get('cache-status') ?? '';
      const cache = /; hit/.test(status) ? 'hit' : (/fwd=(\w+)/.exec(status)?.[1] ?? '');
      return { text: await response.text(), cache, response };
    },
  };
}

describe('the plugin in a Yoga server', () => {
  it('answers from memory until a mutation changes what the answer holds', async () => {
    const { ask, ran } = serve();
    const query = '{ users { name } }';
    expect((await ask(query)).cache).toBe('miss');
    expect(await ask(query)).toMatchObject({ cache: 'hit' });
    const one = '{ user(id: "2") { name } }';
    await ask(one);
    const renamed = await ask('mutation { rename(id: "1", name: "new") { name } }');
    expect(renamed.text).toBe('{"data":{"rename":{"name":"new"}}}');
    const after = await ask(query);
    expect(after.cache).toBe('miss');
    expect(after.text).toContain('"new"');
    expect((await ask(one)).cache).toBe('hit');
    expect(ran.filter((what) => what === 'user')).toHaveLength(1);
  });

  it('purges what a mutation changed also where part of its answer is deferred', async () => {
    const { ask } = serve();
    const query = '{ users { name } }';
    await ask(query);
    const mutation = 'mutation { first(name: "new") { ... @defer { name } } }';
    const { text } = await ask(mutation, { accept: 'multipart/mixed, application/json' });
    expect(text).toContain('"name":"new"');
    expect(text).not.toContain('_freshet_');
    expect((await ask(query)).text).toContain('"new"');
  });

  it('adds nothing to an answer that the client did not ask for', async () => {
    const { ask } = serve();
    expect((await ask('{ user(id: "1") { n: name } }')).text)
      .toBe('{"data":{"user":{"n":"name of 1"}}}');
  });

  it('keeps callers apart, and PRIVATE from who is not logged in', async () => {
    const { ask, ran } = serve();
    const one = await ask('{ me { n: name } }', { authorization: 'Bearer 1' });
    const two = await ask('{ me { n: name } }', { authorization: 'Bearer 2' });
    expect([one.text, two.text].map((text) => /name of (\d)/.exec(text)?.[1])).toEqual(['1', '2']);
    expect((await ask('{ me { n: name } }', { authorization: 'Bearer 1' })).cache).toBe('hit');
    expect((await ask('{ me { name } }')).cache).toBe('bypass');
    expect(ran.filter((what) => what === 'me')).toHaveLength(3);
  });

  it.each([
    ['whatever a client marks as meant for one hop', {}],
    ['also where other headers are named', { propagate: ['accept-language'] }],
  ])('knows a caller by what the resolvers see, %s', async (_, headers) => {
    const { ask } = serve({ headers });
    const query = '{ whoAsks }';
    const own = { authorization: 'Bearer 1', connection: 'close, authorization' };
    expect((await ask(query, own)).text).toContain('Bearer 1');
    expect((await ask(query, { cookie: 'a=1' })).text).toContain('a=1');
    expect((await ask(query)).text).toBe('{"data":{"whoAsks":"nobody"}}');
  });

  it('does not keep what a rule says not to, nor errors', async () => {
    const { ask } = serve();
    expect((await ask('{ now }')).cache).toBe('bypass');
    await ask('{ user(id: "bad") { name } }');
    expect((await ask('{ user(id: "bad") { name } }')).cache).toBe('miss');
  });

  it('takes rules for a schema without directives', async () => {
    const { ask } = serve({ rules: { 'Query.users': { maxAgeSeconds: 0 } } });
    expect((await ask('{ users { name } }')).cache).toBe('bypass');
  });
});

describe('entityLoader', () => {
  it('asks the batch function only for entities that nobody knows', async () => {
    const { ask, ran } = serve();
    await ask('{ user(id: "1") { name } }');
    await ask('{ users { friends { name } } }');
    expect(ran.filter((what) => what.startsWith('batch'))).toEqual(['batch 1', 'batch 2,3']);
  });

  it('forgets an entity that was invalidated, and the responses made of it', async () => {
    const { ask, ran, people, freshet } = serve();
    await ask('{ user(id: "1") { name } }');
    people.set('1', { id: '1', name: 'changed' });
    await freshet.invalidate(maker.updated('User', '1'));
    const { text, cache } = await ask('{ user(id: "1") { name } }');
    expect([cache, text]).toEqual(['miss', '{"data":{"user":{"name":"changed"}}}']);
    expect(ran.filter((what) => what.startsWith('batch'))).toHaveLength(2);
  });

  it('remembers that one does not exist, until one of its type is created', async () => {
    const { ask, ran, people, freshet } = serve();
    await ask('{ user(id: "9") { name } }');
    expect((await ask('{ user(id: "9") { name } }')).cache).toBe('hit');
    people.set('9', { id: '9', name: 'here now' });
    await freshet.invalidate(maker.created('User', '9'));
    expect((await ask('{ user(id: "9") { name } }')).text).toContain('here now');
    expect(ran.filter((what) => what.startsWith('batch'))).toHaveLength(2);
  });

  it('says so where the batch function does not give one value for each id', async () => {
    const { freshet } = serve();
    const loader = freshet.entityLoader({ type: 'User', batch: async () => [] });
    const { ask } = serve({}, (own) => [own.plugin, {
      async onExecute({ args }) {
        const context = args.contextValue as object;
        const failed = await loader.load(context, '1').catch((error: Error) => error);
        expect((failed as Error).message).toContain('got 0 values');
      },
    }]);
    await ask('{ users { name } }');
    expect.assertions(1);
  });
});

describe('with Redis', () => {
  it('tells other servers of a mutation, and hears services that publish', async () => {
    const redis = await startRedis();
    closers.push(() => redis.stop());
    const [a, b] = [serve({ redis: redis.url }), serve({ redis: redis.url })];
    const query = '{ users { name } }';
    const cached = async (): Promise<boolean> => (await b.ask(query)).cache === 'hit';
    await until(cached, { what: 'the second server caches' });
    b.people.set('1', { id: '1', name: 'changed' });
    await a.ask('mutation { rename(id: "1", name: "changed") { name } }');
    const renewed = async (): Promise<boolean> => (await b.ask(query)).text.includes('changed');
    await until(renewed, { what: 'the second server heard of it' });
  });

  it('finds nothing that was kept before its schema declared other tags', async () => {
    const redis = await startRedis();
    closers.push(() => redis.stop());
    const options = { redis: redis.url };
    const now = TYPES.replace('users: [User!]!', 'users: [User!]! @cacheTag(format: "team")');
    const [before, after] = [serve(options), serve(options, undefined, now)];
    const query = '{ users { name } }';
    const caches = ({ ask }: Server) => async () => (await ask(query)).cache === 'hit';
    await until(caches(before), { what: 'the server caches' });
    after.people.set('4', { id: '4', name: 'new' });
    expect((await after.ask(query)).text).toContain('"new"');
  });
});

describe('under @envelop/response-cache, as its cache', () => {
  const session = (): null => null;
  const plugins = (freshet: Freshet): Plugin[] => [
    useResponseCache({ session, cache: (context) => freshet.envelopCache(context) }),
  ];

  it('keeps results until one of their entities is invalidated', async () => {
    const { ask, people, freshet } = serve({}, plugins);
    const query = '{ users { id name } }';
    const first = (await ask(query)).text;
    people.set('1', { id: '1', name: 'changed' });
    expect((await ask(query)).text).toBe(first);
    await freshet.invalidate(maker.updated('User', '1'));
    expect((await ask(query)).text).toContain('changed');
  });

  it('is told of mutations by the plugin', async () => {
    const { ask } = serve({}, plugins);
    const query = '{ users { id name } }';
    await ask(query);
    await ask('mutation { rename(id: "1", name: "changed") { id name } }');
    expect((await ask(query)).text).toContain('changed');
  });
});
