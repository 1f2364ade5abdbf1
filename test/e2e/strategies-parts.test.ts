/** Strategies of the parts that a response is made of: entities of another subgraph. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LeapingClock } from '../support/leaping-clock.ts';
import { until } from '../support/until.ts';
import { startTestNode, type NodeOptions, type TestNode } from './fleet.ts';
import { statusOf } from './strategies-world.ts';
import { person, startWorld, type World } from './world.ts';

type Rules = NonNullable<NonNullable<NodeOptions['cache']>['rules']>;

const POST = '{ post(id: "p1") { author { name } } }';
const FAILING = { status: 503, body: 'down' };

let world: World;
let clock: LeapingClock;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.stop());

beforeEach(() => {
  world.people.set('1', person('1'));
});

afterEach(() => node.stop());

async function start(rules: Rules): Promise<void> {
  clock = new LeapingClock();
  node = await startTestNode({
    subgraphs: world.subgraphs, clock, cache: { maxStalenessMs: 600_000, rules },
  });
  world.users.forget();
}

async function authorNow(): Promise<string> {
  const { data, errors } = await node.ask(POST);
  expect(errors).toBeUndefined();
  return data.post.author.name;
}

describe('an entity in a response that is not kept', () => {
  const unkept = { 'Query.post': { maxAgeSeconds: 0 } };

  it('is served past its time while it is loaded anew', async () => {
    await start({ ...unkept, User: { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30 } });
    await authorNow();
    world.people.set('1', { ...person('1'), name: 'new' });
    clock.leap(11_000);
    expect(await authorNow()).toBe('name of 1');
    await until(async () => await authorNow() === 'new', { what: 'the entity is loaded anew' });
    expect(world.users.calls).toHaveLength(2);
  });

  it('is served past its time where its subgraph fails', async () => {
    await start({ ...unkept, User: { maxAgeSeconds: 10, staleIfErrorSeconds: 60 } });
    await authorNow();
    clock.leap(11_000);
    world.users.misbehave(FAILING);
    expect(await authorNow()).toBe('name of 1');
    world.people.set('1', { ...person('1'), name: 'new' });
    expect(await authorNow()).toBe('new');
  });
});

describe('an entity that does not exist', () => {
  it('bounds the response that it is missing in', async () => {
    await start({ User: { maxAgeSeconds: 60, negativeTtlSeconds: 5 } });
    world.people.delete('1');
    const nickname = (id: string) => node.ask(`{ post(id: "${id}") { author { nickname } } }`);
    const answers = await Promise.all(['p1', 'p2'].map(nickname));
    expect(answers.map((answer) => /stored; ttl=(\d+)/.exec(statusOf(answer))?.[1]))
      .toEqual(['5', '60']);
    world.people.set('1', { ...person('1'), nickname: 'uno' });
    clock.leap(5_001);
    expect((await nickname('p1')).data.post.author.nickname).toBe('uno');
  });
});

describe('a response that is kept', () => {
  it('is made of nothing that is past its time', async () => {
    await start({
      User: { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30 },
      'Query.post': { maxAgeSeconds: 60 },
    });
    await authorNow();
    world.people.set('1', { ...person('1'), name: 'new' });
    clock.leap(11_000);
    // Another response, with the same entity in the same form.
    const other = await node.ask('{ post(id: "p1") { title author { name } } }');
    expect(other.data.post.author.name).toBe('name of 1');
    expect(statusOf(other)).toBe('freshet; fwd=miss; detail=part-stale');
    const next = await until(async () => {
      const answer = await node.ask('{ post(id: "p1") { title author { name } } }');
      return answer.data.post.author.name === 'new' && answer;
    }, { what: 'the entity is loaded anew' });
    expect(statusOf(next)).toMatch(/fwd=miss; stored; ttl=\d+$/);
  });

  it('may be stretched no longer than each of its parts', async () => {
    await start({
      Post: { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30 },
      User: { maxAgeSeconds: 20 },
    });
    await authorNow();
    world.people.set('1', { ...person('1'), name: 'new' });
    clock.leap(19_000);
    expect(statusOf(await node.ask(POST))).toContain('detail=stale-while-revalidate');
    await until(async () => statusOf(await node.ask(POST)).includes('detail=l1'), {
      what: 'the response is loaded anew',
    });
    clock.leap(1_500);
    // The user in it was found in the cache, and ends with its own time.
    expect(await authorNow()).toBe('new');
  });

  it('is loaded anew as a whole when it is', async () => {
    await start({
      Post: { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30 },
      User: { maxAgeSeconds: 10, staleWhileRevalidateSeconds: 30 },
    });
    await authorNow();
    world.people.set('1', { ...person('1'), name: 'new' });
    clock.leap(11_000);
    expect(await authorNow()).toBe('name of 1');
    // One reload of it is enough: its parts are not taken from what is past its time.
    await until(() => world.users.calls.length === 2, { what: 'the entity is loaded anew' });
    await until(async () => await authorNow() === 'new', { what: 'and so is the response' });
    expect(world.users.calls).toHaveLength(2);
  });
});
