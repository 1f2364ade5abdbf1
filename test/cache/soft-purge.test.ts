import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import { MemoryStore } from '../../src/cache/memory-store.ts';
import type { Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { Origin } from './origin.ts';
import { entryOf, fillOf, Node, place, purgeOf, settle } from './samples.ts';

const key = responseKey(['a']);
let node: Node;
let path: ReadPath;
let behind: Origin;

beforeEach(() => {
  const shared = new Node();
  node = new Node({ clock: shared.clock, l2: new MemoryStore({ clock: shared.clock }) });
  path = node.path();
  behind = new Origin();
});

const background = (): Load => behind.load;
const told = ([outcome]: readonly Outcome[]): string =>
  `${outcome?.value.toString()} ${outcome?.how}`;
const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};
const outage: Load = async () => {
  throw Object.assign(new Error('unreachable'), { isOutage: true });
};
const soften = (n: number): void => {
  node.horizon.advance(place(n), [{ ...purgeOf('user:1'), soft: true }]);
};

describe('what a soft purge touches', () => {
  it('is past its TTL from then on, and not invalidated', () => {
    const entry = entryOf('a', { ttlMs: 1_000 });
    node.clock.advance(200);
    soften(2);
    expect(node.freshness.judge(entry)).toBe('expired');
    expect(entry.staleAt).toBe(200);
    node.clock.advance(100);
    expect(node.freshness.judge(entry)).toBe('expired');
    expect(entry.staleAt).toBe(200);
  });

  it('is served within its windows, from then on, while it is loaded anew', async () => {
    const windows = { ttlMs: 1_000, staleWhileRevalidateMs: 50 };
    await path.read([key], async () => [fillOf('old', windows)]);
    node.clock.advance(200);
    soften(2);
    expect(told(await path.read([key], never, { background }))).toBe('old stale');
    node.clock.advance(49);
    expect(told(await path.read([key], never, { background }))).toBe('old stale');
    behind.loads[0]?.answer([fillOf('new', windows)]);
    await settle();
    expect(told(await path.read([key], never, { background }))).toBe('new l1');
  });

  it('is served where the origin fails, within that window', async () => {
    await path.read([key], async () => [fillOf('old', { staleIfErrorMs: 50 })]);
    soften(2);
    expect(told(await path.read([key], outage))).toBe('old stale');
    node.clock.advance(50);
    await expect(path.read([key], outage)).rejects.toThrow('unreachable');
  });

  it('is gone where it has no window', async () => {
    await path.read([key], async () => [fillOf('old')]);
    soften(2);
    expect(told(await path.read([key], async () => [fillOf('new')], { background })))
      .toBe('new loaded');
  });

  it('has its windows once, though L2 is not told of it', async () => {
    const l2 = new MemoryStore({ clock: node.clock });
    const get = l2.get.bind(l2);
    // As from Redis: each look gives an entry of its own, as it was written.
    l2.get = (keys) => get(keys).map((entry) => entry && { ...entry });
    const shared = new Node({ clock: node.clock, l2 });
    const read = shared.path();
    const windows = { staleWhileRevalidateMs: 50 };
    await read.read([key], async () => [fillOf('old', windows)]);
    shared.horizon.advance(place(2), [{ ...purgeOf('user:1'), soft: true }]);
    const failing: Load = async () => {
      throw new Error('stated by the origin');
    };
    for (let n = 0; n < 2; n += 1) {
      const options = { background: () => failing };
      expect(told(await read.read([key], failing, options))).toBe('old stale');
      await settle();
      node.clock.advance(25);
    }
    for (let n = 0; n < 3; n += 1) {
      const reading = read.read([key], failing, { background: () => failing });
      await expect(reading).rejects.toThrow('stated by the origin');
      node.clock.advance(25);
    }
  });

  it('is renewed by no use', async () => {
    await path.read([key], async () => [fillOf('old', { ttlMs: 100, slidingMs: 5_000 })]);
    soften(2);
    expect(node.tiers.peek(key)).toBeUndefined();
    expect(node.tiers.peek(key)).toBeUndefined();
  });

  it('is gone at once with a hard purge', async () => {
    const windows = { staleWhileRevalidateMs: 50, staleIfErrorMs: 50 };
    await path.read([key], async () => [fillOf('old', windows)]);
    soften(2);
    node.invalidate(3, 'user:1');
    expect(told(await path.read([key], async () => [fillOf('new')], { background })))
      .toBe('new loaded');
  });

  it('is not what was read after it; what was read before is not kept', async () => {
    const reading = path.read([key], behind.load);
    await behind.nth(0);
    soften(2);
    behind.loads[0]?.answer([fillOf('old')]);
    expect((await reading)[0]).toMatchObject({ how: 'loaded', stored: false });
    await path.read([key], async () => [fillOf('new')]);
    expect(told(await path.read([key], never))).toBe('new l1');
  });

  it('leaves alone what carries other tags', () => {
    const entry = entryOf('a', { tags: ['user:2'] });
    soften(2);
    expect(node.freshness.judge(entry)).toBe('current');
    expect(entry.staleAt).toBe(60_000);
  });
});
