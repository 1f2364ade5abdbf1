/** What changes while a request lasts: what it asks for again, and what is left of its token. */
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFreshet, type Freshet } from '../../../src/gateway/yoga.ts';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { MessageMaker } from '../../../src/invalidation/message-maker.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface User {
  readonly id: string;
  readonly name: string;
}

interface Context {
  readonly [key: string]: unknown;
}

const TYPES = /* GraphQL */ `
  directive @cacheControl(scope: CacheControlScope) on OBJECT
  enum CacheControlScope { PUBLIC PRIVATE }
  type Query { user(id: ID!): User letter(id: ID!): Letter }
  type Mutation { look(id: ID!): User rename(id: ID!, name: String!): User }
  type Subscription { changes: User }
  type User { id: ID! name: String shouted: String }
  type Letter @cacheControl(scope: PRIVATE) { id: ID! text: String }
`;

const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => crypto.randomUUID(),
});

const SECRET = 'a secret of the issuer and of this test alone';

let freshet: Freshet;
let people: Map<string, User>;
/** How a batch says that somebody is not there: a look-up in a Map says undefined. */
let nobody: null | undefined;
/** Each holds up one event, or one letter. */
let gates: readonly PromiseWithResolvers<void>[];
/** The ids of the letters that were read. */
let read: string[];
let clock: ManualClock;
let ask: (query: string, headers?: Record<string, string>) => Promise<Response>;

beforeEach(() => {
  clock = new ManualClock();
  freshet = createFreshet({ clock, headers: { token: { secret: SECRET } } });
  people = new Map([['1', { id: '1', name: 'old' }]]);
  nobody = undefined;
  read = [];
  gates = [Promise.withResolvers(), Promise.withResolvers()];
  const loader = freshet.entityLoader<User, Context>({
    type: 'User',
    batch: async (ids) => ids.map((id) =>
      (id === 'bad' ? new Error('unreadable') : (people.get(id) ?? nobody))),
  });
  const letters = freshet.entityLoader<{ id: string; text: string }, Context>({
    type: 'Letter',
    batch: async (ids) => {
      read.push(...ids);
      return ids.map((id) => ({ id, text: 'dear' }));
    },
  });
  const shouts = freshet.entityLoader<string, Context>({
    type: 'User',
    name: 'shouts',
    batch: async (ids) => ids.map((id) => (people.get(id)?.name ?? '').toUpperCase()),
  });
  const load = (_: unknown, { id }: { id: string }, context: Context) => loader.load(context, id);
  async function* changes(): AsyncGenerator<{ changes: { id: string } }> {
    for (const gate of gates) {
      await gate.promise;
      yield { changes: { id: '1' } };
    }
  }
  const schema = makeExecutableSchema<Context>({
    typeDefs: TYPES,
    resolvers: {
      Query: {
        user: load,
        letter: async (_, { id }: { id: string }, context) => {
          await gates[0]?.promise;
          return letters.load(context, id);
        },
      },
      Mutation: {
        look: load,
        rename: (_, user: User) => {
          people.set(user.id, user);
          return user;
        },
      },
      Subscription: { changes: { subscribe: changes } },
      User: {
        name: async ({ id }: User, _, context) => (await loader.load(context, id))?.name,
        shouted: ({ id }: User, _, context) => shouts.load(context, id),
      },
    },
  });
  const yoga = createYoga({ schema, logging: false, plugins: [freshet.plugin] });
  ask = async (query, headers = {}) => yoga.fetch('http://yoga/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
});

afterEach(() => freshet.close());

it('shows in the last field of a mutation what the one before it wrote', async () => {
  const steps = `a: look(id: "1") { name }
    rename(id: "1", name: "new") { id }
    b: look(id: "1") { name }`;
  const { data } = await (await ask(`mutation { ${steps} }`)).json();
  expect(data).toMatchObject({ a: { name: 'old' }, b: { name: 'new' } });
});

it('tells all who asked for it in a mutation that an entity could not be read', async () => {
  const steps = 'rename(id: "bad", name: "") { a: name b: name }';
  const { data, errors } = await (await ask(`mutation { ${steps} }`)).json();
  expect(data).toEqual({ rename: { a: null, b: null } });
  expect(errors).toHaveLength(2);
});

it.each([null, undefined])('tells that an entity is not there, for which it is told %s', async (
  none,
) => {
  nobody = none;
  const query = '{ user(id: "2") { name } }';
  for (const text of [query, query, 'mutation { look(id: "2") { name } }']) {
    const { data, errors } = await (await ask(text)).json();
    expect([Object.values(data as object), errors]).toEqual([[null], undefined]);
  }
  people.set('2', { id: '2', name: 'Bob' });
  await freshet.invalidate(maker.created('User', '2'));
  expect((await (await ask(query)).json()).data).toEqual({ user: { name: 'Bob' } });
});

it('shows in each event of a subscription what is so by then', async () => {
  const events = (
    await ask('subscription { changes { name } }', { accept: 'text/event-stream' })
  ).body;
  const reader = events?.pipeThrough(new TextDecoderStream()).getReader();
  const next = async (): Promise<string> => {
    for (let text = ''; ; text += (await reader?.read())?.value ?? '') {
      if (/data: .*\n/.test(text)) return text;
    }
  };
  gates[0]?.resolve();
  expect(await next()).toContain('"name":"old"');
  people.set('1', { id: '1', name: 'new' });
  await freshet.invalidate(maker.updated('User', '1'));
  gates[1]?.resolve();
  expect(await next()).toContain('"name":"new"');
});

it('keeps apart what two loaders of one type load', async () => {
  const { data } = await (await ask('{ user(id: "1") { name shouted } }')).json();
  expect(data).toEqual({ user: { name: 'old', shouted: 'OLD' } });
});

it('keeps nothing beyond the end of a token, however late in the request it is read', async () => {
  const query = '{ letter(id: "1") { text } }';
  const early = ask(query, await bearing(10));
  await clock.advanceAsync(8_000);
  gates[0]?.resolve();
  expect(await (await early).json()).toEqual({ data: { letter: { text: 'dear' } } });
  await clock.advanceAsync(3_000);
  await ask(query, await bearing(60));
  expect(read).toEqual(['1', '1']);
});

/** As a caller whose token ends so many seconds from now. */
async function bearing(seconds: number): Promise<Record<string, string>> {
  const token = new SignJWT({ sub: 'u1', exp: Math.floor(clock.wall() / 1_000) + seconds });
  const signed = await token.setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(SECRET));
  return { authorization: `Bearer ${signed}` };
}
