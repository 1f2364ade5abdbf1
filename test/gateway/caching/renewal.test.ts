/** A Yoga server whose context remembers what it has read, as one with DataLoaders does. */
import { makeExecutableSchema } from '@graphql-tools/schema';
import { createYoga } from 'graphql-yoga';
import { afterEach, describe, expect, it } from 'vitest';
import { createFreshet, type Freshet } from '../../../src/gateway/yoga.ts';
import { until } from '../../support/until.ts';

const TYPES = /* GraphQL */ `
  type Query { user(id: ID!): User }
  type User { id: ID! name: String! tenant: String }
`;

interface Context {
  readonly memory: Map<string, unknown>;
  readonly tenant: string | null;
  readonly exchange: unknown;
  readonly server: string;
}

let freshet: Freshet;

afterEach(() => freshet.close());

function serve() {
  freshet = createFreshet({
    audit: { share: 1, graceMs: 0 },
    headers: { propagate: ['x-tenant'] },
  });
  const people = new Map([['1', 'old']]);
  const contexts: Context[] = [];
  const schema = makeExecutableSchema<Context>({
    typeDefs: TYPES,
    resolvers: {
      Query: {
        user: (_, { id }: { id: string }, context) => {
          contexts.push(context);
          const { memory, tenant } = context;
          if (!memory.has(id)) memory.set(id, { id, tenant, name: people.get(id) });
          return memory.get(id);
        },
      },
    },
  });
  const yoga = createYoga<{ server: string }>({
    schema,
    logging: false,
    batching: true,
    context: ({ request }) =>
      ({ memory: new Map(), tenant: request.headers.get('x-tenant') }),
    plugins: [freshet.plugin],
  });
  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await yoga.fetch('http://yoga/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-tenant': 'blue', ...headers },
      body: JSON.stringify(body),
    }, { server: 'of the caller' });
    return response.text();
  };
  return { people, contexts, post };
}

const USER = { query: '{ user(id: "1") { name tenant } }' };

async function audited(count: number) {
  await until(() => freshet.audited().audited >= count, { what: `${count} hits are audited` });
  return freshet.audited();
}

describe('an operation that is executed again in the background', () => {
  it('has a context of its own, made as that of the request was', async () => {
    const { people, contexts, post } = serve();
    await post(USER);
    people.set('1', 'new');
    await post(USER);
    expect(await audited(1)).toMatchObject({ stale: 1 });
    const [first, again] = contexts as [Context, Context];
    expect([again.tenant, again.server]).toEqual(['blue', 'of the caller']);
    expect(again.memory).not.toBe(first.memory);
    expect(again.exchange).not.toBe(first.exchange);
  });

  it('has one for each operation of a batch', async () => {
    const { contexts, post } = serve();
    await post([USER, { query: '{ user(id: "1") { name } }' }]);
    await post([USER, { query: '{ user(id: "1") { name } }' }]);
    expect(await audited(2)).toMatchObject({ stale: 0, failed: 0 });
    expect(new Set(contexts.map(({ memory }) => memory)).size).toBe(4);
    expect(new Set(contexts.map(({ server }) => server))).toEqual(new Set(['of the caller']));
  });

  it('is none of one caller: who they are may be known to their request alone', async () => {
    const { contexts, post } = serve();
    await post(USER, { authorization: 'Bearer 1' });
    await post(USER, { authorization: 'Bearer 1' });
    await post(USER);
    await post(USER);
    await audited(1);
    // Two that were loaded, and the second of them once more.
    expect(contexts).toHaveLength(3);
  });
});
