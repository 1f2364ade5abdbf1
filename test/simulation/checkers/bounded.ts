/** Memory is bounded: what a node holds never exceeds the limits that it was given. */
import type { Checker, CheckerContext } from './checker.ts';

/** More types than the writers know, once widened. */
const WIDENED_MAX = 65;

export function bounded({ report }: CheckerContext): Checker {
  return {
    inspect({ name, l1, node, limits, readPath }) {
      const { marks, outbox } = node.stats;
      const { marksMax, patternsMax } = limits.horizon;
      const bounds = {
        'bytes of L1': [l1.bytes, limits.l1.bytesMax],
        'entries of L1': [l1.size, limits.l1.entriesMax],
        'marks of the horizon': [marks, 2 * (marksMax + patternsMax)],
        'messages kept': [outbox, limits.outboxRecordsMax + WIDENED_MAX],
        'flights': [readPath.flights, 10_000],
      } as const;
      for (const [what, [got, max]] of Object.entries(bounds)) {
        if (got > max) report(`${name} holds ${got} ${what}, of at most ${max}`);
      }
      node.horizon.assertInvariants();
    },
  };
}
