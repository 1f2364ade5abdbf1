import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import type { Load, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { isDueEarly } from '../../src/cache/windows.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { Origin } from './origin.ts';
import { entryOf, fillOf, Node, settle } from './samples.ts';

const key = responseKey(['a']);
let node: Node;
let path: ReadPath;
let origin: Origin;
let behind: Origin;
/** What the die shows next; 0 never loads early before the end, close to 1 always does. */
let die: number;

beforeEach(async () => {
  node = new Node();
  die = 0;
  path = node.path({ random: () => die });
  origin = new Origin();
  behind = new Origin();
  const reading = path.read([key], origin.load);
  const load = await origin.nth(0);
  node.clock.advance(10);
  load.answer([fillOf('old', { ttlMs: 100 })]);
  await reading;
});

const background = (): Load => behind.load;
const told = (outcomes: readonly Outcome[]): string[] =>
  outcomes.map(({ value, how }) => `${value.toString()} ${how}`);
const never: Load = async () => {
  throw new Error('nothing was to be loaded');
};

describe('the chance of loading early', () => {
  const share = (beta: number, now: number): number => {
    const random = seededRandom(`early ${beta} ${now}`);
    const entry = entryOf('a', { ttlMs: 1_000, loadMs: 100 });
    const due = Array.from({ length: 10_000 }, () => isDueEarly(entry, { beta, now, random }));
    return due.filter(Boolean).length / due.length;
  };

  it('is that of the paper: exp(-(time left) / (beta * time to load))', () => {
    for (const [beta, leftMs] of [[1, 300], [1, 100], [2, 300], [0.5, 100]] as const) {
      expect(share(beta, 1_000 - leftMs)).toBeCloseTo(Math.exp(-leftMs / (beta * 100)), 1);
    }
  });

  it('is next to none long before, and certain at the end', () => {
    expect(share(1, 0)).toBeLessThan(0.002);
    expect(share(1, 1_000)).toBe(1);
  });
});

describe('an entry that is due early', () => {
  beforeEach(() => {
    node.clock.advance(60);
    die = 0.99;
  });

  it('was loaded in the time that its load took', () => {
    expect(node.tiers.peek(key)?.loadMs).toBe(10);
  });

  it('is served, and loaded once behind the answer', async () => {
    const use = { background, earlyExpiry: 1 };
    const readings = Array.from({ length: 9 }, () => path.read([key], never, use));
    for (const outcomes of await Promise.all(readings)) expect(told(outcomes)).toEqual(['old l1']);
    expect(behind.loads).toHaveLength(1);
    behind.loads[0]?.answer([fillOf('new')]);
    await settle();
    expect(told(await path.read([key], never, use))).toEqual(['new l1']);
    expect(path.stats.early).toBe(1);
  });

  it('is loaded by who found it, where nobody else can; others are served', async () => {
    const first = path.read([key], origin.load, { earlyExpiry: 1 });
    expect(told(await path.read([key], never, { earlyExpiry: 1 }))).toEqual(['old l1']);
    (await origin.nth(1)).answer([fillOf('new')]);
    expect(told(await first)).toEqual(['new loaded']);
  });

  it('is served to who fails to load it', async () => {
    const reading = path.read([key], origin.load, { earlyExpiry: 1 });
    (await origin.nth(1)).fail(new Error('gone'));
    expect(told(await reading)).toEqual(['old l1']);
  });

  it('is not served to who fails to load it where it was invalidated meanwhile', async () => {
    const reading = path.read([key], origin.load, { earlyExpiry: 1 });
    const load = await origin.nth(1);
    node.invalidate(2, 'user:1');
    load.fail(new Error('gone'));
    await expect(reading).rejects.toThrow('gone');
  });

  it('is not loaded where that was not asked for, or chance says no', async () => {
    await path.read([key], never, { background });
    die = 0;
    await path.read([key], never, { background, earlyExpiry: 1 });
    expect(behind.loads).toHaveLength(0);
  });
});
