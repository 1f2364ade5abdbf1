import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTestNode, type TestNode } from '../../e2e/fleet.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { named, only, startTraces, type Traces } from './traces.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE_ID}-${PARENT_ID}-01`;
const UNSAMPLED = `00-${TRACE_ID}-${PARENT_ID}-00`;

const REQUEST = 'POST /graphql';
const READ = 'cache read';
const FETCH = 'query users';

const people = new Map<string, { id: string; name: string }>();
let users: TestSubgraph;
let node: TestNode;
let traces: Traces;
let count = 0;

beforeAll(async () => {
  users = await startSubgraph({
    name: 'users',
    sdl: `type Query { user(id: ID!): User }
      type Mutation { rename(id: ID!, name: String!): User }
      type User @key(fields: "id") { id: ID! name: String }`,
    resolvers: {
      Query: { user: (_, { id }) => people.get(id) ?? { id, name: `name of ${id}` } },
      Mutation: { rename: (_, { id, name }) => people.set(id, { id, name }).get(id) },
    },
  });
  node = await startTestNode({ subgraphs: { users: users.url }, rehearsal: false });
});

afterAll(async () => {
  await node?.stop();
  await users?.stop();
});

beforeEach(() => {
  users.forget();
  count += 1;
});

afterEach(() => traces?.stop());

/** Something that no other test asks for. */
function query(): string {
  return `query Who { user(id: "${count}") { id name } }`;
}

function parentOf(span: ReadableSpan, spans: readonly ReadableSpan[]): ReadableSpan | undefined {
  return spans.find((one) => one.spanContext().spanId === span.parentSpanContext?.spanId);
}

function traceparentOf(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  return `00-${traceId}-${spanId}-01`;
}

describe('the trace of a request', () => {
  it('goes from the client over the cache to the subgraph, which is told of it', async () => {
    traces = startTraces();
    await node.ask(query());
    const spans = await traces.spans(REQUEST, READ, READ, FETCH);
    expect(spans.map(({ name }) => name).toSorted()).toEqual([READ, READ, REQUEST, FETCH].sort());
    const fetched = only(spans, FETCH);
    const ofPart = parentOf(fetched, spans);
    const ofWhole = ofPart && parentOf(ofPart, spans);
    expect([ofPart?.name, ofWhole?.name]).toEqual([READ, READ]);
    expect(ofWhole && parentOf(ofWhole, spans)).toBe(only(spans, REQUEST));
    expect(only(spans, REQUEST).parentSpanContext).toBeUndefined();
    expect(users.calls.map(({ headers }) => headers['traceparent']))
      .toEqual([traceparentOf(fetched)]);
  });

  it('tells how it was answered, in the words of the semantic conventions', async () => {
    traces = startTraces();
    await node.ask(query());
    const spans = await traces.spans(REQUEST, FETCH);
    expect(only(spans, REQUEST).attributes).toMatchObject({
      'http.request.method': 'POST', 'url.path': '/graphql', 'http.response.status_code': 200,
      'graphql.operation.type': 'query', 'graphql.operation.name': 'Who',
      'freshet.cache.outcome': 'miss',
    });
    expect(only(spans, FETCH).attributes).toMatchObject({
      'freshet.subgraph.name': 'users', 'http.response.status_code': 200,
      'url.full': users.url, 'server.address': '127.0.0.1',
    });
    expect(named(spans, READ).map(({ attributes }) => attributes['freshet.cache.loaded']))
      .toEqual([1, 1]);
  });

  it('is one span where the answer was in memory', async () => {
    await node.ask(query());
    await node.ask(query());
    traces = startTraces();
    const { cache } = await node.ask(query());
    expect(cache).toBe('hit');
    const [span, ...others] = await traces.spans(REQUEST);
    expect(others).toEqual([]);
    expect(span?.attributes).toMatchObject({
      'freshet.cache.outcome': 'hit_l1', 'graphql.operation.name': 'Who',
    });
  });

  it('goes on from that of the client, and is no part of what is kept', async () => {
    traces = startTraces({ sampleRatio: 0 });
    const headers = { traceparent: SAMPLED, tracestate: 'vendor=1' };
    await node.ask(query(), { headers });
    const spans = await traces.spans(REQUEST, FETCH);
    expect(only(spans, REQUEST).parentSpanContext?.spanId).toBe(PARENT_ID);
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE_ID]));
    expect(users.calls[0]?.headers).toMatchObject({
      traceparent: traceparentOf(only(spans, FETCH)), tracestate: 'vendor=1',
    });
    const other = { traceparent: SAMPLED.replace('4bf9', '4bfa') };
    expect((await node.ask(query(), { headers: other })).cache).toBe('hit');
  });

  it('is passed on, and not recorded, where the client does not record it', async () => {
    traces = startTraces();
    await node.ask(query(), { headers: { traceparent: UNSAMPLED } });
    expect(users.calls[0]?.headers['traceparent']).toBe(UNSAMPLED);
    count += 1;
    await node.ask(query());
    const spans = await traces.spans(REQUEST);
    expect(spans.some((span) => span.spanContext().traceId === TRACE_ID)).toBe(false);
  });

  it('tells subgraphs not to record what is not recorded here', async () => {
    traces = startTraces({ sampleRatio: 0 });
    await node.ask(query());
    expect(users.calls[0]?.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(await traces.spans()).toEqual([]);
  });

  it.each([
    ['is none', 'nonsense'],
    ['names no trace', `00-${'0'.repeat(32)}-${PARENT_ID}-01`],
    ['is of no version', `ff-${TRACE_ID}-${PARENT_ID}-01`],
  ])('begins here where the traceparent of the client %s', async (_, traceparent) => {
    traces = startTraces();
    await node.ask(query(), { headers: { traceparent, tracestate: 'vendor=1' } });
    const spans = await traces.spans(REQUEST, FETCH);
    expect(only(spans, REQUEST).parentSpanContext).toBeUndefined();
    expect(users.calls[0]?.headers['tracestate']).toBeUndefined();
    expect(users.calls[0]?.headers['traceparent']).toBe(traceparentOf(only(spans, FETCH)));
  });

  it('has the load that others wait for only if it asked first', async () => {
    traces = startTraces();
    const gate = users.hold();
    const first = node.ask(query(), { headers: { traceparent: SAMPLED } });
    await gate.arrived;
    const second = node.ask(query());
    const { loads } = node.gateway.status();
    await expect.poll(() => node.gateway.status().loads.waiting).toBe(loads.waiting + 1);
    gate.release();
    await Promise.all([first, second]);
    const spans = await traces.spans(REQUEST, REQUEST, FETCH);
    expect(only(spans, FETCH).spanContext().traceId).toBe(TRACE_ID);
    const other = named(spans, REQUEST).find((one) => one.spanContext().traceId !== TRACE_ID);
    expect(other?.attributes['freshet.cache.outcome']).toBe('coalesced');
  });

  it('says which subgraph has failed, by a code', async () => {
    traces = startTraces();
    users.misbehave({ status: 503, body: 'secret trouble' });
    await node.ask(query());
    const spans = await traces.spans(REQUEST, FETCH);
    expect(only(spans, FETCH).attributes).toMatchObject({
      'error.type': expect.stringMatching(/^[A-Z_]+$/), 'http.response.status_code': 503,
    });
    expect(only(spans, FETCH).status.code).toBe(2);
    expect(textOf(spans)).not.toContain('secret');
  });

  it('holds nothing of variables, credentials, keys or answers', async () => {
    traces = startTraces();
    await node.ask('query Who($id: ID!) { user(id: $id) { id name } }', {
      variables: { id: 'hidden-id' }, headers: { authorization: 'Bearer hidden-token' },
    });
    const search = new URLSearchParams({ query: '{ user(id: "hidden-too") { name } }' });
    await (await fetch(`${node.url}?${search}`)).text();
    const spans = await traces.spans(REQUEST, 'GET /graphql', FETCH, FETCH);
    expect(textOf(spans)).not.toMatch(/hidden|name of/);
  });
});

describe('an invalidation', () => {
  it('is appended in the trace of the mutation, and purges in one linked to it', async () => {
    traces = startTraces();
    await node.ask('mutation { rename(id: "1", name: "new") { id name } }');
    const spans = await traces.spans(REQUEST, 'mutation users', 'append', 'purge');
    const appended = only(spans, 'append');
    expect(parentOf(appended, spans)).toBe(only(spans, REQUEST));
    const purge = only(spans, 'purge');
    expect(purge.links.map(({ context }) => [context.traceId, context.spanId]))
      .toEqual([[appended.spanContext().traceId, appended.spanContext().spanId]]);
    expect(purge.spanContext().traceId).not.toBe(appended.spanContext().traceId);
    expect(purge.attributes['freshet.log.position'])
      .toBe(appended.attributes['freshet.log.position']);
    expect(textOf(spans)).not.toMatch(/user:1|new/);
  });

  it('by an operator is in the trace of who asked for it, and begins none', async () => {
    traces = startTraces();
    const order = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${node.adminUrl}/invalidate/key`, {
        method: 'POST', body: '{"keys":["user:hidden"]}',
        headers: { 'content-type': 'application/json', ...headers },
      });
    expect((await order({})).status).toBeLessThan(300);
    expect((await order({ traceparent: SAMPLED })).status).toBeLessThan(300);
    const spans = await traces.spans('POST', 'append', 'purge');
    expect(only(spans, 'POST').parentSpanContext?.spanId).toBe(PARENT_ID);
    expect(parentOf(only(spans, 'append'), spans)).toBe(only(spans, 'POST'));
    expect(only(spans, 'purge').links[0]?.context.traceId).toBe(TRACE_ID);
    expect(textOf(spans)).not.toContain('hidden');
  });
});

describe('without tracing', () => {
  it('nothing is made, and nothing is passed on', async () => {
    await node.ask(query(), { headers: { traceparent: SAMPLED } });
    expect(users.calls[0]?.headers['traceparent']).toBeUndefined();
  });
});

function textOf(spans: readonly ReadableSpan[]): string {
  return JSON.stringify(spans.map(({ name, attributes, events, status }) =>
    ({ name, attributes, events, status })));
}
