/** What is read of an origin whose replicas lag: with versions, and with a settle time. */
import { beforeEach, describe, expect, it } from 'vitest';
import { responseKey } from '../../src/cache/key.ts';
import type { Fill, Outcome, ReadPath } from '../../src/cache/read-path.ts';
import { Timeline } from '../../src/cache/timeline.ts';
import { Horizon } from '../../src/invalidation/horizon.ts';
import { ORIGIN } from '../../src/invalidation/position.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { integerBelow, seededRandom } from '../support/seeded-random.ts';
import { Origin } from './origin.ts';
import { fillOf, Node, place, purgeOf, tag } from './samples.ts';

const key = responseKey(['a']);
let node: Node;
let path: ReadPath;
let origin: Origin;

beforeEach(() => {
  node = new Node();
  path = node.path();
  origin = new Origin();
});

const told = ([outcome]: readonly Outcome[]): string =>
  `${outcome?.value.toString()} ${outcome?.how} ${outcome?.stored}`;

describe('the version of an entity', () => {
  const shows = (version: number): Partial<Fill> =>
    ({ versions: new Map([[tag('user:1'), version]]) });

  beforeEach(() => {
    node.horizon.advance(place(2), [{ kind: 'tag', tag: tag('user:1'), version: 7 }]);
  });

  it('that is lower than was told keeps the fill out of the cache', async () => {
    const reading = path.read([key], async () => [fillOf('old', shows(6))]);
    expect(told(await reading)).toBe('old loaded false');
    expect(node.tiers.stats.refused.outdated).toBe(1);
    expect(node.l1.size).toBe(0);
  });

  it.each([7, 8])('that was told, or is higher, lets it in: %d', async (version) => {
    const reading = path.read([key], async () => [fillOf('new', shows(version))]);
    expect(told(await reading)).toBe('new loaded true');
  });

  it('that was not told, or of which none was told, lets it in', async () => {
    const versions = new Map([[tag('user:2'), 1]]);
    expect(told(await path.read([key], async () => [fillOf('a')]))).toBe('a loaded true');
    const other = responseKey(['b']);
    expect(told(await path.read([other], async () => [fillOf('b', { versions })])))
      .toBe('b loaded true');
  });

  it('that is lower keeps the fill from who waits: they read for themselves', async () => {
    const readings = Array.from({ length: 3 }, () => path.read([key], origin.load));
    (await origin.nth(0)).answer([fillOf('old', shows(6))]);
    (await origin.nth(1)).answer([fillOf('new', shows(7))]);
    expect((await Promise.all(readings)).map(told)).toEqual(
      ['old loaded false', 'new loaded true', 'new coalesced true']);
  });

  it('is told by soft purges as well', async () => {
    const purge = { kind: 'tag', tag: tag('user:1'), version: 9, soft: true } as const;
    node.horizon.advance(place(3), [purge]);
    expect(told(await path.read([key], async () => [fillOf('old', shows(8))])))
      .toBe('old loaded false');
  });
});

describe('a settle time', () => {
  const load = async (): Promise<readonly Fill[]> => [fillOf('A', { settleMs: 1_000 })];

  const purge = (n: number, ...tags: readonly string[]): void => {
    node.invalidate(n, ...tags);
    path.positionMoved();
  };

  beforeEach(() => {
    path.positionMoved();
    node.clock.advance(5_000);
  });

  it('keeps out what was read within it after a purge of its tags, and no longer', async () => {
    purge(2, 'user:1');
    node.clock.advance(999);
    expect(told(await path.read([key], load))).toBe('A loaded false');
    expect(node.tiers.stats.refused.unsettled).toBe(1);
    node.clock.advance(1);
    expect(told(await path.read([key], load))).toBe('A loaded true');
  });

  it('counts from the purge of its own tags alone', async () => {
    purge(2, 'user:1');
    node.clock.advance(900);
    purge(3, 'user:2');
    node.clock.advance(100);
    expect(told(await path.read([key], load))).toBe('A loaded true');
  });

  it('begins anew with each purge, soft ones as well', async () => {
    purge(2, 'user:1');
    node.clock.advance(900);
    node.horizon.advance(place(3), [{ ...purgeOf('user:1'), soft: true }]);
    path.positionMoved();
    node.clock.advance(900);
    expect(told(await path.read([key], load))).toBe('A loaded false');
  });

  it('is about when the read began, not when it ended', async () => {
    purge(2, 'user:1');
    node.clock.advance(500);
    const reading = path.read([key], origin.load);
    const held = await origin.nth(0);
    node.clock.advance(800);
    held.answer([fillOf('A', { settleMs: 1_000 })]);
    expect(told(await reading)).toBe('A loaded false');
  });

  it('lets those who wait share: they would read nothing better', async () => {
    purge(2, 'user:1');
    const readings = Array.from({ length: 3 }, () => path.read([key], origin.load));
    (await origin.nth(0)).answer([fillOf('A', { settleMs: 1_000 })]);
    expect((await Promise.all(readings)).map(told)).toEqual(
      ['A loaded false', 'A coalesced false', 'A coalesced false']);
  });

  it('keeps nothing for as long after records may have been missed', async () => {
    node.horizon.forget(place(9));
    path.positionMoved();
    node.clock.advance(999);
    expect(told(await path.read([key], load))).toBe('A loaded false');
    node.clock.advance(1);
    expect(told(await path.read([key], load))).toBe('A loaded true');
  });

  it('keeps nothing for as long after a node began to listen: who has heard?', async () => {
    node.horizon.silentUntil(place(9));
    node.horizon.advance(place(9), []);
    path.positionMoved();
    node.clock.advance(999);
    expect(told(await path.read([key], load))).toBe('A loaded false');
    node.clock.advance(1);
    expect(told(await path.read([key], load))).toBe('A loaded true');
  });

  it('is counted from the next read where nobody says that records were applied', async () => {
    node.invalidate(2, 'user:1');
    node.clock.advance(10_000);
    expect(told(await path.read([key], load))).toBe('A loaded false');
    node.clock.advance(1_000);
    expect(told(await path.read([key], load))).toBe('A loaded true');
  });
});

describe('a timeline', () => {
  it('never answers later than the truth, and within 120 ms of it while it is told', () => {
    const random = seededRandom('timeline');
    const clock = new ManualClock();
    const horizon = new Horizon();
    const timeline = new Timeline({ clock, horizon });
    const truth = [{ at: Number.NEGATIVE_INFINITY, n: 0 }];
    for (let n = 1; n <= 5_000; n += 1) {
      clock.advance(integerBelow(random, 40));
      horizon.advance(place(n), []);
      timeline.note();
      truth.push({ at: clock.now(), n });
      const asked = clock.now() - integerBelow(random, 60_000);
      const answer = timeline.positionAt(asked);
      const known = truth.findLast(({ at }) => at <= asked)?.n ?? 0;
      const cautious = truth.findLast(({ at }) => at <= asked - 120)?.n ?? 0;
      expect(answer <= place(known)).toBe(true);
      expect(answer >= (cautious === 0 ? ORIGIN : place(cautious))).toBe(true);
    }
  });
});
