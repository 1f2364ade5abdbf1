import { describe, expect, it } from 'vitest';
import { GraphQLError, type ExecutionResult } from 'graphql';
import { Auditor, type AuditorOptions } from '../../../src/gateway/caching/auditor.ts';
import { entryOf } from '../../../src/cache/fill.ts';
import { Horizon } from '../../../src/invalidation/horizon.ts';
import { positionOf } from '../../../src/invalidation/position.ts';
import { entityTag } from '../../../src/invalidation/tag.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const TAG = entityTag('User', '1');
const GRACE_MS = 1_000;

function open(options: Partial<AuditorOptions> = {}) {
  const clock = new ManualClock();
  const horizon = new Horizon();
  horizon.advance(positionOf(1, 0), []);
  const auditor = new Auditor({
    share: 1, perSecondMax: 100, private: false, graceMs: GRACE_MS,
    horizon, hearing: { hears: () => true }, clock, random: () => 0, ...options,
  });
  const value = Buffer.from('{"data":{"user":{"name":"old","id":"1"}}}');
  const fill = { value, tags: [TAG], ttlMs: 60_000, shareable: true };
  const loaded = { stamp: horizon.position, beganAt: clock.now(), loadMs: 1 };
  const entry = entryOf(fill, loaded, () => 0);
  return {
    clock, horizon, auditor,
    audit(reread: () => Promise<ExecutionResult>) {
      auditor.audit({ entry, isOwn: false, reread });
    },
    /** Until all that is under way has come to its verdict. */
    settle: () => clock.advanceAsync(GRACE_MS),
  };
}

const answering = (name: string) => (): Promise<ExecutionResult> =>
  Promise.resolve({ data: { user: { id: '1', name } } });

describe('an auditor', () => {
  it('reports what changed untold, and how old what was served was', async () => {
    const { auditor, audit, clock, settle } = open();
    await clock.advanceAsync(7_000);
    audit(answering('new'));
    await settle();
    expect(auditor.stats).toMatchObject({
      audited: 1, stale: 1, changedMeanwhile: 0, staleAge: { count: 1, maxMs: 7_000 },
    });
  });

  it('finds nothing where the origin says the same, in whichever order', async () => {
    const { auditor, audit, settle } = open();
    audit(answering('old'));
    await settle();
    expect(auditor.stats).toMatchObject({ audited: 1, stale: 0, changedMeanwhile: 0 });
  });

  it('compares what is sent, not what stands for it in memory', async () => {
    const { auditor, audit, settle } = open();
    const name = { toJSON: () => 'old' };
    audit(() => Promise.resolve({ data: { user: { name, id: '1', left: undefined } } }));
    await settle();
    expect(auditor.stats).toMatchObject({ audited: 1, stale: 0 });
  });

  it('does not call stale what was invalidated while it looked', async () => {
    const { auditor, audit, horizon, settle } = open();
    audit(async () => {
      horizon.mark(positionOf(2, 0), [{ kind: 'tag', tag: TAG }]);
      return answering('new')();
    });
    await settle();
    expect(auditor.stats).toMatchObject({ audited: 1, stale: 0, changedMeanwhile: 1 });
  });

  it('waits for the news of a change before it calls anything stale', async () => {
    const { auditor, audit, clock, horizon, settle } = open();
    audit(answering('new'));
    await clock.advanceAsync(GRACE_MS - 1);
    expect(auditor.stats).toMatchObject({ audited: 0, stale: 0 });
    horizon.mark(positionOf(2, 0), [{ kind: 'tag', tag: TAG }]);
    await settle();
    expect(auditor.stats).toMatchObject({ stale: 0, changedMeanwhile: 1 });
  });

  it('is not put off by news of something else', async () => {
    const { auditor, audit, horizon, settle } = open();
    audit(async () => {
      horizon.mark(positionOf(2, 0), [{ kind: 'tag', tag: entityTag('User', '2') }]);
      return answering('new')();
    });
    await settle();
    expect(auditor.stats).toMatchObject({ stale: 1, changedMeanwhile: 0 });
  });

  it('blames nobody where the log cannot be heard', async () => {
    const { auditor, audit, settle } = open({ hearing: { hears: () => false } });
    audit(answering('new'));
    await settle();
    expect(auditor.stats).toMatchObject({ stale: 0, changedMeanwhile: 1 });
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('down'))],
    ['has errors', () => Promise.resolve({ errors: [new GraphQLError('down')], data: null })],
  ])('counts a second reading that %s, and goes on', async (_, reread) => {
    const { auditor, audit, settle } = open();
    audit(reread);
    audit(answering('old'));
    await settle();
    expect(auditor.stats).toMatchObject({ failed: 1, audited: 1, stale: 0 });
  });

  it('keeps to its rate, and counts what it leaves out', async () => {
    const { auditor, audit, clock, settle } = open({ perSecondMax: 2 });
    for (let n = 0; n < 5; n += 1) audit(answering('old'));
    await clock.advanceAsync(500);
    for (let n = 0; n < 5; n += 1) audit(answering('old'));
    await settle();
    expect(auditor.stats).toMatchObject({ audited: 3, skipped: 7 });
  });

  it('has no more than ten readings under way, however long they take', () => {
    const { auditor, audit } = open();
    for (let n = 0; n < 12; n += 1) audit(() => new Promise(() => undefined));
    expect(auditor.stats.skipped).toBe(2);
  });

  it('picks the share that it is told to, and what is own only where it is asked to', () => {
    const draws = [0.1, 0.3, 0.2, 0.25];
    const { auditor } = open({ share: 0.25, random: () => draws.shift() ?? 1 });
    expect(auditor.picks({ isOwn: true })).toBe(false);
    expect([1, 2, 3, 4].map(() => auditor.picks({ isOwn: false })))
      .toEqual([true, false, true, false]);
    expect(open({ private: true }).auditor.picks({ isOwn: true })).toBe(true);
    expect(open({ share: 0 }).auditor.picks({ isOwn: false })).toBe(false);
  });

  it('leaves nothing behind when it is closed', async () => {
    const { auditor, audit, clock } = open();
    audit(answering('new'));
    await clock.advanceAsync(1);
    auditor.close();
    await clock.advanceAsync(0);
    expect(clock.pending).toBe(0);
    expect(auditor.stats).toMatchObject({ audited: 0, stale: 0 });
  });
});
