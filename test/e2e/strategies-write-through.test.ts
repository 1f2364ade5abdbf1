/** Write-through: what a mutation answered need not be read from its origin again. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

/** The author is an entity of another subgraph. */
const POST = '{ post(id: "p1") { author { n: name } } }';
const RENAME = 'mutation ($name: String!) { rename(id: "1", name: $name) { id name } }';

const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => crypto.randomUUID(),
});

let world: World;
let log: MemoryLog;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

beforeEach(() => {
  world.people.set('1', person('1'));
});

afterEach(async () => {
  await node.stop();
  await log.close();
});

async function start(writeThrough: boolean): Promise<void> {
  log = new MemoryLog({ clock: systemClock });
  node = await startTestNode({
    subgraphs: world.subgraphs,
    invalidationLog: log,
    cache: {
      rules: {
        User: { writeThrough },
        'Mutation.rename': { writeThrough: true },
        'Mutation.renamed': { writeThrough: true },
      },
    },
  });
  // From here on it is known in which form authors are asked for.
  await node.ask(POST);
  world.users.forget();
}

async function authorNow(headers: Record<string, string> = {}) {
  const before = world.users.calls.length;
  const { data } = await node.ask(POST, { headers });
  return { name: data.post.author.n, calls: world.users.calls.length - before };
}

describe('a type that is written through', () => {
  it('is read next from what the mutation answered', async () => {
    await start(true);
    await node.ask(RENAME, { variables: { name: 'new' } });
    expect(await authorNow()).toEqual({ name: 'new', calls: 0 });
  });

  it('is read from its origin where that is not declared', async () => {
    await start(false);
    await node.ask(RENAME, { variables: { name: 'new' } });
    expect(await authorNow()).toEqual({ name: 'new', calls: 1 });
  });

  it('is read from its origin where the answer shows less than is asked for', async () => {
    await start(true);
    await node.ask('mutation { rename(id: "1", name: "new") { id nickname } }');
    expect(await authorNow()).toEqual({ name: 'new', calls: 1 });
  });

  it('is found under whichever names the mutation asked for it', async () => {
    await start(true);
    await node.ask(`mutation { r: rename(id: "1", name: "new") { ...Shown } }
      fragment Shown on User { called: name }`);
    expect(await authorNow()).toEqual({ name: 'new', calls: 0 });
  });

  it('is read from its origin after the next purge', async () => {
    await start(true);
    await node.ask(RENAME, { variables: { name: 'new' } });
    world.people.set('1', { ...person('1'), name: 'newer' });
    const received = node.gateway.status().invalidation.received;
    await log.append(maker.updated('User', '1'));
    await until(() => node.gateway.status().invalidation.received > received, {
      what: 'the node has applied the purge',
    });
    expect(await authorNow()).toEqual({ name: 'newer', calls: 1 });
  });

  it('is not kept where somebody else changed it while the mutation ran', async () => {
    await start(true);
    const gate = world.users.hold();
    const writing = node.ask(RENAME, { variables: { name: 'mine' } });
    await gate.arrived;
    // Its answer shows `mine`, and is on its way; meanwhile another service writes.
    world.people.set('1', { ...person('1'), name: 'theirs' });
    const received = node.gateway.status().invalidation.received;
    await log.append(maker.updated('User', '1'));
    await until(() => node.gateway.status().invalidation.received > received, {
      what: 'the node has applied the purge of the other service',
    });
    gate.release();
    expect((await writing).data.rename.name).toBe('mine');
    expect(await authorNow()).toEqual({ name: 'theirs', calls: 1 });
  });

  it('is kept for who wrote alone, where it is not declared to be the same for all', async () => {
    await start(true);
    const alice = { authorization: 'Bearer alice' };
    await node.ask(RENAME, { variables: { name: 'new' }, headers: alice });
    expect(await authorNow()).toEqual({ name: 'new', calls: 1 });
    expect(await authorNow(alice)).toEqual({ name: 'new', calls: 0 });
  });

  it('is not kept of a mutation that does not say so: it answers what it has deleted', async () => {
    await start(true);
    const { data } = await node.ask('mutation { remove(id: "1") { id name } }');
    expect(data.remove.name).toBe('name of 1');
    const before = world.users.calls.length;
    expect((await node.ask(POST)).data.post.author).toBeNull();
    expect(world.users.calls.length - before).toBe(1);
  });

  it('is not kept where an answer shows it in two states', async () => {
    await start(true);
    await node.ask(`mutation {
      renamed(id: "1", name: "new") { after { id name } before { id name } }
    }`);
    expect(await authorNow()).toEqual({ name: 'new', calls: 1 });
  });

  it('is not kept where a later field of the mutation may have changed it', async () => {
    await start(true);
    await node.ask(`mutation {
      one: rename(id: "1", name: "first") { id name }
      two: rename(id: "1", name: "second") { id nickname }
    }`);
    expect(await authorNow()).toMatchObject({ name: 'second' });
  });
});
