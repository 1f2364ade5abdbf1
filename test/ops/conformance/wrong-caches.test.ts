/** No check of the kit is empty: a right cache passes each, and each is failed by a wrong one. */
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import type { Adapter } from '../../../src/ops/conformance/adapter.ts';
import { CHECKS } from '../../../src/ops/conformance/checks.ts';
import { startOrigin } from '../../../src/ops/conformance/origin/origin.ts';
import { runChecks } from '../../../src/ops/conformance/run.ts';
import type { Verdict } from '../../../src/ops/conformance/verdict.ts';
import { startSmallCache, type Defect } from './small-cache.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

interface Trial {
  readonly defect?: Defect;
  /** Names; default all. */
  readonly checks?: readonly string[];
  readonly nodes?: 1 | 2;
}

async function judged({ defect, checks, nodes = 2 }: Trial): Promise<readonly Verdict[]> {
  const origin = await startOrigin({ host: '127.0.0.1', port: 0, run: 'test' });
  closers.push(() => origin.close());
  const caches = await Promise.all(Array.from({ length: nodes }, () =>
    startSmallCache(origin.url, defect)));
  closers.push(...caches.map((cache) => () => cache.stop()));
  const [first, second] = caches;
  if (first === undefined) throw new Error('one node at least');
  const adapter: Adapter = { purge: ({ id }) => first.purge(id) };
  if (second !== undefined) first.connect(second);
  return runChecks({
    checks: CHECKS.filter(({ name }) => checks?.includes(name) ?? true),
    origin,
    targets: caches.map(({ url }) => url),
    adapter: second === undefined
      ? adapter
      : { ...adapter, cut: () => second.cut(), reconnect: () => second.reconnect() },
    callers: ['Bearer one', 'Bearer two'],
    settleMs: 60,
    checkMs: 20_000,
    totalMs: 80_000,
    waitMs: 5_000,
    clock: systemClock,
    random: systemRandom,
  });
}

test('a cache that is right passes all checks', async () => {
  const verdicts = await judged({});
  expect(verdicts.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
  expect(verdicts).toHaveLength(CHECKS.length);
});

/** By defect: checks that it must not pass. */
const FAILED_BY: Record<Defect, readonly string[]> = {
  'never-purges': [
    'update', 'update-hidden-id', 'update-in-list', 'update-nested', 'delete', 'list-after-create',
    'empty-list-after-create', 'null-after-create', 'read-your-writes', 'etag', 'under-load',
    'spellings', 'private-update', 'nodes', 'replay-after-cut', 'ids', 'stale-fill',
  ],
  'keeps-nothing': ['keeps'],
  'stamps-at-the-end': [
    'stale-fill', 'stale-fill-list', 'stale-fill-null', 'stale-fill-mutation', 'stale-fill-nodes',
  ],
  'joins-any-read': ['late-reader'],
  'never-joins': ['coalescing'],
  'shares-private': [
    'private-callers', 'private-unknown', 'private-after-unknown', 'coalescing-private',
    'etag-private',
  ],
  'private-by-answer-keys': ['private-unknown'],
  'tags-by-answer': [
    'update-hidden-id', 'update-nested', 'list-after-create', 'empty-list-after-create',
    'null-after-create',
  ],
  'splits-ids': ['ids'],
  'joins-values': ['keys-apart'],
  'keys-by-text': ['spellings'],
  'keeps-errors': ['errors'],
  'etag-of-query': ['etag', 'etag-private'],
  'purges-later': ['read-your-writes'],
  'tells-no-other': ['nodes', 'stale-fill-nodes'],
  'never-replays': ['replay-after-cut'],
};

describe('a cache that', () => {
  test.each(Object.entries(FAILED_BY))('%s fails %j', async (defect, checks) => {
    const verdicts = await judged({ defect: defect as Defect, checks });
    expect(verdicts.map(({ check, outcome }) => `${check}: ${outcome}`).toSorted())
      .toEqual(checks.map((check) => `${check}: fail`).toSorted());
    for (const { detail } of verdicts) expect(detail).toMatch(/expected|required|got/);
  });
});

test('every check is failed by some cache', () => {
  const failed = new Set(Object.values(FAILED_BY).flat());
  expect(CHECKS.map(({ name }) => name).filter((name) => !failed.has(name))).toEqual([]);
});

test('what cannot be checked is not applicable, and never passed', async () => {
  const checks = ['nodes', 'stale-fill-nodes', 'replay-after-cut'];
  const alone = await judged({ nodes: 1, checks });
  expect(alone.map(({ outcome }) => outcome)).toEqual(checks.map(() => 'not applicable'));
  const kept = CHECKS.map(({ name }) => name).filter((name) => /update|create|delete/.test(name));
  const unkept = await judged({ defect: 'keeps-nothing', nodes: 1, checks: kept });
  expect(unkept.map(({ outcome }) => outcome)).toEqual(kept.map(() => 'not applicable'));
});
