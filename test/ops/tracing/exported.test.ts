import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPublisher } from '../../../src/invalidation/publisher.ts';
import { startTestNode, type TestNode } from '../../e2e/fleet.ts';
import { startNodeProcess, type NodeProcess } from '../../e2e/node-process.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';
import { startCollector, type Collector, type ReceivedSpan } from './collector.ts';
import { only, startTraces, type Traces } from './traces.ts';

const SERVICE_SPAN = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7'] as const;

let redis: RedisServer;
let users: TestSubgraph;
let collector: Collector;
let traces: Traces;
let here: TestNode;
let there: NodeProcess;

beforeAll(async () => {
  [redis, collector, users] = await Promise.all([startRedis(), startCollector(), startSubgraph({
    name: 'users',
    sdl: `type Query { user(id: ID!): User }
      type Mutation { rename(id: ID!): User }
      type User @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: { user: (_, { id }) => ({ id }) },
      Mutation: { rename: (_, { id }) => ({ id }) },
    },
  })]);
  const subgraphs = { users: users.url };
  traces = startTraces();
  [here, there] = await Promise.all([
    startTestNode({ subgraphs, redis: redis.url, rehearsal: false }),
    startNodeProcess({ subgraphs, redis: redis.url, environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: 'the other node',
      FRESHET_TRACING_SAMPLE_RATIO: '0',
    } }),
  ]);
});

afterAll(async () => {
  await traces?.stop();
  await here?.stop();
  await there?.stop();
  await Promise.all([redis?.stop(), collector?.stop(), users?.stop()]);
});

describe('a node that exports its traces', () => {
  it('links its purges to what caused them elsewhere, and loses none when it ends', async () => {
    const { headers } = await here.ask('mutation { rename(id: "1") { id } }');
    const mutated = headers.get('freshet-position') ?? '';
    const [traceId, spanId] = SERVICE_SPAN;
    const publisher = createPublisher({
      redis: redis.url, source: 'users', traceparent: () => `00-${traceId}-${spanId}-01`,
    });
    await publisher.invalidateUser('2');
    await publisher.invalidateUser('3', { metadata: { traceparent: 'of no known form' } });
    await publisher.close();
    const asked = await there.ask('{ user(id: "1") { id } }', { headers: {
      'freshet-position': mutated, traceparent: `00-${traceId}-${'1'.repeat(16)}-01`,
    } });
    expect(asked.errors).toBeUndefined();
    const end = here.gateway.status().position;
    const isThere = async (): Promise<boolean> => (await there.status()).position >= end;
    await until(isThere, { what: 'both have read all of the log' });

    await there.stop();

    const { spans } = collector;
    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['the other node']));
    const appended = only(await traces.spans('append'), 'append').spanContext();
    expect(linksOf(spans)).toEqual([
      [appended.traceId, appended.spanId], [...SERVICE_SPAN],
    ]);
    const request = spans.find(({ name }) => name === 'POST /graphql');
    expect(request).toMatchObject({ traceId, parentSpanId: '1'.repeat(16) });
    expect(spans.filter((span) => span.traceId === traceId).map(({ name }) => name).toSorted())
      .toEqual(['POST /graphql', 'cache read', 'cache read', 'query users']);
  });
});

/** Of its purges, in their order. */
function linksOf(spans: readonly ReceivedSpan[]): readonly (readonly string[])[] {
  return spans.filter(({ name }) => name === 'purge').flatMap(({ links = [] }) =>
    links.map(({ traceId, spanId }) => [traceId, spanId]));
}
