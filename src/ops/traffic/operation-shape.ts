/**
 * An operation as it may be shown: in its normal form, with what callers wrote into it as literals
 * taken out, since that may be an address or a name. What differs in literals alone is one.
 */
import { Kind, parse, print, visit, type ASTNode } from 'graphql';
import type { OperationCounts } from './operation-table.ts';

/** Undefined where it cannot be parsed. */
export function shapeOf(text: string): string | undefined {
  try {
    return print(visit(parse(text, { noLocation: true }), {
      [Kind.STRING]: (): ASTNode => ({ kind: Kind.STRING, value: '' }),
      [Kind.INT]: (): ASTNode => ({ kind: Kind.INT, value: '0' }),
      [Kind.FLOAT]: (): ASTNode => ({ kind: Kind.FLOAT, value: '0' }),
      [Kind.LIST]: (): ASTNode => ({ kind: Kind.LIST, values: [] }),
    }));
  } catch {
    return undefined;
  }
}

/** An operation, of all processes and with whatever literals. */
export interface ShapedOperation extends OperationCounts {
  readonly shape: string | undefined;
}

export function byShape(rows: readonly OperationCounts[]): readonly ShapedOperation[] {
  const shapes = new Map<string, ShapedOperation>();
  for (const row of rows) {
    const shape = row.text === undefined ? undefined : shapeOf(row.text);
    const key = JSON.stringify([shape ?? row.id, row.name ?? null]);
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, { ...row, whys: { ...row.whys }, shape });
    else addTo(known, row);
  }
  return [...shapes.values()];
}

const SUMS = [
  'requests', 'hits', 'misses', 'bypasses', 'errors', 'apart', 'hitMs', 'wholeMisses', 'missMs',
  'missCalls', 'savedCalls',
] as const;

function addTo(sum: OperationCounts, row: OperationCounts): void {
  for (const name of SUMS) sum[name] += row[name];
  for (const [why, times] of Object.entries(row.whys)) {
    sum.whys[why] = (sum.whys[why] ?? 0) + times;
  }
}
