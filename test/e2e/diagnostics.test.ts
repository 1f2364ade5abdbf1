/** What is told of each request on the channel `freshet:request`, whichever way it is answered. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { requestAnswered, type RequestAnswered } from '../../src/gateway/diagnostics.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

const USER = '{ user(id: "1") { name } }';
const POST = 'query Latest { post(id: "p1") { title author { name } } }';

let world: World;
let redis: RedisServer;
let nodes: readonly TestNode[];
let told: RequestAnswered[] = [];
const heard = (event: unknown): void => void told.push(event as RequestAnswered);

beforeAll(async () => {
  world = await startWorld();
  redis = await startRedis();
  const options = { subgraphs: world.subgraphs, redis: redis.url, limits: { batchMax: 3 } };
  nodes = await Promise.all([startTestNode(options), startTestNode(options)]);
});

beforeEach(() => requestAnswered.subscribe(heard));

afterEach(() => {
  requestAnswered.unsubscribe(heard);
  told = [];
});

afterAll(async () => {
  await Promise.all(nodes.map((node) => node.stop()));
  await Promise.all([world.stop(), redis.stop()]);
});

async function ask(query: string, { at = 0, headers = {} } = {}): Promise<RequestAnswered> {
  told = [];
  await (nodes[at] as TestNode).ask(query, { headers });
  expect(told).toHaveLength(1);
  return told[0] as RequestAnswered;
}

describe('of a request is told', () => {
  it('whether it was a miss, or a hit and where, and what that saved', async () => {
    const miss = await ask(POST);
    expect(miss).toMatchObject({ outcome: 'miss', subgraphCalls: 2, subgraphCallsSaved: 0 });
    expect(miss.durationMs).toBeGreaterThan(0);
    const { operation } = miss;
    expect(operation).toMatchObject({ kind: 'query', name: 'Latest', scope: 'UNDECLARED' });
    expect(operation?.types).toEqual(['Post', 'User']);
    expect(operation?.text).toContain('query Latest {');
    const saving = { operation, subgraphCalls: 0, subgraphCallsSaved: 2, why: undefined };
    expect(await ask(POST)).toMatchObject({ outcome: 'hit_l1', ...saving });
    const respelled = await ask(`${POST} # the same`);
    expect([respelled.outcome, respelled.operation?.id]).toEqual(['hit_l1', operation?.id]);
    const elsewhere = await ask(POST, { at: 1 });
    expect(elsewhere).toMatchObject({ outcome: 'hit_l2', subgraphCallsSaved: 0 });
    expect(elsewhere.operation?.id).toBe(operation?.id);
  });

  it('that parts of it were found', async () => {
    await ask('{ post(id: "p1") { author { name } } }');
    const alike = '{ again: post(id: "p1") { author { name } } user(id: "3") { name } }';
    expect(await ask(alike)).toMatchObject({ outcome: 'partial', subgraphCalls: 1 });
  });

  it('why it is not cached, or that it is kept for its caller', async () => {
    const own = '{ me { email } }';
    expect(await ask(own)).toMatchObject({
      outcome: 'bypass', why: 'private', isPrivate: false, operation: { scope: 'PRIVATE' },
    });
    const headers = { authorization: 'Bearer 1' };
    expect(await ask(own, { headers })).toMatchObject({ outcome: 'miss', isPrivate: true });
    expect(await ask(own, { headers })).toMatchObject({ outcome: 'hit_l1', isPrivate: true });
    expect(await ask('mutation { rename(id: "9", name: "a") { id } }'))
      .toMatchObject({ outcome: 'bypass', why: 'mutation', operation: { kind: 'mutation' } });
  });

  it('that another one was waited for', async () => {
    const gate = world.users.hold();
    const asked = [1, 2].map(() => (nodes[0] as TestNode).ask('{ users { id name nickname } }'));
    await gate.arrived;
    gate.release();
    await Promise.all(asked);
    expect(told.map(({ outcome }) => outcome).toSorted()).toEqual(['coalesced', 'miss']);
  });

  it('that it was refused, or ended with errors', async () => {
    for (const query of ['{', '{ nothing }', 'query ($id: ID!) { user(id: $id) { name } }']) {
      expect(await ask(query)).toMatchObject({ outcome: 'refused', subgraphCalls: 0 });
    }
    world.content.misbehave({ status: 500, body: 'no' });
    expect(await ask('{ post(id: "p2") { title } }')).toMatchObject({
      outcome: 'error', subgraphCalls: 1, why: 'error',
    });
  });

  it('each operation of a batch', async () => {
    const { url } = nodes[0] as TestNode;
    const body = JSON.stringify([{ query: USER }, { query: '{ users { name } }' }]);
    await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(told.map(({ operation }) => operation?.types)).toEqual([['User'], ['User']]);
  });

  it('nothing of what is no GraphQL', async () => {
    const { url } = nodes[0] as TestNode;
    await fetch(url, { method: 'OPTIONS' });
    await fetch(`${url}/elsewhere`);
    expect(told).toEqual([]);
  });
});
