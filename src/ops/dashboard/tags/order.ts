/** A purge as the operators' listener is asked for it. */
import type { Question } from '../operators.ts';

export type Kind = 'key' | 'pattern' | 'type';

export interface Wanted {
  readonly kind: Kind;
  /** A key, a pattern, or the name of a type. */
  readonly what: string;
  readonly reason: string;
}

export function orderOf(
  { kind, what, reason }: Wanted,
  { dryRun }: { dryRun: boolean },
): [path: string, question: Question] {
  const members = {
    key: { keys: [what] }, pattern: { pattern: what }, type: { type: what },
  } as const;
  return [`invalidate/${kind}`, {
    method: 'POST',
    query: { dry_run: dryRun ? 'true' : undefined },
    body: { ...members[kind], ...(reason !== '' && { reason }), triggered_by: 'dashboard' },
  }];
}
