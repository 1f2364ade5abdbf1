import { describe, expect, it } from 'vitest';
import { Horizon } from '../../src/invalidation/horizon.ts';
import { readPattern } from '../../src/invalidation/pattern.ts';
import { ORIGIN, positionOf, successor, type Position } from '../../src/invalidation/position.ts';
import type { Purge } from '../../src/invalidation/purge.ts';
import type { Tag } from '../../src/invalidation/tag.ts';

const at = (sequence: number): Position => positionOf(1, sequence);
const purges = (...texts: string[]): Purge[] => texts.map((text) => readPattern(text));
const tags = (...texts: string[]): Tag[] => texts as Tag[];

/** A horizon that has applied one record for each list of purges, at 1, 2, 3 ... */
function horizonOf(...records: string[][]): Horizon {
  const horizon = new Horizon();
  records.forEach((texts, index) => horizon.advance(at(index + 1), purges(...texts)));
  return horizon;
}

describe('a horizon', () => {
  it('starts at the origin, where nothing was invalidated', () => {
    const horizon = new Horizon();
    expect(horizon.position).toBe(ORIGIN);
    expect(horizon.floor).toBe(ORIGIN);
    expect(horizon.invalidatedSince(ORIGIN, tags('user:1'))).toBe(false);
  });

  it('tells what was stamped before an invalidation from what was stamped at it', () => {
    const horizon = horizonOf(['user:1'], ['user:2'], ['user:1']);
    expect(horizon.position).toBe(at(3));
    expect(horizon.invalidatedSince(ORIGIN, tags('user:1'))).toBe(true);
    expect(horizon.invalidatedSince(at(2), tags('user:1'))).toBe(true);
    expect(horizon.invalidatedSince(at(3), tags('user:1'))).toBe(false);
    expect(horizon.invalidatedSince(at(1), tags('user:2'))).toBe(true);
    expect(horizon.invalidatedSince(at(2), tags('user:2'))).toBe(false);
    expect(horizon.invalidatedSince(ORIGIN, tags('user:3'))).toBe(false);
    expect(horizon.invalidatedSince(at(2), tags('user:3', 'user:1'))).toBe(true);
    expect(horizon.invalidatedSince(ORIGIN, [])).toBe(false);
  });

  it.each<[string, string[], string[]]>([
    ['user:1', ['user:1'], ['user', 'user:1:posts', 'user:11']],
    ['user:1:*', ['user:1:posts', 'user:1:a:b'], ['user:1', 'user:11:posts', 'user']],
    ['user:*', ['user:1', 'user:1:posts'], ['user', 'users:1']],
    ['*', ['user:1', 'post'], []],
    ['*:posts', ['user:1:posts'], ['posts', 'user:1']],
    ['/^user:\\d$/', ['user:1'], ['user:12', 'post:1']],
    ['user:%2A', ['user:%2A'], ['user:1', 'user:%2A:1']],
    ['user:%2A:*', ['user:%2A:1'], ['user:1', 'user:1:1']],
  ])('%s reaches exactly what it says', (text, reached, others) => {
    const horizon = horizonOf([text]);
    for (const tag of reached) {
      expect(horizon.invalidatedSince(ORIGIN, tags(tag)), tag).toBe(true);
      expect(horizon.invalidatedSince(at(1), tags(tag)), tag).toBe(false);
    }
    for (const tag of others) {
      expect(horizon.invalidatedSince(ORIGIN, tags(tag)), tag).toBe(false);
    }
  });

  it.each(['user:1', 'user:*', '*', '*:1', '/^user/'])(
    'counts what %s touches as invalidated while it is held, whatever the stamp',
    (text) => {
      const horizon = horizonOf(['post:1']);
      const releases = [horizon.hold(purges(text)), horizon.hold(purges(text))];
      const isHeld = (): boolean => horizon.invalidatedSince(at(99), tags('user:1'));
      expect(isHeld()).toBe(true);
      expect(horizon.invalidatedSince(at(99), [])).toBe(text === '*');
      expect(horizon.invalidatedSince(at(99), tags('post:2'))).toBe(text === '*');
      releases[0]?.();
      releases[0]?.();
      expect(isHeld()).toBe(true);
      releases[1]?.();
      expect(isHeld()).toBe(false);
    },
  );

  it('counts a record once, and never goes back', () => {
    const horizon = horizonOf(['user:1'], ['user:2']);
    horizon.advance(at(2), purges('user:3'));
    horizon.advance(at(1), purges('user:3'));
    expect(horizon.position).toBe(at(2));
    expect(horizon.invalidatedSince(ORIGIN, tags('user:3'))).toBe(false);
  });

  it('moves with a record that invalidates nothing', () => {
    const horizon = horizonOf([]);
    expect(horizon.position).toBe(at(1));
    expect(horizon.size).toBe(0);
  });
});

describe('an invalidation ahead of its turn', () => {
  it('holds for all that is read until the log has been followed to it', () => {
    const horizon = horizonOf(['post:1']);
    horizon.mark(at(5), purges('user:1'));
    expect(horizon.position).toBe(at(1));
    for (const stamp of [ORIGIN, at(1), at(4)]) {
      expect(horizon.invalidatedSince(stamp, tags('user:1'))).toBe(true);
    }
    expect(horizon.invalidatedSince(at(1), tags('user:2'))).toBe(false);
    horizon.advance(at(4), []);
    expect(horizon.invalidatedSince(horizon.position, tags('user:1'))).toBe(true);
    horizon.advance(at(5), purges('user:1'));
    expect(horizon.invalidatedSince(horizon.position, tags('user:1'))).toBe(false);
  });

  it('whose position is not known holds for all that was read so far', () => {
    const horizon = horizonOf(['post:1']);
    horizon.markNow(purges('user:1'));
    expect(horizon.position).toBe(at(1));
    expect(horizon.invalidatedSince(at(1), tags('user:1'))).toBe(true);
    horizon.advance(at(7), []);
    expect(horizon.invalidatedSince(at(1), tags('user:1'))).toBe(true);
    expect(horizon.invalidatedSince(at(7), tags('user:1'))).toBe(false);
  });

  it('of everything keeps the cache shut until the log has been followed to it', () => {
    const horizon = horizonOf([]);
    horizon.mark(at(3), purges('*'));
    expect(horizon.invalidatedSince(horizon.position, tags('user:1'))).toBe(true);
    horizon.advance(at(3), purges('*'));
    expect(horizon.invalidatedSince(horizon.position, tags('user:1'))).toBe(false);
  });

  it('that comes again, earlier or later, leaves the latest in force', () => {
    const horizon = horizonOf([]);
    for (const text of ['user:1', 'user:1:*', '*:x']) {
      horizon.mark(at(9), purges(text));
      horizon.mark(at(4), purges(text));
    }
    for (const tag of ['user:1', 'user:1:a', 'a:x']) {
      expect(horizon.invalidatedSince(at(8), tags(tag)), tag).toBe(true);
      expect(horizon.invalidatedSince(at(9), tags(tag)), tag).toBe(false);
    }
    expect(horizon.size).toBe(3);
  });
});

describe('what is forgotten is invalidated', () => {
  it('when records may be missing', () => {
    const horizon = horizonOf(['user:1'], []);
    horizon.forget(at(10));
    expect(horizon.position).toBe(at(10));
    expect(horizon.floor).toBe(at(10));
    for (const stamp of [ORIGIN, at(2), at(9)]) {
      expect(horizon.invalidatedSince(stamp, tags('never:seen'))).toBe(true);
      expect(horizon.invalidatedSince(stamp, [])).toBe(true);
    }
    expect(horizon.invalidatedSince(at(10), tags('user:1'))).toBe(false);
  });

  it.each([0, 4, 5])('when the end (%d) is not beyond the position, until a record is', (end) => {
    const horizon = horizonOf([], [], [], [], []);
    horizon.forget(at(end));
    expect(horizon.position).toBe(at(5));
    expect(horizon.invalidatedSince(at(5), tags('user:1'))).toBe(true);
    horizon.advance(successor(at(5)), purges('user:2'));
    expect(horizon.invalidatedSince(at(5), tags('user:1'))).toBe(true);
    expect(horizon.invalidatedSince(at(6), tags('user:1'))).toBe(false);
    expect(horizon.invalidatedSince(at(6), tags('user:2'))).toBe(false);
  });

  it('when there are too many tags', () => {
    const horizon = new Horizon({ marksMax: 3 });
    for (let n = 1; n <= 5; n += 1) horizon.advance(at(n), purges(`user:${n}`));
    expect(horizon.size).toBe(3);
    expect(horizon.floor).toBe(at(2));
    expect(horizon.invalidatedSince(at(1), tags('never:seen'))).toBe(true);
    expect(horizon.invalidatedSince(at(2), tags('never:seen', 'user:1', 'user:2'))).toBe(false);
    expect(horizon.invalidatedSince(at(2), tags('user:3'))).toBe(true);
  });

  it('when the texts of the tags are too long together', () => {
    const horizon = new Horizon({ marksMax: 10 });
    for (let n = 1; n <= 4; n += 1) horizon.advance(at(n), purges(`user:${n}${'x'.repeat(500)}`));
    expect(horizon.size).toBe(2);
    expect(horizon.floor).toBe(at(2));
  });

  it('when there are too many patterns', () => {
    const horizon = new Horizon({ patternsMax: 2 });
    for (let n = 1; n <= 3; n += 1) horizon.advance(at(n), purges(`*:${n}`));
    expect(horizon.size).toBe(2);
    expect(horizon.floor).toBe(at(1));
    expect(horizon.invalidatedSince(ORIGIN, tags('never:seen'))).toBe(true);
    expect(horizon.invalidatedSince(at(1), tags('a:1', 'never:seen'))).toBe(false);
    expect(horizon.invalidatedSince(at(1), tags('a:2'))).toBe(true);
    expect(horizon.invalidatedSince(at(2), tags('a:3'))).toBe(true);
  });

  it('when its regular expressions would take too long together, however few', () => {
    const horizon = new Horizon();
    for (let n = 1; n <= 9; n += 1) horizon.advance(at(n), purges(`/:(a|bc){1,15}${n}$/`));
    expect(horizon.size).toBeLessThan(9);
    expect(horizon.floor).toBe(at(9 - horizon.size));
    expect(horizon.invalidatedSince(at(9 - horizon.size), tags('user:b1'))).toBe(false);
    expect(horizon.invalidatedSince(at(8), tags('user:abc9'))).toBe(true);
  });

  it('but a tag that is invalidated again takes no second place', () => {
    const horizon = new Horizon({ marksMax: 2, patternsMax: 1 });
    for (let n = 1; n <= 20; n += 1) {
      horizon.advance(at(n), purges(n % 2 === 0 ? 'user:1' : 'user:2', '*:x'));
    }
    expect(horizon.floor).toBe(ORIGIN);
  });

  it('and moves to the end, whether it is there already or not', () => {
    const horizon = new Horizon({ marksMax: 3 });
    const told = ['user:1', 'user:2', 'user:3', 'user:3', 'user:1', 'user:4', 'user:5'];
    for (const [n, tag] of told.entries()) horizon.advance(at(n + 1), purges(tag));
    // user:2, of 2, and then user:3, of 4, had to go.
    expect(horizon.floor).toBe(at(4));
    expect(horizon.invalidatedSince(at(4), tags('user:1'))).toBe(true);
    expect(horizon.invalidatedSince(at(4), tags('user:2', 'user:3'))).toBe(false);
  });

  it('costs one write, whatever is cached below', () => {
    const horizon = horizonOf(['user:*', '*', 'user:*']);
    expect(horizon.size).toBe(1);
  });
});

describe('a soft purge', () => {
  const soft = (...texts: string[]): Purge[] =>
    purges(...texts).map((purge) => ({ ...purge, soft: true }));

  it('softens what it touches and invalidates nothing; a hard one does the reverse', () => {
    const horizon = horizonOf([]);
    horizon.advance(at(2), soft('user:1'));
    horizon.advance(at(3), purges('user:2'));
    expect(horizon.softenedSince(at(1), tags('user:1'))).toBe(true);
    expect(horizon.softenedSince(at(2), tags('user:1'))).toBe(false);
    expect(horizon.softenedSince(at(1), tags('user:2'))).toBe(false);
    expect(horizon.invalidatedSince(at(1), tags('user:1'))).toBe(false);
    expect(horizon.invalidatedSince(at(2), tags('user:2'))).toBe(true);
  });

  it('of everything raises no floor, and what may have been missed softens nothing', () => {
    const horizon = horizonOf([]);
    horizon.advance(at(2), soft('*'));
    expect(horizon.floor).toBe(ORIGIN);
    expect(horizon.softenedSince(at(1), tags('user:1'))).toBe(true);
    horizon.forget(at(9));
    expect(horizon.softenedSince(at(2), tags('user:1'))).toBe(false);
  });

  it('holds nothing while it is on its way to the log', () => {
    const horizon = horizonOf([]);
    const release = horizon.hold([...soft('user:1', '*'), ...purges('user:2')]);
    expect(horizon.invalidatedSince(at(1), tags('user:1'))).toBe(false);
    expect(horizon.invalidatedSince(at(1), tags('user:2'))).toBe(true);
    release();
    expect(horizon.invalidatedSince(at(1), tags('user:2'))).toBe(false);
  });

  it('that is forgotten softens all that was read before it', () => {
    const horizon = new Horizon({ marksMax: 2 });
    for (let n = 1; n <= 3; n += 1) horizon.advance(at(n), soft(`user:${n}`));
    expect(horizon.softenedSince(ORIGIN, tags('never:seen'))).toBe(true);
    expect(horizon.softenedSince(at(1), tags('never:seen'))).toBe(false);
    expect(horizon.invalidatedSince(ORIGIN, tags('never:seen'))).toBe(false);
  });
});

describe('the version of an entity', () => {
  const versioned = (tag: string, version: number): Purge =>
    ({ kind: 'tag', tag: tag as Tag, version });

  it('is the highest that was told, and is known from when it is marked', () => {
    const horizon = horizonOf([]);
    expect(horizon.versionOf('user:1' as Tag)).toBeUndefined();
    horizon.mark(at(9), [versioned('user:1', 7)]);
    expect(horizon.versionOf('user:1' as Tag)).toBe(7);
    horizon.advance(at(2), [versioned('user:1', 6)]);
    horizon.advance(at(3), purges('user:1', '*'));
    expect(horizon.versionOf('user:1' as Tag)).toBe(7);
    horizon.advance(at(4), [{ ...versioned('user:1', 8), soft: true }]);
    expect(horizon.versionOf('user:1' as Tag)).toBe(8);
  });

  it('is dropped where there are too many, the one told longest ago first', () => {
    const horizon = new Horizon({ versionsMax: 2 });
    for (const [n, id] of [1, 2, 1, 3].entries()) {
      horizon.advance(at(n + 1), [versioned(`user:${id}`, n)]);
    }
    const known = [1, 2, 3].map((id) => horizon.versionOf(`user:${id}` as Tag));
    expect(known).toEqual([2, undefined, 3]);
    expect(horizon.versionsDropped).toBe(1);
  });
});
