import { setImmediate } from 'node:timers/promises';
import type { ExecutionRequest, ExecutionResult, Executor } from '@graphql-tools/utils';
import { parse } from 'graphql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ANONYMOUS } from '../../../src/gateway/http/caller.ts';
import { Exchange } from '../../../src/gateway/caching/exchange.ts';
import { originHeadersOf } from '../../../src/gateway/subgraph/origin-headers.ts';
import {
  createSubgraphExecutor, type SubgraphExecutorOptions, type SubgraphOutcome,
} from '../../../src/gateway/subgraph/subgraph-executor.ts';
import { ORIGIN } from '../../../src/invalidation/position.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

let users: TestSubgraph;
let ticks: AsyncGenerator | undefined;
let ticksEnded = false;

beforeEach(async () => {
  ticksEnded = false;
  users = await startSubgraph({
    name: 'users',
    sdl: `
      type Query { user(id: ID!): User, echo(text: String): String }
      type Mutation { rename(id: ID!, name: String!): User }
      type Subscription { ticks: String }
      type User { id: ID! name: String }
    `,
    resolvers: {
      Query: {
        user: (_, { id }) => ({ id, name: `user ${id}` }),
        echo: (_, { text }) => text,
      },
      Mutation: { rename: (_, { id, name }) => ({ id, name }) },
      Subscription: {
        ticks: {
          subscribe: () => (ticks = countWithSnowmen()),
          resolve: (event: unknown) => event,
        },
      },
    },
  });
});

afterEach(() => users.stop());

async function* countWithSnowmen() {
  try {
    for (let n = 0; ; n += 1) {
      await setImmediate();
      yield `${n} \u2603\n\n`;
    }
  } finally {
    ticksEnded = true;
  }
}

function executorFor(options: Partial<SubgraphExecutorOptions> = {}): Executor {
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

describe('what reaches the subgraph', () => {
  it('is the operation with its variables, and the headers of the caller', async () => {
    const exchange = exchangeOf({ authorization: 'Bearer t', 'accept-language': 'de' });
    const result = await ask(executorFor(), 'query Q($id: ID!) { user(id: $id) { name } }', {
      variables: { id: '7' }, operationName: 'Q', context: { exchange },
    });
    expect(result.data).toEqual({ user: { name: 'user 7' } });
    const [call] = users.calls;
    expect(call?.variables).toEqual({ id: '7' });
    expect(call?.operationName).toBe('Q');
    expect(call?.headers).toMatchObject({ authorization: 'Bearer t', 'accept-language': 'de' });
  });

  it('is sent with the credentials of the URL, which override the caller\'s', async () => {
    const endpoint = users.url.replace('://', '://gate:p%40ss@');
    const context = { exchange: exchangeOf({ authorization: 'Bearer t' }) };
    await ask(executorFor({ endpoint }), '{ echo(text: "x") }', { context });
    const expected = `Basic ${Buffer.from('gate:p@ss').toString('base64')}`;
    expect(users.calls[0]?.headers.authorization).toBe(expected);
  });

  it('is not redirected, nor extended, by extensions of the request', async () => {
    const extensions = {
      endpoint: 'http://127.0.0.1:9/', headers: { 'x-evil': '1' }, method: 'GET',
    };
    const result = await ask(executorFor(), '{ echo(text: "x") }', { extensions });
    expect(result.data).toEqual({ echo: 'x' });
    expect(users.calls[0]?.headers['x-evil']).toBeUndefined();
  });

  it('comes over connections that are kept open', async () => {
    const executor = executorFor();
    for (let n = 0; n < 20; n += 1) await ask(executor, '{ echo(text: "x") }');
    expect(users.calls.length).toBe(20);
    expect(users.connectionsMade).toBeLessThan(5);
  });

  it('goes on when the client that caused it has left', async () => {
    const leaving = new AbortController();
    const gate = users.hold();
    const { signal } = leaving;
    const result = ask(executorFor(), '{ echo(text: "x") }', { signal });
    await gate.arrived;
    leaving.abort();
    gate.release();
    expect((await result).data).toEqual({ echo: 'x' });
  });
});

describe('what fails on the way', () => {
  it('is a timeout that names the subgraph and nothing else', async () => {
    const clock = new ManualClock();
    const outcomes: SubgraphOutcome[] = [];
    const endpoint = users.url.replace('://', '://gate:hunter2@');
    const gate = users.hold();
    const executor = executorFor({
      clock, endpoint, timeoutMs: 800, onResponse: (outcome) => outcomes.push(outcome),
    });
    const result = ask(executor, '{ echo(text: "x") }');
    await gate.arrived;
    clock.advance(800);
    const [error] = (await result).errors ?? [];
    expect(error?.extensions['code']).toBe('SUBGRAPH_TIMEOUT');
    expect(error?.message).toMatch(/users.*800 ms/);
    expect(JSON.stringify(error)).not.toMatch(/hunter2|127\.0\.0\.1/);
    expect(outcomes).toEqual([{
      subgraph: 'users', operation: 'query', durationMs: 800, status: undefined,
      code: 'SUBGRAPH_TIMEOUT',
    }]);
    expect(clock.pending).toBe(0);
    gate.release();
  });

  it('is tried once more for a query whose connection broke', async () => {
    users.misbehave({ hangUp: true });
    const result = await ask(executorFor(), '{ echo(text: "x") }');
    expect(result).toEqual({ data: { echo: 'x' } });
    expect(users.calls.length).toBe(2);
  });

  it('is never tried again for a mutation', async () => {
    users.misbehave({ hangUp: true });
    const result = await ask(executorFor(), 'mutation { rename(id: 1, name: "x") { id } }');
    expect(result.errors?.[0]?.extensions['code']).toBe('SUBGRAPH_UNREACHABLE');
    expect(users.calls.length).toBe(1);
  });

  it('is an error where nobody listens', async () => {
    const executor = executorFor();
    await users.stop();
    const result = await ask(executor, '{ echo(text: "x") }');
    expect(result.data).toBeUndefined();
    expect(result.errors?.map(({ extensions }) => extensions['code']))
      .toEqual(['SUBGRAPH_UNREACHABLE']);
    expect(result.errors?.[0]?.message).toContain('ECONNREFUSED');
  });

  it('is an error where a header cannot be sent, and does not quote it', async () => {
    const context = { exchange: exchangeOf({ authorization: 'Bearer a\u0000b' }) };
    const result = await ask(executorFor(), '{ echo(text: "x") }', { context });
    expect(result.errors?.[0]?.extensions['code']).toBe('SUBGRAPH_UNREACHABLE');
    expect(JSON.stringify(result.errors)).not.toContain('Bearer');
  });

  it.each([
    ['an error page', { status: 500, headers: { 'content-type': 'text/html' }, body: '<h1>leak' }],
    ['a page with status 200', { headers: { 'content-type': 'text/html' }, body: '<h1>leak</h1>' }],
    ['nothing', { body: '' }],
    ['JSON that is no answer', { body: '{"leak":1}' }],
    ['a JSON number', { body: '5' }],
    ['null', { body: 'null' }],
    ['an array', { body: '["leak"]' }],
    ['data that is no object', { body: '{"data":"leak"}' }],
    ['errors that are no list', { body: '{"data":{"leak":1},"errors":{"leak":1}}' }],
    ['errors of nothing', { body: '{"data":null,"errors":[]}' }],
    ['errors that are no objects', { body: '{"errors":["leak"]}' }],
    ['an error of nothing', { body: '{"errors":[null]}' }],
    ['data with status 500', { status: 500, body: '{"data":{"echo":"leak"}}' }],
    ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:1/leak' } }],
    ['no content', { status: 204 }],
    ['events', { headers: { 'content-type': 'text/event-stream' }, body: 'data: {"leak":1}\n\n' }],
    [
      'in pieces',
      { headers: { 'content-type': 'multipart/mixed; boundary="-"' }, body: '---\r\nleak' },
    ],
  ])('is a clean error where the answer is %s', async (_what, answer) => {
    users.misbehave(answer);
    const result = await ask(executorFor(), '{ echo(text: "x") }');
    expect(result.data).toBeUndefined();
    expect(result.errors?.map(({ extensions }) => extensions))
      .toEqual([{ code: 'SUBGRAPH_ANSWER_INVALID' }]);
    expect(JSON.stringify(result)).not.toContain('leak');
    expect(result.errors?.[0]?.message).toContain('users');
  });

  it('is an error where the answer is larger than allowed', async () => {
    users.misbehave({ body: JSON.stringify({ data: { echo: 'x'.repeat(10_000) } }) });
    const result = await ask(executorFor({ answerBytesMax: 5_000 }), '{ echo(text: "x") }');
    expect(result.errors?.[0]?.message).toMatch(/more than 5000 bytes/);
  });

  it('is refused at once where the endpoint is no URL', () => {
    expect(() => createSubgraphExecutor({ name: 'users', endpoint: '' }))
      .toThrow(expect.objectContaining({ code: 'SUPERGRAPH_UNAVAILABLE' }));
  });
});

describe('errors of the subgraph', () => {
  it('keep message, path and code, and lose what shows its inside', async () => {
    const extensions = {
      code: 'FORBIDDEN', reason: 'x', http: { status: 299, headers: { 'x-a': 'b' } },
      stacktrace: ['at secret.js'], exception: { stacktrace: ['at secret.js'] },
    };
    const error = { message: 'No', path: ['user', 'name'], extensions, locations: 'nonsense' };
    users.misbehave({ body: JSON.stringify({ data: { user: { name: null } }, errors: [error] }) });
    const result = await ask(executorFor(), '{ user(id: 1) { name } }');
    expect(result.data).toEqual({ user: { name: null } });
    expect(result.errors?.[0]?.toJSON()).toEqual({
      message: 'No', path: ['user', 'name'], extensions: { code: 'FORBIDDEN', reason: 'x' },
    });
    expect(result.errors?.[0]?.originalError).toBeUndefined();
  });

  it('count whatever the status, as GraphQL over HTTP allows', async () => {
    users.misbehave({ status: 401, body: '{"errors":[{"message":"Log in"}]}' });
    const result = await ask(executorFor(), '{ user(id: 1) { name } }');
    expect(result.errors?.[0]?.message).toBe('Log in');
  });
});

describe('what the origin says beside a result', () => {
  it('is found by the result, and a cookie refuses the storing of what it came with', async () => {
    users.answerHeaders = { 'set-cookie': ['a=1; Path=/', 'b=2'] };
    const exchange = exchangeOf();
    const result = await ask(executorFor(), '{ echo(text: "x") }', { context: { exchange } });
    expect(originHeadersOf(result)).toEqual({ setCookie: ['a=1; Path=/', 'b=2'] });
    expect(exchange.parts.unstorable).toBe('cookie');
    expect(originHeadersOf({ ...result })).toBeUndefined();
  });

  it('refuses nothing where it sets no cookie', async () => {
    const exchange = exchangeOf();
    const result = await ask(executorFor(), '{ echo(text: "x") }', { context: { exchange } });
    expect(originHeadersOf(result)).toEqual({ setCookie: [] });
    expect(exchange.parts.unstorable).toBeUndefined();
  });
});

describe('a subscription', () => {
  it('is passed on event by event, and ends at the subgraph when the client has left', async () => {
    const document = parse('subscription { ticks }');
    const events = (await executorFor()({ document })) as AsyncIterable<ExecutionResult>;
    const got: unknown[] = [];
    for await (const event of events) {
      got.push(event);
      if (got.length === 50) break;
    }
    const expected = Array.from({ length: 50 }, (_, n) => `${n} \u2603\n\n`);
    expect(got).toEqual(expected.map((text) => ({ data: { ticks: text } })));
    expect(ticks).toBeDefined();
    await until(() => ticksEnded, { what: 'the subgraph has stopped counting' });
  });

  it('that is refused ends with the errors of the subgraph', async () => {
    const document = parse('subscription { nothing }');
    const events = (await executorFor()({ document })) as AsyncIterable<ExecutionResult>;
    const got: ExecutionResult[] = [];
    for await (const event of events) got.push(event);
    expect(got.map(({ errors }) => errors?.[0]?.message))
      .toEqual([expect.stringMatching(/nothing/)]);
  });

  it('that breaks off ends with an error, which has a code', async () => {
    const document = parse('subscription { ticks }');
    const events = (await executorFor()({ document })) as AsyncIterable<ExecutionResult>;
    let last: ExecutionResult | undefined;
    for await (const event of events) {
      if (last === undefined) await users.stop();
      last = event;
    }
    expect(last?.errors?.[0]?.extensions['code']).toBe('SUBGRAPH_ANSWER_INVALID');
  });

  it('that is answered with nonsense ends with an error, which quotes nothing', async () => {
    const headers = { 'content-type': 'text/event-stream' };
    users.misbehave({ headers, body: 'event: next\ndata: {"leak\n\n' });
    const document = parse('subscription { ticks }');
    const events = (await executorFor()({ document })) as AsyncIterable<ExecutionResult>;
    const got: ExecutionResult[] = [];
    for await (const event of events) got.push(event);
    expect(got.map(({ errors }) => errors?.[0]?.extensions['code']))
      .toEqual(['SUBGRAPH_ANSWER_INVALID']);
    expect(JSON.stringify(got)).not.toContain('leak');
  });
});
