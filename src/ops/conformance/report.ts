/** The verdicts for people, as a table, and for programs, as JSON. */
import type { Outcome, Verdict } from './verdict.ts';

export interface Report {
  readonly targets: readonly string[];
  readonly adapter: string;
  readonly passed: number;
  readonly failed: number;
  readonly notApplicable: number;
  readonly verdicts: readonly Verdict[];
}

export function reportOf(
  { targets, adapter, verdicts }: Pick<Report, 'targets' | 'adapter' | 'verdicts'>,
): Report {
  const count = (outcome: Outcome): number =>
    verdicts.filter((verdict) => verdict.outcome === outcome).length;
  return {
    targets,
    adapter,
    passed: count('pass'),
    failed: count('fail'),
    notApplicable: count('not applicable'),
    verdicts,
  };
}

export function tableOf({ verdicts, passed, failed, notApplicable }: Report): string {
  const [checks, outcomes] = [
    width(verdicts.map(({ check }) => check)), width(verdicts.map(({ outcome }) => outcome)),
  ];
  const lines = verdicts.map(({ check, outcome, detail, requires }) =>
    `${check.padEnd(checks)}  ${outcome.padEnd(outcomes)}  ${detail || requires}`);
  const counts = `${passed} passed, ${failed} failed, ${notApplicable} not applicable`;
  return `${[...lines, '', counts].join('\n')}\n`;
}

function width(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}
