import { describe, expect, it } from 'vitest';
import { CachingSwitch } from '../../src/cache/caching-switch.ts';
import { collectionTag } from '../../src/invalidation/tag.ts';
import { place, tag } from './samples.ts';

const post = collectionTag('post');
const NOTHING = { all: false, types: [] };

describe('the switch', () => {
  it('is on at first, and stops everything while it is off', () => {
    const caching = new CachingSwitch();
    expect([caching.isOn, caching.stops([])]).toEqual([true, false]);
    caching.decide({ state: 'off' }, place(1));
    expect([caching.isOn, caching.stops([]), caching.fleet.all]).toEqual([false, true, true]);
    caching.decide({ state: 'on' }, place(2));
    expect([caching.isOn, caching.stops([tag('user:1')])]).toEqual([true, false]);
  });

  it('stops what depends on a type: its lists, its entities and their parts', () => {
    const caching = new CachingSwitch();
    caching.decide({ state: 'off', type: post }, place(1));
    expect(caching.isOn).toBe(true);
    for (const text of ['post', 'post:1', 'post:1:comments']) {
      expect(caching.stops([tag('user:1'), tag(text)])).toBe(true);
    }
    for (const text of ['user:1', 'posts:1', 'user:post']) {
      expect(caching.stops([tag(text)])).toBe(false);
    }
  });

  it('is off where either the fleet or the node has it off', () => {
    const caching = new CachingSwitch();
    caching.decideHere({ state: 'off' });
    caching.decide({ state: 'off' }, place(1));
    caching.decide({ state: 'on' }, place(2));
    expect([caching.isOn, caching.fleet, caching.node])
      .toEqual([false, NOTHING, { all: true, types: [] }]);
    caching.decideHere({ state: 'on' });
    expect(caching.isOn).toBe(true);
  });

  it('keeps what is off for a type apart from what is off for all', () => {
    const caching = new CachingSwitch();
    caching.decide({ state: 'off', type: post }, place(1));
    caching.decide({ state: 'off' }, place(2));
    caching.decide({ state: 'on' }, place(3));
    expect(caching.stops([post])).toBe(true);
    expect(caching.decisions()).toEqual([{ state: 'off', type: post, since: place(1) }]);
  });

  it('is not moved by what only says again what has been decided otherwise since', () => {
    const caching = new CachingSwitch();
    caching.decide({ state: 'off' }, place(1));
    caching.decide({ state: 'on' }, place(5));
    caching.decide({ state: 'off', since: place(1) }, place(6));
    expect(caching.isOn).toBe(true);
    const late = new CachingSwitch();
    late.decide({ state: 'off', since: place(1) }, place(6));
    expect([late.isOn, late.decisions()]).toEqual([false, [{ state: 'off', since: place(1) }]]);
  });

  it('stops everything where more types are off than it can remember', () => {
    const caching = new CachingSwitch();
    for (let n = 0; n < 100; n += 1) {
      caching.decide({ state: 'off', type: collectionTag(`t${n}`) }, place(n + 1));
    }
    expect(caching.isOn).toBe(true);
    caching.decide({ state: 'off', type: post }, place(2_000));
    expect(caching.isOn).toBe(false);
    caching.assertInvariants();
  });
});
