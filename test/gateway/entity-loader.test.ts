/** What is asked for again within one request, because it may have changed meanwhile. */
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFreshet, type Freshet } from '../../src/gateway/yoga.ts';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';

interface User {
  readonly id: string;
  readonly name: string;
}

interface Context {
  readonly [key: string]: unknown;
}

const TYPES = /* GraphQL */ `
  type Query { user(id: ID!): User }
  type Mutation { look(id: ID!): User rename(id: ID!, name: String!): User }
  type Subscription { changes: User }
  type User { id: ID! name: String }
`;

const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => crypto.randomUUID(),
});

let freshet: Freshet;
let people: Map<string, User>;
/** One for each event. */
let gates: readonly PromiseWithResolvers<void>[];
let ask: (query: string, accept?: string) => Promise<Response>;

beforeEach(() => {
  freshet = createFreshet();
  people = new Map([['1', { id: '1', name: 'old' }]]);
  gates = [Promise.withResolvers(), Promise.withResolvers()];
  const loader = freshet.entityLoader<User, Context>({
    type: 'User',
    batch: async (ids) => ids.map((id) =>
      (id === 'bad' ? new Error('unreadable') : (people.get(id) ?? null))),
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
      Query: { user: load },
      Mutation: {
        look: load,
        rename: (_, user: User) => {
          people.set(user.id, user);
          return user;
        },
      },
      Subscription: { changes: { subscribe: changes } },
      User: { name: async ({ id }: User, _, context) => (await loader.load(context, id))?.name },
    },
  });
  const yoga = createYoga({ schema, logging: false, plugins: [freshet.plugin] });
  ask = async (query, accept = 'application/json') => yoga.fetch('http://yoga/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
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

it('shows in each event of a subscription what is so by then', async () => {
  const events = (await ask('subscription { changes { name } }', 'text/event-stream')).body;
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
