/**
 * What is shown of the snapshots that come each second: rates, shares and lines. Counts only grow
 * while a process lives; where one fell, a process began anew, and nothing is worked out across
 * that.
 */
import type { Figures } from '../admin/dashboard-answers.ts';
import type { Millis } from '../../invalidation/clock.ts';

/** How a request was answered. */
export type Outcome = keyof Figures['requests']['by_outcome'];

/** Five minutes of them. */
export const SNAPSHOTS_MAX = 301;

/** The snapshots with one more, and without those that are too many. */
export function withSnapshot(snapshots: readonly Figures[], next: Figures): readonly Figures[] {
  const last = snapshots.at(-1);
  const isAnother = last !== undefined && next.requests.total < last.requests.total;
  return isAnother ? [next] : [...snapshots, next].slice(-SNAPSHOTS_MAX);
}

/** What two snapshots tell of the time between them. */
export interface Span {
  readonly seconds: number;
  readonly from: Figures;
  readonly to: Figures;
}

/** The last `lengthMs`, or as much of it as there are snapshots of. */
export function spanOf(snapshots: readonly Figures[], lengthMs: Millis): Span | undefined {
  const to = snapshots.at(-1);
  if (to === undefined) return undefined;
  const begin = Date.parse(to.at) - lengthMs;
  // Snapshots come a little early or late.
  const from = snapshots.find(({ at }) => Date.parse(at) >= begin - 500);
  if (from === undefined || from === to) return undefined;
  return { seconds: secondsBetween(from, to), from, to };
}

export function perSecond(
  span: Span | undefined,
  of: (figures: Figures) => number,
): number | undefined {
  return span === undefined ? undefined : (of(span.to) - of(span.from)) / span.seconds;
}

/** Answered from what was kept. */
export const HITS: readonly Outcome[] = ['hit_l1', 'hit_l2', 'stale'];

/** Which could have been hits: a mutation, and what is never kept, could not. */
const LOOKED_UP: readonly Outcome[] = [...HITS, 'partial', 'miss', 'coalesced'];

/** Of the requests that the cache was asked about; undefined where there were none. */
export function hitShare(span: Span | undefined): number | undefined {
  return span && share(grown(span, HITS), grown(span, LOOKED_UP));
}

export interface OutcomeRow {
  readonly outcome: Outcome;
  readonly total: number;
  readonly perSecond: number | undefined;
  /** Of all requests in the span, or of all since the start where there were none. */
  readonly share: number | undefined;
}

export function outcomeRows(latest: Figures, span: Span | undefined): readonly OutcomeRow[] {
  const { by_outcome: totals, total: all } = latest.requests;
  const inSpan = span === undefined ? 0 : grown(span, outcomesOf(latest));
  return outcomesOf(latest).map((outcome) => ({
    outcome,
    total: totals[outcome],
    perSecond: perSecond(span, ({ requests }) => requests.by_outcome[outcome]),
    share: span !== undefined && inSpan > 0
      ? share(grown(span, [outcome]), inSpan)
      : share(totals[outcome], all),
  }));
}

export interface TypeRow {
  readonly type: string;
  readonly hits: number;
  readonly misses: number;
  /** In the span, or since the start where nobody asked for it meanwhile. */
  readonly share: number | undefined;
  readonly perSecond: number | undefined;
}

export function typeRows(latest: Figures, span: Span | undefined): readonly TypeRow[] {
  const before = new Map(span?.from.types.map((one) => [one.type, one]));
  return latest.types.map(({ type, hits, misses }) => {
    const old = before.get(type) ?? { hits: 0, misses: 0 };
    const [newHits, newMisses] = [hits - old.hits, misses - old.misses];
    const asked = span === undefined ? 0 : newHits + newMisses;
    return {
      type, hits, misses,
      share: asked > 0 ? newHits / asked : share(hits, hits + misses),
      perSecond: span && asked / span.seconds,
    };
  });
}

export interface Point {
  /** Seconds before the latest snapshot: 0 or less. */
  readonly at: number;
  readonly value: number;
}

/** A rate for each second between two snapshots. */
export function rateLine(
  snapshots: readonly Figures[],
  of: (figures: Figures) => number,
): readonly Point[] {
  return pointsOf(snapshots, (figures, before) => {
    if (before === undefined) return undefined;
    const seconds = secondsBetween(before, figures);
    return seconds > 0 ? (of(figures) - of(before)) / seconds : undefined;
  });
}

/** A value for each snapshot that has it. */
export function valueLine(
  snapshots: readonly Figures[],
  of: (figures: Figures) => number | null,
): readonly Point[] {
  return pointsOf(snapshots, (figures) => of(figures) ?? undefined);
}

export function hitsOf({ requests }: Figures): number {
  return HITS.reduce((sum, outcome) => sum + requests.by_outcome[outcome], 0);
}

function pointsOf(
  snapshots: readonly Figures[],
  valueOf: (figures: Figures, before: Figures | undefined) => number | undefined,
): readonly Point[] {
  const end = Date.parse(snapshots.at(-1)?.at ?? '');
  return snapshots.flatMap((figures, index) => {
    const value = valueOf(figures, snapshots[index - 1]);
    return value === undefined ? [] : [{ at: (Date.parse(figures.at) - end) / 1_000, value }];
  });
}

function outcomesOf({ requests }: Figures): readonly Outcome[] {
  return Object.keys(requests.by_outcome) as Outcome[];
}

function grown({ from, to }: Span, outcomes: readonly Outcome[]): number {
  return outcomes.reduce((sum, outcome) =>
    sum + to.requests.by_outcome[outcome] - from.requests.by_outcome[outcome], 0);
}

function secondsBetween(from: Figures, to: Figures): number {
  return (Date.parse(to.at) - Date.parse(from.at)) / 1_000;
}

function share(part: number, all: number): number | undefined {
  return all > 0 ? part / all : undefined;
}
