/**
 * Promise 2, read your writes: every answer carries a position, and who sends it back to any node
 * is never answered from older state.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { parsePosition, type Position } from '../../src/invalidation/position.ts';
import { until } from '../support/until.ts';
import { startTestNode, type Answer, type TestNode } from './fleet.ts';
import { HeldLog } from './held-log.ts';
import { startPair, type Pair } from './pair.ts';
import { person, startWorld, type World } from './world.ts';

const USER = '{ user(id: "1") { name } }';
/** A part of it is an entity that another subgraph answers. */
const POST = '{ post(id: "p1") { title author { name } } }';
const ALL = '{ users { name } }';
const NEVER_REACHED = '999999999999999-0';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

beforeEach(() => {
  world.people.set('1', person('1'));
  world.users.forget();
});

function positionOf({ headers }: { headers: Headers }): Position {
  const position = parsePosition(headers.get('freshet-position') ?? '');
  expect(position).toBeDefined();
  return position as Position;
}

function sending({ headers }: Answer): { headers: Record<string, string> } {
  return { headers: { 'freshet-position': headers.get('freshet-position') ?? '' } };
}

function rename(node: TestNode, name: string): Promise<Answer> {
  return node.ask(`mutation { rename(id: "1", name: "${name}") { id } }`);
}

interface Sent extends RequestInit {
  readonly headers?: Record<string, string>;
}

/** Why the cache had no part in an answer. */
function bypassOf({ headers }: Answer): string | undefined {
  return /fwd=bypass; detail=([\w-]+)/.exec(headers.get('cache-status') ?? '')?.[1];
}

describe('one node', () => {
  let node: TestNode;

  beforeAll(async () => {
    node = await startTestNode({
      subgraphs: world.subgraphs,
      cache: { positionWaitMs: 20 },
      limits: { bodyBytesMax: 10_000, batchMax: 2 },
    });
  });

  afterAll(() => node.stop());

  const json = { 'content-type': 'application/json' };
  const posting = (body: string, headers = {}): Sent =>
    ({ method: 'POST', headers: { ...json, ...headers }, body });
  const asking = (query: string, headers = {}): Sent =>
    posting(JSON.stringify({ query }), headers);

  it.each([
    ['a miss', 200, asking('{ user(id: "2") { name } }')],
    ['a hit', 200, asking('{ user(id: "2") { name } }')],
    ['a bypass', 200, asking('{ user(id: "2") { email } }')],
    ['introspection', 200, asking('{ __schema { queryType { name } } }')],
    ['a mutation', 200, asking('mutation { rename(id: "3", name: "n") { id } }')],
    ['a batch', 200, posting(JSON.stringify([{ query: USER }, { query: '{' }]))],
    ['a document that is not valid', 200, asking('{ nope }')],
    ['a document that cannot be parsed', 200, asking('{')],
    ['a document that is too deep', 400, asking('{a'.repeat(50) + '}'.repeat(50))],
    ['a batch that is too long', 413, posting(JSON.stringify([{}, {}, {}]))],
    ['a body that is no JSON', 400, posting('{')],
    ['a body that is no text', 400, posting('\u00ff')],
    ['a body that is too large', 413, posting('x'.repeat(10_001))],
    ['another type of body', 415, posting('x', { 'content-type': 'text/plain' })],
    ['another method', 405, { method: 'DELETE' }],
    ['another type of answer', 406, asking(USER, { accept: 'image/png' })],
    ['a position that cannot be read', 400, asking(USER, { 'freshet-position': 'x' })],
  ])('carries its position in the answer to %s', async (what, status, init) => {
    const body = what.endsWith('no text') ? new Uint8Array([0xff]) : init.body;
    const response = await fetch(node.url, { ...init, ...(body && { body }) });
    expect(response.status).toBe(status);
    expect(positionOf(response)).toBe(parsePosition(node.gateway.status().position));
  });

  it('carries it in the answer of a subgraph that fails', async () => {
    world.users.misbehave({ hangUp: true }, { hangUp: true });
    const failed = await node.ask('{ user(id: "3") { nickname } }');
    expect(failed.errors).toHaveLength(1);
    positionOf(failed);
  });

  it('has reached the position of a mutation when it answers that', async () => {
    const before = positionOf(await node.ask(USER));
    const wrote = positionOf(await rename(node, 'new'));
    expect(wrote > before).toBe(true);
    expect(parsePosition(node.gateway.status().position)).toBe(wrote);
    expect(positionOf(await node.ask(USER)) >= wrote).toBe(true);
  });

  it('answers from the cache who sends a position that it has reached', async () => {
    await rename(node, 'new');
    const first = await node.ask(USER);
    for (const position of [first.headers.get('freshet-position') ?? '', '0-0', '1-0']) {
      const answer = await node.ask(USER, { headers: { 'freshet-position': position } });
      expect([answer.cache, answer.data]).toEqual(['hit', first.data]);
    }
  });

  it('answers past all caches who sends one that it does not reach in time', async () => {
    await node.ask(POST);
    world.users.forget();
    world.content.forget();
    const answer = await node.ask(POST, { headers: { 'freshet-position': NEVER_REACHED } });
    expect([answer.status, answer.data.post.title]).toEqual([200, 'title of p1']);
    expect(bypassOf(answer)).toBe('behind');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect([world.users.calls.length, world.content.calls.length]).toEqual([1, 1]);
  });

  it('keeps answering others from the cache meanwhile', async () => {
    await node.ask(USER);
    await node.ask(USER, { headers: { 'freshet-position': NEVER_REACHED } });
    expect((await node.ask(USER)).cache).toBe('hit');
  });

  it.each([
    'x', '', ' ', '1', '1-', '-1', '1-2-3', '1.5-0', '0x1-0', '+1-0', '9'.repeat(40), '1-0, 2-0',
    '1234567890123456-0', '1-9007199254740993', '9'.repeat(5_000), '1-0\u00b2', '"1-0"', '*', '$',
  ])('refuses %j, which is no position', async (text) => {
    const requests: [string, Sent][] = [
      [node.url, asking(USER)],
      [`${node.url}?query=${encodeURIComponent(USER)}`, {}],
      [node.url, posting(JSON.stringify([{ query: USER }, { query: USER }]))],
      [node.url, asking('{ nope }')],
    ];
    for (const [url, init] of requests) {
      const headers = { ...init.headers, 'freshet-position': text };
      const response = await fetch(url, { ...init, headers });
      const { errors } = await response.json() as { errors: { extensions: object }[] };
      expect([response.status, errors[0]?.extensions]).toEqual([400, { code: 'POSITION_INVALID' }]);
    }
    expect(world.users.calls).toEqual([]);
  });
});

describe('a node that is held behind another', () => {
  let memory: MemoryLog;
  let log: HeldLog;
  let ahead: TestNode;
  let behind: TestNode;
  let patient: TestNode;

  async function start(positionWaitMs: number, invalidationLog: HeldLog): Promise<TestNode> {
    const { subgraphs } = world;
    return startTestNode({ subgraphs, cache: { positionWaitMs }, invalidationLog });
  }

  beforeEach(async () => {
    memory = new MemoryLog({ clock: systemClock });
    log = new HeldLog(memory);
    [ahead, behind, patient] = await Promise.all([
      start(500, new HeldLog(memory)), start(20, log), start(60_000, log),
    ]);
  });

  afterEach(async () => {
    log.release();
    await Promise.all([ahead, behind, patient].map((node) => node.stop()));
    await memory.close();
  });

  it.each([['a root field', USER], ['an entity', POST], ['a list', ALL]])(
    'never answers who wrote elsewhere with the old state of %s',
    async (_, query) => {
      const old = (await behind.ask(query)).text;
      expect((await behind.ask(query)).cache).toBe('hit');
      log.hold();
      const wrote = await rename(ahead, 'new');
      // The trap is real: for all that this node knows, the old state is the state.
      expect(await behind.ask(query)).toMatchObject({ cache: 'hit', text: old });

      const answer = await behind.ask(query, sending(wrote));
      expect(answer.text).toContain('"new"');
      expect(bypassOf(answer)).toBe('behind');

      log.release();
      await until(async () => (await behind.ask(query)).text === answer.text, {
        what: 'it has heard of the write',
      });
    },
  );

  it('never answers so either who goes on with the position of its answer', async () => {
    await behind.ask(USER);
    log.hold();
    const wrote = await rename(ahead, 'new');
    let last = await behind.ask(USER, sending(wrote));
    expect(positionOf(last) >= positionOf(wrote)).toBe(true);
    for (let n = 0; n < 3; n += 1) {
      last = await behind.ask(USER, sending(last));
      expect(last.data.user.name).toBe('new');
    }
  });

  it('does not hand over what another request began to read before the write', async () => {
    log.hold();
    const gate = world.users.hold();
    const reading = behind.ask(USER);
    await gate.arrived;
    const wrote = await rename(ahead, 'new');
    expect((await behind.ask(USER, sending(wrote))).data.user.name).toBe('new');
    gate.release();
    expect((await reading).data.user.name).toBe('name of 1');
    expect((await behind.ask(USER, sending(wrote))).data.user.name).toBe('new');
  });

  it('waits for the position, and is then no longer behind', async () => {
    await patient.ask(USER);
    log.hold();
    const wrote = await rename(ahead, 'new');
    const waiting = patient.ask(USER, sending(wrote));
    // A request that came later has been answered: the other one waits.
    expect((await patient.ask(USER)).data.user.name).toBe('name of 1');
    log.release();
    const answer = await waiting;
    expect([answer.data.user.name, answer.cache]).toEqual(['new', 'miss']);
    expect((await patient.ask(USER, sending(wrote))).cache).toBe('hit');
  });

  it('shows who writes there what they wrote, and the same elsewhere', async () => {
    await Promise.all([ahead, behind].map((node) => node.ask(USER)));
    log.hold();
    const wrote = await rename(behind, 'new');
    for (const node of [behind, ahead, behind]) {
      expect((await node.ask(USER, sending(wrote))).data.user.name).toBe('new');
      expect((await node.ask(USER)).data.user.name).toBe('new');
    }
  });
});

describe('two nodes over Redis', () => {
  let pair: Pair;

  beforeAll(async () => {
    pair = await startPair({ subgraphs: world.subgraphs });
  });

  afterAll(() => pair.stop());

  it('never answer who wrote at the other with old state, however soon they ask', async () => {
    for (let round = 0; round < 40; round += 1) {
      const [one, other] = pair.nodes;
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one];
      await Promise.all(pair.nodes.map((node) => node.ask(POST)));
      const wrote = await rename(writer, `name ${round}`);
      const answers = await Promise.all([USER, POST, ALL].map((query) =>
        reader.ask(query, sending(wrote))));
      for (const { text } of answers) expect(text).toContain(`"name ${round}"`);
    }
  });
});
