/**
 * What a check comes to. A check that could not be made is not applicable, with the reason; it is
 * never passed.
 */
import type { Millis } from '../../invalidation/clock.ts';

export type Outcome = 'pass' | 'fail' | 'not applicable';

export interface Verdict {
  readonly check: string;
  /** What was required of the cache. */
  readonly requires: string;
  readonly outcome: Outcome;
  /** One line: what was expected and got, or why it is not applicable. Empty where it passed. */
  readonly detail: string;
  readonly ms: Millis;
}

/** The cache did what it must not. */
export class Failed extends Error {}

/** The check says nothing of this cache, or could not be made. */
export class NotApplicable extends Error {}

/** @throws Failed */
export function expectEqual(what: string, { expected, got }: {
  expected: unknown;
  got: unknown;
}): void {
  const [wanted, seen] = [expected, got].map(shown);
  if (wanted !== seen) throw new Failed(`${what}: expected ${wanted}, got ${seen}`);
}

const SHOWN_LENGTH_MAX = 120;

export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= SHOWN_LENGTH_MAX ? text : `${text.slice(0, SHOWN_LENGTH_MAX)}...`;
}
