/** What is served past its TTL, and what never is. */
import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import type { Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { CountingStore } from './faulty-store.ts';
import { Origin } from './origin.ts';
import { fillOf, Node, settle } from './samples.ts';

const key = responseKey(['a']);
const keys = ['a', 'b', 'c'].map((name) => responseKey([name]));

let node: Node;
let l2: CountingStore;
let path: ReadPath;
let origin: Origin;
/** The loads that run off the path of requests. */
let behind: Origin;

beforeEach(() => {
  const shared = new Node();
  l2 = new CountingStore(new MemoryStore({ clock: shared.clock }));
  node = new Node({ clock: shared.clock, l2 });
  path = node.path({ backgroundLoadsMax: 2 });
  origin = new Origin();
  behind = new Origin();
});

const background = (): Load => behind.load;

const told = ([outcome]: readonly Outcome[]): string => {
  const { value, how, why } = outcome as Outcome;
  return [value.toString(), how, why].filter((part) => part !== undefined).join(' ');
};

const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};

const outage = (): Error => Object.assign(new Error('unreachable'), { isOutage: true });
const failing = (error: Error): Load => async () => {
  throw error;
};

describe('stale-while-revalidate', () => {
  const windows = { ttlMs: 100, staleWhileRevalidateMs: 50 };

  beforeEach(async () => {
    await path.read([key], async () => [fillOf('old', windows)]);
  });

  it('serves what is past its TTL at once, and loads it anew behind the answer', async () => {
    node.clock.advance(120);
    expect(told(await path.read([key], never, { background }))).toBe('old stale revalidating');
    (await behind.nth(0)).answer([fillOf('new', windows)]);
    await settle();
    expect(told(await path.read([key], never))).toBe('new l1');
    expect(path.stats).toMatchObject({ staleWhileRevalidate: 1, background: { begun: 1 } });
  });

  it('loads once, however many are served meanwhile', async () => {
    node.clock.advance(120);
    const readings = Array.from({ length: 50 }, () => path.read([key], never, { background }));
    const texts = new Set((await Promise.all(readings)).map(told));
    expect(texts).toEqual(new Set(['old stale revalidating']));
    expect(behind.loads).toHaveLength(1);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    expect(path.flights).toBe(0);
  });

  it('ends with the window, to the millisecond', async () => {
    node.clock.advance(149);
    expect(told(await path.read([key], never, { background }))).toContain('stale');
    behind.loads[0]?.fail(new Error('gone'));
    await settle();
    node.clock.advance(1);
    const reading = path.read([key], origin.load, { background });
    (await origin.nth(0)).answer([fillOf('new')]);
    expect(told(await reading)).toBe('new loaded');
  });

  it('serves nothing that was invalidated', async () => {
    node.clock.advance(120);
    node.invalidate(2, 'user:1');
    expect(told(await path.read([key], async () => [fillOf('new')], { background })))
      .toBe('new loaded');
    expect(behind.loads).toHaveLength(0);
  });

  it('serves nothing where nobody says how to load behind the answer', async () => {
    node.clock.advance(120);
    expect(told(await path.read([key], async () => [fillOf('new')]))).toBe('new loaded');
  });

  it('serves nothing to who passes the cache by', async () => {
    node.clock.advance(120);
    const options = { background, bypass: true };
    expect(told(await path.read([key], async () => [fillOf('new')], options))).toBe('new loaded');
  });

  it('goes on serving when the load behind the answer fails, and loads again', async () => {
    node.clock.advance(120);
    await path.read([key], never, { background });
    behind.loads[0]?.fail(new Error('gone'));
    await settle();
    expect(told(await path.read([key], never, { background }))).toBe('old stale revalidating');
    expect(behind.loads).toHaveLength(2);
    expect(path.stats.background).toMatchObject({ begun: 2, failed: 1 });
    behind.loads[1]?.answer([fillOf('new')]);
  });

  it('lets who needs what is current join the load behind the answer', async () => {
    node.clock.advance(120);
    await path.read([key], never, { background });
    const joined = path.read([key], never);
    (await behind.nth(0)).answer([fillOf('new')]);
    expect(told(await joined)).toBe('new coalesced');
  });

  it('keeps nothing that an invalidation overtook behind the answer', async () => {
    node.clock.advance(120);
    await path.read([key], never, { background });
    node.invalidate(2, 'user:1');
    (await behind.nth(0)).answer([fillOf('old again')]);
    await settle();
    expect(told(await path.read([key], async () => [fillOf('new')], { background })))
      .toBe('new loaded');
  });

  it('serves what L2 holds past its TTL as well, and asks L2 no second time', async () => {
    node.l1.clear();
    node.clock.advance(120);
    const reads = l2.reads;
    const readings = Array.from({ length: 5 }, () => path.read([key], never, { background }));
    const texts = (await Promise.all(readings)).map(told);
    expect(new Set(texts)).toEqual(new Set(['old stale revalidating']));
    expect([l2.reads - reads, behind.loads.length]).toEqual([1, 1]);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    expect(told(await path.read([key], never))).toBe('new l1');
  });

  it('takes from L2 what another node has loaded meanwhile, and loads nothing', async () => {
    node.clock.advance(120);
    const neighbour = new Node({ clock: node.clock, l2 }).path();
    await neighbour.read([key], async () => [fillOf('theirs')], { bypass: true });
    await path.read([key], never, { background });
    await settle();
    expect(told(await path.read([key], never))).toBe('theirs l1');
    expect(behind.loads).toHaveLength(0);
  });

  it('begins no more loads than it may, and serves all the same', async () => {
    await path.read(keys, async (missing) => missing.map(() => fillOf('old', windows)));
    node.clock.advance(120);
    const outcomes = await path.read(keys, never, { background });
    expect(outcomes.map(({ how }) => how)).toEqual(['stale', 'stale', 'stale']);
    expect(behind.loads.map(({ missing }) => missing)).toEqual([[0], [1]]);
    expect(path.stats.background).toMatchObject({ begun: 2, dropped: 1 });
    for (const load of behind.loads) load.answer([fillOf('new')]);
    await settle();
    await path.read(keys, never, { background });
    expect((await behind.nth(2)).missing).toEqual([2]);
    behind.loads[2]?.answer([fillOf('new')]);
  });
});

describe('stale-if-error', () => {
  const windows = { ttlMs: 100, staleIfErrorMs: 50 };

  beforeEach(async () => {
    await path.read([key], async () => [fillOf('old', windows)]);
  });

  it('serves what is past its TTL when the origin cannot be reached', async () => {
    node.clock.advance(120);
    expect(told(await path.read([key], failing(outage())))).toBe('old stale error');
    expect(path.stats.staleIfError).toBe(1);
    expect(told(await path.read([key], async () => [fillOf('new')]))).toBe('new loaded');
  });

  it('does not for what the origin itself states', async () => {
    node.clock.advance(120);
    const stated = new Error('no such user');
    await expect(path.read([key], failing(stated))).rejects.toBe(stated);
  });

  it('ends with the window', async () => {
    node.clock.advance(150);
    await expect(path.read([key], failing(outage()))).rejects.toThrow('unreachable');
  });

  it('serves nothing that was invalidated, before the load or while it lasts', async () => {
    node.clock.advance(120);
    const reading = path.read([key], origin.load);
    const load = await origin.nth(0);
    node.invalidate(2, 'user:1');
    load.fail(outage());
    await expect(reading).rejects.toThrow('unreachable');
    await expect(path.read([key], failing(outage()))).rejects.toThrow('unreachable');
  });

  it('serves nothing to who passes the cache by', async () => {
    node.clock.advance(120);
    const passing = path.read([key], failing(outage()), { bypass: true });
    await expect(passing).rejects.toThrow('unreachable');
  });

  it('serves nothing while the log cannot be heard for too long', async () => {
    const deaf = new Node({ clock: node.clock, l2, maxStalenessMs: 110 });
    deaf.hearing.heard = false;
    node.clock.advance(120);
    await expect(deaf.path().read([key], failing(outage()))).rejects.toThrow('unreachable');
  });

  it('serves all who waited for the load that failed, which was one', async () => {
    node.clock.advance(120);
    const readings = Array.from({ length: 10 }, () => path.read([key], origin.load));
    (await origin.nth(0)).fail(outage());
    expect(new Set((await Promise.all(readings)).map(told))).toEqual(new Set(['old stale error']));
    expect(origin.loads).toHaveLength(1);
  });

  it('serves what L2 holds past its TTL', async () => {
    node.l1.clear();
    node.clock.advance(120);
    const readings = Array.from({ length: 3 }, () => path.read([key], origin.load));
    (await origin.nth(0)).fail(outage());
    expect(new Set((await Promise.all(readings)).map(told))).toEqual(new Set(['old stale error']));
  });

  it('fails the whole reading where one of its keys has nothing to be served', async () => {
    node.clock.advance(120);
    await expect(path.read(keys, failing(outage()))).rejects.toThrow('unreachable');
    expect(path.flights).toBe(0);
  });
});
