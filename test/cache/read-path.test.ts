import { beforeEach, describe, expect, it } from 'vitest';
import { pause } from '../../src/invalidation/clock.ts';
import { entityKey, responseKey, type CacheKey } from '../../src/cache/key.ts';
import type { Fill, Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { CountingStore, HeldStore } from './faulty-store.ts';
import { MemoryLoadLock } from './memory-load-lock.ts';
import { Origin } from './origin.ts';
import { entryOf, fillOf, Node, place, settle, tag } from './samples.ts';

const key = responseKey(['a']);
const entity = (n: number): CacheKey => entityKey(`user:${n}`, ['way']);
const keys = [entity(0), entity(1), entity(2), entity(3), entity(4)] as const;

let node: Node;
let l2: CountingStore;
let path: ReadPath;
let origin: Origin;

beforeEach(() => {
  const shared = new Node();
  l2 = new CountingStore(shared.l1);
  node = new Node({ clock: shared.clock, l2 });
  path = pathOf(node);
  origin = new Origin();
  return () => {
    expect(path.flights, 'nothing is left in the air').toBe(0);
  };
});

const pathOf = (node: Node, flightsMax = 100): ReadPath => node.path({ flightsMax });

const told = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map(({ value, how }) => `${value.toString()} ${how}`);

const loading = (...fills: readonly Fill[]): Load => async () => fills;

const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};

describe('reading', () => {
  it('loads what is nowhere, keeps it, and then finds it', async () => {
    const fill = fillOf('A', { ttlMs: 500, staleWhileRevalidateMs: 100 });
    const [outcome] = await path.read([key], loading(fill));
    expect(outcome).toMatchObject({ how: 'loaded', stored: true });
    const times = { readAt: 0, staleAt: 500, staleWhileRevalidateMs: 100 };
    expect(outcome?.entry).toMatchObject({ stamp: place(1), ...times });
    expect(told(await path.read([key], never))).toEqual(['A l1']);
    node.l1.clear();
    expect(told(await path.read([key], never))).toEqual(['A l2']);
    expect(told(await path.read([key], never))).toEqual(['A l1']);
  });

  it('does not ask L2 again where that was asked a moment ago', async () => {
    const knowsL2 = { knowsL2: true };
    expect(told(await path.read([key], loading(fillOf('A')), knowsL2))).toEqual(['A loaded']);
    expect(l2.reads).toBe(0);
    node.l1.clear();
    expect(told(await path.read([key], never))).toEqual(['A l2']);
  });

  it('of L2 alone is left to who loads already', async () => {
    const first = path.read([key], origin.load);
    await origin.nth(0);
    expect(path.below(key, (found) => found, path.patience())).toBeUndefined();
    origin.loads[0]?.answer([fillOf('A')]);
    await first;
    node.l1.clear();
    const found = await path.below(key, (one) => one, path.patience());
    expect(found?.entry.value.toString()).toBe('A');
  });

  it('waits for L2 no longer in all its reads than it may for one', async () => {
    const held = new HeldStore(l2);
    node = new Node({ clock: node.clock, l2: held });
    path = node.path({ patienceMs: 50 });
    const patience = path.patience();
    const read = (of: CacheKey): Promise<readonly Outcome[]> =>
      path.read([of], loading(fillOf('A')), { patience });
    const first = read(keys[0]);
    await node.clock.advanceAsync(30);
    held.letGo();
    expect(told(await first)).toEqual(['A loaded']);
    const second = read(keys[1]);
    await node.clock.advanceAsync(20);
    expect(told(await second)).toEqual(['A loaded']);
    expect(held.held).toBe(1);
    expect(told(await read(keys[2]))).toEqual(['A loaded']);
    expect(held.held, 'it was asked no more').toBe(1);
    const another = path.read([keys[3]], never, { patience: path.patience() });
    await l2.set(keys[3], entryOf('B'));
    await settle();
    held.letGo();
    expect(told(await another)).toEqual(['B l2']);
  });

  it('takes no lock of the fleet when it has waited in vain', async () => {
    const lock = new MemoryLoadLock(node.clock);
    path = node.path({ lock, patienceMs: 50 });
    const patience = path.patience();
    const inVain = patience.wait(() => pause(node.clock, 50));
    await node.clock.advanceAsync(50);
    await inVain;
    await lock.acquire([key], 1_000);
    const options = { patience, lockMs: 500 };
    expect(told(await path.read([key], loading(fillOf('A')), options))).toEqual(['A loaded']);
    expect(node.clock.now()).toBe(50);
  });

  it('has nothing to do for no keys', async () => {
    expect(await path.read([], never)).toEqual([]);
  });

  it('takes each key from where it is, and loads the rest in one call', async () => {
    const [inL1, inL2, inFlight] = keys;
    node.tiers.set(inL1, entryOf('one'));
    await l2.set(inL2, entryOf('two'));
    const other = path.read([inFlight], origin.load);
    const mine = path.read(keys, origin.load);
    await settle();
    expect(origin.loads.map((load) => load.missing)).toEqual([[0], [3, 4]]);
    origin.loads[1]?.answer([fillOf('four'), fillOf('five')]);
    await settle();
    origin.loads[0]?.answer([fillOf('three')]);
    expect(told(await mine))
      .toEqual(['one l1', 'two l2', 'three coalesced', 'four loaded', 'five loaded']);
    expect(told(await other)).toEqual(['three loaded']);
  });

  it('loads a key that stands twice in one call once', async () => {
    const twice = [keys[0], keys[1], keys[0]];
    const reading = path.read(twice, origin.load);
    const load = await origin.nth(0);
    expect(load.missing).toEqual([0, 1]);
    load.answer([fillOf('A'), fillOf('B')]);
    expect(told(await reading)).toEqual(['A loaded', 'B loaded', 'A loaded']);
  });

  it('does not keep two that wait for each other waiting for ever', async () => {
    const [a, b, c] = keys;
    const one = path.read([a, b], origin.load);
    await origin.nth(0);
    const two = path.read([b, c, a], origin.load);
    const third = path.read([c, a], origin.load);
    await settle();
    origin.loads[1]?.answer([fillOf('C')]);
    await settle();
    origin.loads[0]?.answer([fillOf('A'), fillOf('B')]);
    expect(told(await one)).toEqual(['A loaded', 'B loaded']);
    expect(told(await two)).toEqual(['B coalesced', 'C loaded', 'A coalesced']);
    expect(told(await third)).toEqual(['C coalesced', 'A coalesced']);
  });

  it('passes by everything when told to, and keeps what it loads', async () => {
    await path.read([key], loading(fillOf('A')));
    const under = path.read(keys.slice(0, 1), origin.load);
    await origin.nth(0);
    const reads = l2.reads;
    const passing = path.read([key, keys[0], key], origin.load, { bypass: true });
    const load = await origin.nth(1);
    expect(load.missing).toEqual([0, 1]);
    load.answer([fillOf('B'), fillOf('C')]);
    expect(told(await passing)).toEqual(['B loaded', 'C loaded', 'B loaded']);
    expect(l2.reads).toBe(reads);
    expect(told(await path.read([key], never))).toEqual(['B l1']);
    origin.loads[0]?.answer([fillOf('D')]);
    expect(told(await under)).toEqual(['D loaded']);
  });
});

describe('what may not be kept', () => {
  it.each([
    ['has no TTL', fillOf('A', { ttlMs: 0 })],
    ['is of one caller alone', fillOf('A', { shareable: false })],
    ['took longer to load than its TTL', fillOf('A', { ttlMs: 100 })],
  ])('is not: what %s', async (_, fill) => {
    const reading = path.read([key], origin.load);
    const load = await origin.nth(0);
    node.clock.advance(100);
    load.answer([fill]);
    const [outcome] = await reading;
    expect(outcome).toMatchObject({ how: 'loaded', stored: false, entry: undefined });
    expect([node.l1.size, l2.writes]).toEqual([0, 0]);
  });

  it('is loaded by each waiter for itself at once, where it has no TTL', async () => {
    const readings = Array.from({ length: 10 }, () => path.read([key], origin.load));
    (await origin.nth(0)).answer([fillOf('0', { ttlMs: 0 })]);
    await origin.nth(9);
    for (const [n, load] of origin.loads.entries()) load.answer([fillOf(`${n}`, { ttlMs: 0 })]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(new Set(texts).size).toBe(10);
    expect(path.stats).toMatchObject({ loads: 10, coalesced: 0 });
  });

  it('never reaches a waiter, where it is of one caller alone', async () => {
    const readings = Array.from({ length: 6 }, () => path.read([key], origin.load));
    for (let n = 0; n < 3; n += 1) {
      (await origin.nth(n)).answer([fillOf(`${n}`, { shareable: false })]);
    }
    await origin.nth(5);
    for (const [n, load] of origin.loads.entries()) {
      load.answer([fillOf(`${n}`, { shareable: false })]);
    }
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(new Set(texts).size).toBe(6);
    expect(node.l1.size).toBe(0);
  });

  it('reaches waiters from the first load on that may be shared', async () => {
    const readings = Array.from({ length: 5 }, () => path.read([key], origin.load));
    (await origin.nth(0)).answer([fillOf('mine', { shareable: false })]);
    (await origin.nth(1)).answer([fillOf('ours')]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['mine loaded', 'ours loaded', ...Array(3).fill('ours coalesced')]);
  });
});

describe('many who want the same', () => {
  it('cause one read of L2 and one load', async () => {
    const readings = Array.from({ length: 50 }, () => path.read([key], origin.load));
    (await origin.nth(0)).answer([fillOf('A')]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A loaded', ...Array(49).fill('A coalesced')]);
    expect([l2.reads, l2.writes, origin.loads.length]).toEqual([1, 1, 1]);
    expect(path.stats).toMatchObject({ loads: 1, loaded: 1, coalesced: 49 });
  });

  it('cause one read of L2 while L2 is slow, also when they come later', async () => {
    await l2.set(key, entryOf('A'));
    const held = new HeldStore(l2);
    const slow = new Node({ clock: node.clock, l2: held });
    const slowPath = pathOf(slow);
    const readings = [slowPath.read([key], never), slowPath.read([key], never)];
    await settle();
    readings.push(slowPath.read([key], never));
    expect(held.held).toBe(1);
    held.letGo();
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A l2', 'A coalesced', 'A coalesced']);
    expect(slowPath.flights).toBe(0);
  });

  it('load each alone where there are too many flights, and still look everywhere', async () => {
    const crowded = pathOf(node, 1);
    await l2.set(keys[1], entryOf('B'));
    const readings = [key, ...keys.slice(0, 2), keys[0]]
      .map((one) => crowded.read([one], origin.load));
    await origin.nth(2);
    expect(crowded.flights).toBe(1);
    for (const load of origin.loads) load.answer([fillOf('A')]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A loaded', 'A loaded', 'B l2', 'A loaded']);
    expect(crowded.flights).toBe(0);
  });

  it('are not drawn into a load that hangs by coming after it has hung for long', async () => {
    const hanging = path.read([key], origin.load);
    await origin.nth(0);
    node.clock.advance(10_000);
    const later = path.read([key], origin.load);
    (await origin.nth(1)).answer([fillOf('B')]);
    expect(told(await later)).toEqual(['B loaded']);
    origin.loads[0]?.answer([fillOf('A', { ttlMs: 60_000 })]);
    expect(told(await hanging)).toEqual(['A loaded']);
  });
});

describe('a load that fails', () => {
  const error = new Error('the origin is down');

  it.each([
    ['rejects', async (): Promise<never> => Promise.reject(error)],
    ['throws', (): never => {
      throw error;
    }],
  ])('fails who loads, and is not kept: one that %s', async (_, load) => {
    await expect(path.read([key], load)).rejects.toBe(error);
    expect([node.l1.size, l2.writes, path.flights]).toEqual([0, 0, 0]);
    expect(told(await path.read([key], loading(fillOf('A'))))).toEqual(['A loaded']);
  });

  it('does not fail those who wait: one of them loads again, for all', async () => {
    const readings = Array.from({ length: 10 }, () => path.read([key], origin.load));
    const failed = expect(readings[0]).rejects.toBe(error);
    (await origin.nth(0)).fail(error);
    await failed;
    (await origin.nth(1)).answer([fillOf('A')]);
    const texts = (await Promise.all(readings.slice(1))).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A loaded', ...Array(8).fill('A coalesced')]);
    expect(origin.loads).toHaveLength(2);
  });

  it('reaches those who wait when a second one fails as well', async () => {
    const readings = Array.from({ length: 10 }, () => path.read([key], origin.load));
    const results = Promise.allSettled(readings);
    (await origin.nth(0)).fail(error);
    const second = new Error('the origin is still down');
    (await origin.nth(1)).fail(second);
    const reasons = (await results).map((one) => (one as PromiseRejectedResult).reason as unknown);
    expect(reasons.map((reason) => reason === second)).toEqual([false, ...Array(9).fill(true)]);
    expect(reasons[0]).toBe(error);
    expect(origin.loads).toHaveLength(2);
    expect(path.stats.loadsFailed).toBe(2);
  });

  it('reaches nobody who waits if it is its own caller\'s alone, however many fail', async () => {
    const readings = Array.from({ length: 4 }, () => path.read([key], origin.load));
    const results = Promise.allSettled(readings);
    const own = (n: number): Error => Object.assign(new Error(`${n}`), { isOwn: true });
    (await origin.nth(0)).fail(own(0));
    await origin.nth(3);
    origin.loads[1]?.fail(own(1));
    origin.loads[2]?.fail(own(2));
    origin.loads[3]?.answer([fillOf('A')]);
    const ends = (await results).map((one) =>
      (one.status === 'rejected' ? String(one.reason) : told(one.value)[0]));
    expect(ends).toEqual(['Error: 0', 'Error: 1', 'Error: 2', 'A loaded']);
  });

  it('fails only its own reading, where another waits for one of its keys', async () => {
    const [a, b, c] = keys;
    const one = path.read([a, b], origin.load);
    await origin.nth(0);
    const two = path.read([b, c], origin.load);
    await origin.nth(1);
    const failed = expect(one).rejects.toBe(error);
    origin.loads[0]?.fail(error);
    origin.loads[1]?.answer([fillOf('C')]);
    await failed;
    const again = await origin.nth(2);
    expect(again.missing).toEqual([0]);
    again.answer([fillOf('B')]);
    expect(told(await two)).toEqual(['B loaded', 'C loaded']);
  });

  it('is one that gives too few fills', async () => {
    await expect(path.read(keys, loading(fillOf('A')))).rejects.toThrow('one fill for each key');
    await expect(path.read([key], loading(fillOf('A', { ttlMs: Number.POSITIVE_INFINITY }))))
      .rejects.toThrow('a TTL is finite');
  });

  it('fails nobody who found all else in the cache and waits for nothing', async () => {
    await path.read(keys, async (missing) => missing.map((n) => fillOf(`${n}`)));
    expect(await path.read(keys, never)).toHaveLength(5);
  });
});

describe('a load that an invalidation overtakes', () => {
  it('gives its value to who loads, and is not kept', async () => {
    const reading = path.read([key], origin.load);
    const load = await origin.nth(0);
    node.invalidate(2, 'user:1');
    load.answer([fillOf('old')]);
    const [outcome] = await reading;
    expect(outcome).toMatchObject({ how: 'loaded', stored: false, entry: undefined });
    expect(node.tiers.peek(key)).toBeUndefined();
    expect(l2.writes).toBe(0);
  });

  it('is loaded anew by who waits, once for all of them', async () => {
    const readings = Array.from({ length: 10 }, () => path.read([key], origin.load));
    const load = await origin.nth(0);
    node.invalidate(2, 'user:1');
    const later = path.read([key], origin.load);
    load.answer([fillOf('old')]);
    (await origin.nth(1)).answer([fillOf('new')]);
    const texts = (await Promise.all([...readings, later])).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['old loaded', 'new loaded', ...Array(9).fill('new coalesced')]);
    expect(told(await path.read([key], never))).toEqual(['new l1']);
    expect(path.stats.landingsRefused).toBe(10);
  });

  it('is handed out where the invalidation concerns something else', async () => {
    const readings = [path.read([key], origin.load), path.read([key], origin.load)];
    const load = await origin.nth(0);
    node.invalidate(2, 'user:2');
    load.answer([fillOf('A')]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A loaded', 'A coalesced']);
  });

  it('is stamped after L2 was asked: what came before the load does not concern it', async () => {
    const held = new HeldStore(l2);
    const slow = new Node({ clock: node.clock, l2: held });
    const slowPath = pathOf(slow);
    const reading = slowPath.read([key], loading(fillOf('new')));
    await settle();
    slow.invalidate(2, 'user:1');
    held.letGo();
    expect((await reading)[0]).toMatchObject({ stored: true, entry: { stamp: place(2) } });
  });

  it('is followed by others as often as it takes, up to three; then each loads alone', async () => {
    const readings = Array.from({ length: 5 }, () => path.read([key], origin.load));
    for (let n = 0; n < 3; n += 1) {
      const load = await origin.nth(n);
      node.invalidate(n + 2, 'user:1');
      load.answer([fillOf(`${n}`)]);
    }
    await origin.nth(4);
    expect(origin.loads).toHaveLength(5);
    for (const [n, load] of origin.loads.entries()) load.answer([fillOf(`${n}`)]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['0 loaded', '1 loaded', '2 loaded', '3 loaded', '4 loaded']);
  });

  it('by a purge of all, of a branch, or ahead of its turn, is not kept either', async () => {
    const purges = [
      () => node.horizon.advance(place(2), [{ kind: 'all' }]),
      () => node.horizon.advance(place(3), [{ kind: 'below', tag: tag('user') }]),
      () => node.horizon.markNow([{ kind: 'tag', tag: tag('user:1') }]),
      () => node.horizon.forget(place(9)),
    ];
    for (const [n, purge] of purges.entries()) {
      const reading = path.read([key], origin.load);
      const load = await origin.nth(n);
      purge();
      load.answer([fillOf('old')]);
      expect((await reading)[0]?.stored).toBe(false);
    }
    expect([node.l1.size, l2.writes]).toEqual([0, 0]);
  });

  it('is as old as the oldest of its parts to a node that cannot hear the log', async () => {
    const deaf = new Node({ l2, maxStalenessMs: 500 });
    deaf.clock.advance(1_000);
    const deafPath = pathOf(deaf);
    const loaded = await deafPath.read([key], loading(fillOf('whole', { readAt: 700 })));
    expect(loaded[0]?.entry).toMatchObject({ readAt: 700, staleAt: 61_000 });
    deaf.hearing.heard = false;
    deaf.clock.advance(199);
    expect(told(await deafPath.read([key], never))).toEqual(['whole l1']);
    deaf.clock.advance(1);
    expect(told(await deafPath.read([key], loading(fillOf('anew'))))).toEqual(['anew loaded']);
  });

  it('while the log cannot be heard is neither kept nor shared, if told so', async () => {
    const deaf = new Node({ l2, maxStalenessMs: 0 });
    deaf.hearing.heard = false;
    const deafPath = pathOf(deaf);
    const readings = [deafPath.read([key], origin.load), deafPath.read([key], origin.load)];
    (await origin.nth(0)).answer([fillOf('A')]);
    (await origin.nth(1)).answer([fillOf('B')]);
    const texts = (await Promise.all(readings)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A loaded', 'B loaded']);
    expect(l2.writes).toBe(0);
  });
});
