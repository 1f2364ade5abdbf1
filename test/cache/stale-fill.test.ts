/**
 * The stale-fill race, on two nodes that share a real Redis: a read begins, an invalidation is
 * applied, the read ends with the old value. And what a Redis in trouble does to reading.
 */
import { setImmediate as macrotask } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { entityKey } from '../../src/cache/key.ts';
import type { Load, ReadPath } from '../../src/cache/read-path.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { Origin } from './origin.ts';
import { openRedisStore, plainClient, type OpenRedisStore } from './redis-harness.ts';
import { fillOf, Node, place, purgeOf } from './samples.ts';

interface Member extends OpenRedisStore {
  readonly node: Node;
  readonly path: ReadPath;
  read(load: Load): Promise<string>;
}

const key = entityKey('user:1', ['name']);
let server: RedisServer;
let clock: ManualClock;
let here: Member;
let there: Member;
let origin: Origin;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

beforeEach(async () => {
  const plain = plainClient(server.url);
  await plain.flushall();
  plain.disconnect();
  clock = new ManualClock();
  here = await join();
  there = await join();
  origin = new Origin();
});
afterEach(async () => {
  expect([here.path.flights, there.path.flights]).toEqual([0, 0]);
  await Promise.all([here.close(), there.close()]);
});

async function join(): Promise<Member> {
  const opened = await openRedisStore(server.url, { clock });
  const node = new Node({ clock, l2: opened.store });
  const path = node.path();
  const read = async (load: Load): Promise<string> => {
    const [outcome] = await path.read([key], load);
    return `${outcome?.value.toString()} ${outcome?.how}`;
  };
  return { ...opened, node, path, read };
}

const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};

const load = (value: string): Load => async () => [fillOf(value)];

/** In Redis or in memory, whoever asks and however little they have heard of the log. */
async function kept(): Promise<number> {
  await Promise.all([here.store.settled(), there.store.settled()]);
  const plain = plainClient(server.url);
  const keys = await plain.dbsize();
  plain.disconnect();
  return keys + here.node.l1.size + there.node.l1.size;
}

describe('a fill that an invalidation overtakes', () => {
  it.each([
    ['by the log', () => here.node.invalidate(2, 'user:1')],
    ['by a mutation here', () => here.node.horizon.mark(place(2), [purgeOf('user:1')])],
    ['by a foreign message', () => here.node.horizon.markNow([purgeOf('user:1')])],
    ['by a batch', () => here.node.invalidate(2, 'user:7', 'user:1', 'user:8')],
    ['by a gap in the log', () => here.node.horizon.forget(place(2))],
  ])('is not stored, nor handed to who came after: %s', async (_, invalidate) => {
    const first = here.read(origin.load);
    await origin.nth(0);
    const waiting = here.read(load('new'));
    invalidate();
    const later = here.read(load('new'));
    origin.loads[0]?.answer([fillOf('old')]);
    expect(await first).toBe('old loaded');
    expect(await waiting).toBe('new loaded');
    expect(await later).toMatch(/^new/);
    // Now the record has come by the log as well, if it had not before.
    here.node.invalidate(3);
    expect(await here.read(load('new'))).toMatch(/^new/);
    expect(await here.read(never)).toBe('new l1');
  });

  it('leaves nothing behind, neither in memory nor in Redis', async () => {
    const reading = here.read(origin.load);
    await origin.nth(0);
    here.node.invalidate(2, 'user:1');
    origin.loads[0]?.answer([fillOf('old')]);
    await reading;
    expect(await kept()).toBe(0);
    expect(here.node.tiers.stats.refused.invalidated).toBe(1);
    expect(await here.read(load('new'))).toBe('new loaded');
    expect(await here.read(never)).toBe('new l1');
  });

  it('may be stored by a node that has not heard, and is used by none that has', async () => {
    const reading = there.read(origin.load);
    await origin.nth(0);
    here.node.invalidate(2, 'user:1');
    origin.loads[0]?.answer([fillOf('old')]);
    await reading;
    await there.store.settled();
    expect(await here.read(load('new'))).toBe('new loaded');
    await here.store.settled();
    // What is there now is stamped later than the other has heard of: it cannot tell, and loads.
    expect(await there.read(never)).toBe('old l1');
    there.node.invalidate(2, 'user:1');
    expect(await there.read(never)).toBe('new l2');
  });

  it('does not come back to life with a purge that is older than its stamp', async () => {
    here.node.invalidate(2, 'user:1');
    expect(await here.read(load('new'))).toBe('new loaded');
    here.node.invalidate(2, 'user:1');
    expect(await here.read(never)).toBe('new l1');
    await here.store.settled();
    there.node.invalidate(2, 'user:1');
    expect(await there.read(never)).toBe('new l2');
  });
});

describe('reading while Redis is in trouble', () => {
  it('waits for its bound when Redis does not answer, and loads once for all', async () => {
    await here.read(load('old'));
    await here.store.settled();
    here.node.l1.clear();
    server.pause();
    const readings = Array.from({ length: 50 }, () => here.read(origin.load));
    await clock.advanceAsync(49);
    await macrotask();
    expect(origin.loads).toHaveLength(0);
    await clock.advanceAsync(1);
    (await origin.nth(0)).answer([fillOf('A')]);
    const texts = await Promise.all(readings);
    expect(new Set(texts)).toEqual(new Set(['A loaded', 'A coalesced']));
    expect(origin.loads).toHaveLength(1);
    expect(await here.read(never)).toBe('A l1');
    server.resume();
    await here.store.settled();
  });

  it('fails nothing when Redis is killed meanwhile, and shares again afterwards', async () => {
    const readings = Array.from({ length: 20 }, (_, n) =>
      here.path.read([entityKey('user:1', [n])], load(`${n}`)));
    await server.kill();
    await clock.advanceAsync(50);
    expect(await Promise.all(readings)).toHaveLength(20);
    await server.restart();
    const shared = async (): Promise<boolean> => {
      clock.advance(1_000);
      here.node.l1.clear();
      there.node.l1.clear();
      await here.read(load('A'));
      await here.store.settled();
      return (await there.read(load('B'))).endsWith(' l2');
    };
    await until(shared, { what: 'the nodes share again', everyMs: 20 });
  });

  it('loads anew what was flushed or dropped by another service, and no more', async () => {
    const other = entityKey('user:2', ['name']);
    await here.path.read([key, other], async () => [fillOf('A'), fillOf('B')]);
    await here.store.settled();
    here.node.l1.clear();
    const plain = plainClient(server.url);
    await plain.del('user:1');
    const outcomes = await here.path.read([key, other], async (missing) => {
      expect(missing).toEqual([0]);
      return [fillOf('A again')];
    });
    expect(outcomes.map(({ how }) => how)).toEqual(['loaded', 'l2']);
    await here.store.settled();
    await plain.flushall();
    plain.disconnect();
    here.node.l1.clear();
    expect(await here.read(load('A once more'))).toBe('A once more loaded');
  });
});
