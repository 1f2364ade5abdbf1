import type { ExecutionRequest, ExecutionResult, Executor } from '@graphql-tools/utils';
import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../../src/gateway/http/caller.ts';
import { Exchange } from '../../../src/gateway/caching/exchange.ts';
import { originHeadersOf } from '../../../src/gateway/subgraph/origin-headers.ts';
import { createSubgraphExecutor } from '../../../src/gateway/subgraph/subgraph-executor.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';

let users: TestSubgraph;

beforeEach(async () => {
  users = await startSubgraph({
    name: 'users',
    sdl: `
      type Query { user(id: ID!): User, whole: String!, broken: String, echo(text: String): String }
      type Mutation { rename(id: ID!, name: String!): User }
      type User { id: ID! name: String }
    `,
    resolvers: {
      Query: {
        user: (_, { id }) => ({ id, name: `user ${id}` }),
        whole: () => null,
        broken: () => {
          throw new Error('secret detail');
        },
        echo: (_, { text }) => text,
      },
      Mutation: { rename: (_, { id, name }) => ({ id, name }) },
    },
  });
});

afterEach(() => users.stop());

function executorFor(options: { batch?: boolean } = {}): Executor {
  return createSubgraphExecutor({ name: 'users', endpoint: users.url, ...options });
}

async function ask(
  executor: Executor,
  query: string,
  request: Partial<ExecutionRequest> = {},
): Promise<ExecutionResult> {
  return (await executor({ document: parse(query), ...request })) as ExecutionResult;
}

function exchangeOf(forwarded: Record<string, string> = {}): Exchange {
  return new Exchange({ ...ANONYMOUS, forwarded }, ORIGIN);
}

describe('a batch', () => {
  const NAMED = 'query Q($id: ID!) { user(id: $id) { ...N } } fragment N on User { n: name }';

  it('is one request for what one context asks in one tick', async () => {
    const executor = executorFor();
    const context = { exchange: exchangeOf() };
    users.answerHeaders = { 'set-cookie': ['a=1'] };
    const results = await Promise.all([
      ask(executor, NAMED, { context, variables: { id: 1 }, operationName: 'Q' }),
      ask(executor, NAMED, { context, variables: { id: 2 }, operationName: 'Q' }),
      ask(executor, '{ a: echo(text: "a") echo(text: "b") }', { context }),
    ]);
    expect(results.map(({ data }) => JSON.parse(JSON.stringify(data)))).toEqual([
      { user: { n: 'user 1' } }, { user: { n: 'user 2' } }, { a: 'a', echo: 'b' },
    ]);
    expect(users.calls.length).toBe(1);
    const cookies = results.map((result) => originHeadersOf(result)?.setCookie);
    expect(cookies).toEqual([['a=1'], ['a=1'], ['a=1']]);
  });

  it('never holds requests of two contexts', async () => {
    const executor = executorFor();
    const contexts = ['a', 'b'].map((name) => ({
      exchange: exchangeOf({ authorization: `Bearer ${name}` }),
    }));
    await Promise.all(contexts.map((context) => ask(executor, '{ echo(text: "x") }', { context })));
    const seen = users.calls.map(({ headers }) => headers.authorization);
    expect(new Set(seen)).toEqual(new Set(['Bearer a', 'Bearer b']));
  });

  it('gives each its own errors, with the paths that it knows', async () => {
    const context = {};
    const executor = executorFor();
    const [bad, good] = await Promise.all([
      ask(executor, '{ x: broken }', { context }),
      ask(executor, '{ echo(text: "a") }', { context }),
    ]);
    expect(bad?.errors?.map(({ path }) => path)).toEqual([['x']]);
    expect(good).toEqual({ data: { echo: 'a' } });
  });

  it('does not let one that fails as a whole take others with it', async () => {
    const context = {};
    const executor = executorFor();
    const [bad, good, invalid] = await Promise.all([
      ask(executor, '{ whole }', { context }),
      ask(executor, '{ echo(text: "a") }', { context }),
      ask(executor, '{ nothing }', { context }),
    ]);
    expect(bad?.data).toBeNull();
    expect(good).toEqual({ data: { echo: 'a' } });
    expect(invalid?.errors?.[0]?.message).toMatch(/nothing/);
  });

  it('tells each of a failure on the way, without asking again for each', async () => {
    users.misbehave({ status: 503, body: 'busy' });
    const context = {};
    const executor = executorFor();
    const results = await Promise.all(['a', 'b', 'c'].map((text) =>
      ask(executor, `{ echo(text: "${text}") }`, { context })));
    expect(results.map(({ errors }) => errors?.[0]?.extensions['code']))
      .toEqual(Array.from({ length: 3 }, () => 'SUBGRAPH_ANSWER_INVALID'));
    expect(users.calls.length).toBe(1);
  });

  it('tells every part that its one answer set a cookie', async () => {
    users.answerHeaders = { 'set-cookie': ['a=1'] };
    const executor = executorFor();
    const context = { exchange: exchangeOf() };
    const results = await Promise.all(['a', 'b'].map((text) =>
      ask(executor, `{ echo(text: "${text}") }`, { context })));
    expect(results.map((result) => originHeadersOf(result)?.setCookie)).toEqual([['a=1'], ['a=1']]);
    expect(context.exchange.parts.unstorable).toBe('cookie');
  });

  it('holds no mutation', async () => {
    const executor = executorFor();
    const context = {};
    await Promise.all(['x', 'y'].map((name) =>
      ask(executor, `mutation { rename(id: 1, name: "${name}") { name } }`, { context })));
    expect(users.calls.length).toBe(2);
  });

  it('is of a bounded size', async () => {
    const executor = executorFor();
    const context = {};
    const texts = Array.from({ length: 41 }, (_, n) => String(n));
    const results = await Promise.all(texts.map((text) =>
      ask(executor, 'query Q($text: String) { echo(text: $text) }', {
        context, variables: { text },
      })));
    expect(results.map(({ data }) => (data as { echo: string }).echo)).toEqual(texts);
    expect(users.calls.length).toBe(3);
  });

  it('can be switched off', async () => {
    const executor = executorFor({ batch: false });
    const context = {};
    await Promise.all(['a', 'b'].map((text) =>
      ask(executor, `{ echo(text: "${text}") }`, { context })));
    expect(users.calls.length).toBe(2);
  });
});
