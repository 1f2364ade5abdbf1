/** One load in the fleet at a time: nodes that share L2 and a lock. */
import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import type { LoadLock } from '../../src/cache/load-lock.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import type { Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { MemoryLoadLock } from './memory-load-lock.ts';
import { Origin } from './origin.ts';
import { fillOf, Node, settle } from './samples.ts';

const LEASE_MS = 1_000;
const keys = ['a', 'b', 'c'].map((name) => responseKey([name]));
const [key] = keys as [typeof keys[0] & object];
const locked = { lockMs: LEASE_MS };

let clock: ManualClock;
let lock: LoadLock;
let nodes: readonly Node[];
let here: ReadPath;
let there: ReadPath;
let origin: Origin;

beforeEach(() => {
  clock = new ManualClock();
  lock = new MemoryLoadLock(clock);
  const l2 = new MemoryStore({ clock });
  nodes = [new Node({ clock, l2 }), new Node({ clock, l2 })];
  [here, there] = nodes.map((node) => node.path({ lock })) as [ReadPath, ReadPath];
  origin = new Origin();
  return () => expect([here.flights, there.flights]).toEqual([0, 0]);
});

const told = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map(({ value, how }) => `${value.toString()} ${how}`);
const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};

/** Lets waiting nodes look as often as they do in so long. */
async function pass(ms: number): Promise<void> {
  await settle();
  await clock.advanceAsync(ms);
  await settle();
}

describe('a load under a lock', () => {
  it('is done by one node; the other finds in L2 what it stored', async () => {
    const first = here.read([key], origin.load, locked);
    await origin.nth(0);
    const second = there.read([key], never, locked);
    await pass(300);
    origin.loads[0]?.answer([fillOf('A')]);
    expect(told(await first)).toEqual(['A loaded']);
    await pass(50);
    expect(told(await second)).toEqual(['A l2']);
    expect(there.stats).toMatchObject({ lockWaits: 1, lockHits: 1, loads: 0 });
  });

  it('is done by both without it', async () => {
    const readings = [here.read([key], origin.load), there.read([key], origin.load)];
    await origin.nth(1);
    for (const load of origin.loads) load.answer([fillOf('A')]);
    await Promise.all(readings);
    expect(origin.loads).toHaveLength(2);
  });

  it('is not locked where the lock takes longer than the request has patience', async () => {
    const gate = Promise.withResolvers<void>();
    const { acquire } = lock;
    lock.acquire = async (...asked) => {
      await gate.promise;
      return acquire.apply(lock, asked);
    };
    const patience = here.patience();
    const waited = patience.wait(() => pass(20));
    await pass(20);
    await waited;
    const reading = here.read([key], async () => [fillOf('A')], { ...locked, patience });
    await pass(30);
    expect(told(await reading)).toEqual(['A loaded']);
    gate.resolve();
    await settle();
    expect(await lock.held([key])).toEqual([false]);
  });

  it('releases the lock when it has ended, however it did', async () => {
    await here.read([key], async () => [fillOf('A', { ttlMs: 0 })], locked);
    await settle();
    expect(await lock.held([key])).toEqual([false]);
    const failed = here.read([key], async () => {
      throw new Error('gone');
    }, locked);
    await expect(failed).rejects.toThrow('gone');
    await settle();
    expect(await lock.held([key])).toEqual([false]);
  });

  it('that fails is done by who waited, as soon as the lock is free', async () => {
    const first = expect(here.read([key], origin.load, locked)).rejects.toThrow('gone');
    await origin.nth(0);
    const second = there.read([key], async () => [fillOf('B')], locked);
    await settle();
    origin.loads[0]?.fail(new Error('gone'));
    await first;
    await pass(50);
    expect(told(await second)).toEqual(['B loaded']);
  });

  it('keeps nobody waiting for longer than the lease, though its owner died', async () => {
    await lock.acquire([key], 60_000);
    const reading = there.read([key], origin.load, locked);
    await pass(LEASE_MS - 1);
    expect(origin.loads).toHaveLength(0);
    await pass(1);
    (await origin.nth(0)).answer([fillOf('B')]);
    expect(told(await reading)).toEqual(['B loaded']);
  });

  it('is not done where the last owner stored it just before', async () => {
    const store = nodes[1]?.tiers;
    const lateLock: LoadLock = {
      held: (all) => lock.held(all),
      acquire: async (all, leaseMs) => {
        await there.read([key], async () => [fillOf('A')]);
        await store?.settled();
        return lock.acquire(all, leaseMs);
      },
    };
    const path = (nodes[0] as Node).path({ lock: lateLock });
    expect(told(await path.read([key], never, locked))).toEqual(['A l2']);
  });

  it('loads what it holds at once, and waits for the others meanwhile', async () => {
    const first = here.read([key], origin.load, locked);
    await origin.nth(0);
    const second = there.read(keys, origin.load, locked);
    const load = await origin.nth(1);
    expect(load.missing).toEqual([1, 2]);
    load.answer([fillOf('B'), fillOf('C')]);
    await settle();
    origin.loads[0]?.answer([fillOf('A')]);
    await first;
    await pass(50);
    expect(told(await second)).toEqual(['A l2', 'B loaded', 'C loaded']);
  });

  it('hands over nothing that an invalidation has overtaken: the rule is the fence', async () => {
    const first = here.read([key], origin.load, locked);
    await origin.nth(0);
    const second = there.read([key], async () => [fillOf('new')], locked);
    await settle();
    for (const node of nodes) node.invalidate(2, 'user:1');
    origin.loads[0]?.answer([fillOf('old')]);
    expect(told(await first)).toEqual(['old loaded']);
    await pass(50);
    expect(told(await second)).toEqual(['new loaded']);
  });

  it('wakes all on a node who wait for the node that waits', async () => {
    const first = here.read([key], origin.load, locked);
    await origin.nth(0);
    const waiting = Array.from({ length: 5 }, () => there.read([key], never, locked));
    await settle();
    origin.loads[0]?.answer([fillOf('A')]);
    await first;
    await pass(50);
    const texts = (await Promise.all(waiting)).map((outcomes) => told(outcomes)[0]);
    expect(texts).toEqual(['A l2', ...Array(4).fill('A coalesced')]);
  });

  it('is not waited for by who passes the cache by', async () => {
    await lock.acquire([key], 60_000);
    const passing = here.read([key], async () => [fillOf('A')], { ...locked, bypass: true });
    expect(told(await passing)).toEqual(['A loaded']);
  });

  it('that chance began early is left to the one who has it', async () => {
    const early = (nodes[1] as Node).path({ lock, random: () => 0.999_999 });
    await early.read([key], async () => [fillOf('A', { ttlMs: 10 })]);
    await lock.acquire([key], 60_000);
    clock.advance(9);
    expect(told(await early.read([key], never, { ...locked, earlyExpiry: 1 }))).toEqual(['A l1']);
  });
});
