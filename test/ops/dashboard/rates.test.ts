import { describe, expect, it } from 'vitest';
import type { Figures } from '../../../src/ops/admin/dashboard-answers.ts';
import { minutesOf, niceMax, pathOf } from '../../../src/ops/dashboard/parts/plot.ts';
import {
  hitShare, outcomeRows, perSecond, rateLine, SNAPSHOTS_MAX, spanOf, typeRows, valueLine,
  withSnapshot,
} from '../../../src/ops/dashboard/rates.ts';

/** At so many seconds, with so many hits and misses in all. */
function snapshot(seconds: number, hits: number, misses: number): Figures {
  return {
    at: new Date(seconds * 1_000).toISOString(),
    requests: {
      total: hits + misses,
      by_outcome: {
        hit_l1: hits, hit_l2: 0, partial: 0, miss: misses, bypass: 0, stale: 0, coalesced: 0,
        error: 0, refused: 0,
      },
    },
    latency: { p50_ms: seconds === 1 ? null : 2 },
    types: [{ type: 'post', hits, misses }],
  } as unknown as Figures;
}

const three = [snapshot(0, 0, 100), snapshot(1, 10, 110), snapshot(2, 40, 110)];

describe('a span of snapshots', () => {
  it('is as long as was asked for, or as there are snapshots', () => {
    expect(spanOf(three, 1_000)).toMatchObject({ seconds: 1, from: three[1], to: three[2] });
    expect(spanOf(three, 60_000)).toMatchObject({ seconds: 2, from: three[0] });
    expect(spanOf(three.slice(0, 1), 1_000)).toBeUndefined();
    expect(spanOf([], 1_000)).toBeUndefined();
  });

  it('gives rates and shares of what came in it, not of all since the start', () => {
    const span = spanOf(three, 60_000);
    expect(perSecond(span, ({ requests }) => requests.total)).toBe(25);
    expect(hitShare(span)).toBeCloseTo(0.8);
    expect(hitShare(spanOf([three[0]!, three[0]!], 1_000))).toBeUndefined();
    const rows = outcomeRows(three[2]!, span);
    expect(rows.find(({ outcome }) => outcome === 'hit_l1'))
      .toEqual({ outcome: 'hit_l1', total: 40, perSecond: 20, share: 0.8 });
    expect(typeRows(three[2]!, span))
      .toEqual([{ type: 'post', hits: 40, misses: 110, share: 0.8, perSecond: 25 }]);
  });

  it('falls back on all since the start where nothing came in it', () => {
    const still = [three[2]!, { ...three[2]!, at: new Date(3_000).toISOString() }];
    const [row] = typeRows(still[1]!, spanOf(still, 60_000));
    expect(row?.share).toBeCloseTo(40 / 150);
  });
});

describe('snapshots', () => {
  it('begin anew where a count fell, since another process counts then', () => {
    expect(withSnapshot(three, snapshot(3, 1, 0))).toHaveLength(1);
    expect(withSnapshot(three, snapshot(3, 50, 110))).toHaveLength(4);
  });

  it('are kept for five minutes', () => {
    let kept: readonly Figures[] = [];
    for (let second = 0; second < 1_000; second += 1) {
      kept = withSnapshot(kept, snapshot(second, second, 0));
    }
    expect(kept).toHaveLength(SNAPSHOTS_MAX);
  });
});

describe('lines', () => {
  it('are of the seconds between snapshots, and of those that have the value', () => {
    expect(rateLine(three, ({ requests }) => requests.total))
      .toEqual([{ at: -1, value: 20 }, { at: 0, value: 30 }]);
    expect(valueLine(three, ({ latency }) => latency.p50_ms).map(({ at }) => at)).toEqual([-2, 0]);
  });

  it('stand in a chart whose top is easily read', () => {
    expect([0, 0.7, 1, 23, 101, 5_900].map(niceMax)).toEqual([1, 0.8, 1, 30, 150, 6_000]);
    const scale = { top: 10, minutes: 5 };
    expect(pathOf([{ at: -300, value: 0 }, { at: 0, value: 10 }], scale))
      .toEqual({ line: 'M0 160L600 0', begin: 0 });
    expect(pathOf([{ at: 0, value: 1 }], scale)).toBeUndefined();
  });

  it('have as many minutes as there are, up to five', () => {
    const since = (seconds: number) => [[{ at: -seconds, value: 1 }], []];
    expect([0, 5, 60.4, 61.5, 200, 900].map((seconds) => minutesOf(since(seconds))))
      .toEqual([1, 1, 1, 2, 4, 5]);
  });
});
