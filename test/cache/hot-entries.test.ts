import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import type { Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { Origin } from './origin.ts';
import { fillOf, Node, place, purgeOf, settle, tag } from './samples.ts';

const keys = Array.from({ length: 15 }, (_, n) => responseKey([n]));
const [key] = keys as [typeof keys[0] & object];

let node: Node;
let path: ReadPath;
let behind: Origin;

beforeEach(() => {
  node = new Node();
  path = node.path({ hotKeysMax: 14 });
  behind = new Origin();
});

const background = (): Load => behind.load;
const use = { background, refreshHits: 3 };
const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};
const told = ([outcome]: readonly Outcome[]): string =>
  `${outcome?.value.toString()} ${outcome?.how}`;

async function loadAndUse(times: number, options: object = use): Promise<void> {
  await path.read([key], async () => [fillOf('old')], options);
  for (let n = 0; n < times; n += 1) await path.read([key], never, options);
}

async function purge(n: number, text = 'user:1'): Promise<void> {
  node.invalidate(n, text);
  path.recordsApplied();
  await settle();
}

describe('an entry that is used much', () => {
  it('is loaded again right after a purge, before anybody asks', async () => {
    await loadAndUse(3);
    await purge(2);
    expect(behind.loads).toHaveLength(1);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    expect(told(await path.read([key], never, use))).toBe('new l1');
    expect(path.stats.refreshes).toBe(1);
  });

  it('is stamped after the purge: what is loaded is kept', async () => {
    await loadAndUse(3);
    await purge(2);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    expect(node.tiers.peek(key)?.stamp).toBe(place(2));
  });

  it('is not where it was used less, or another was purged, or nobody asked for it', async () => {
    await loadAndUse(2);
    await purge(2);
    await loadAndUse(3);
    await purge(3, 'user:2');
    expect(behind.loads).toHaveLength(0);
    path = node.path();
    await loadAndUse(9, { background });
    await purge(4);
    expect(behind.loads).toHaveLength(0);
  });

  it('is counted from when it was loaded', async () => {
    await loadAndUse(3);
    await purge(2);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    await path.read([key], never, use);
    await purge(3);
    expect(behind.loads).toHaveLength(1);
  });

  it('is counted as well where it is served without a read', async () => {
    await path.read([key], async () => [fillOf('old')], use);
    const entry = node.tiers.peek(key);
    if (entry === undefined) throw new Error('an entry was required');
    for (let n = 0; n < 3; n += 1) path.used(key, entry);
    await purge(2);
    expect(behind.loads).toHaveLength(1);
  });

  it('is loaded after a soft purge as well', async () => {
    await loadAndUse(3);
    node.horizon.advance(place(2), [{ ...purgeOf('user:1'), soft: true }]);
    path.recordsApplied();
    await settle();
    expect(behind.loads).toHaveLength(1);
  });

  it('is not loaded since its time has come', async () => {
    await loadAndUse(3);
    node.clock.advance(60_000);
    await purge(2, 'user:2');
    expect(behind.loads).toHaveLength(0);
  });

  it('is not loaded twice where somebody has asked already', async () => {
    await loadAndUse(3);
    node.invalidate(2, 'user:1');
    const asked = new Origin();
    const reading = path.read([key], asked.load, use);
    await asked.nth(0);
    path.recordsApplied();
    await settle();
    expect(behind.loads).toHaveLength(0);
    asked.loads[0]?.answer([fillOf('new')]);
    expect(told(await reading)).toBe('new loaded');
  });

  it('leaves the old value to nobody when its load fails', async () => {
    await loadAndUse(3);
    await purge(2);
    behind.loads[0]?.fail(new Error('gone'));
    await settle();
    expect(told(await path.read([key], async () => [fillOf('new')], use))).toBe('new loaded');
  });
});

describe('many entries that are used much', () => {
  beforeEach(async () => {
    const fill = async (missing: readonly number[]): ReturnType<Load> =>
      missing.map((n) => fillOf(`${n}`, { tags: [tag(`user:${n}`)] }));
    await path.read(keys, fill, use);
    for (const [index, one] of keys.entries()) {
      const own = { ...use, background: () => () => behind.load([index]) };
      for (let n = 0; n < 3; n += 1) await path.read([one], never, own);
    }
    node.horizon.advance(place(2), [{ kind: 'all' }]);
    path.recordsApplied();
    await settle();
  });

  it('are loaded a few at a time, the one not used for longest left out', async () => {
    expect(behind.loads).toHaveLength(10);
    for (let n = 0; n < behind.loads.length; n += 1) {
      behind.loads[n]?.answer([fillOf('new')]);
      await settle();
    }
    expect(behind.loads.map(({ missing }) => missing[0])).toEqual(
      Array.from({ length: 14 }, (_, n) => 14 - n));
  });
});
