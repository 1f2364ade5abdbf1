/**
 * After faults end, all comes right within a bound: every node hears, stands where the others do,
 * owes the log nothing, and answers the truth, from its memory where it was just asked.
 */
import type { Tag } from '../../../src/invalidation/tag.ts';
import type { Checker, CheckerContext } from './checker.ts';

export function converges({ fleet, origin, report }: CheckerContext): Checker {
  return {
    settled(node, again) {
      const { name, readPath } = node;
      if (!node.hears(node.clock.now())) report(`${name} does not hear the log again`);
      if (node.node.stats.outbox > 0) report(`${name} still keeps messages`);
      if (readPath.flights > 0) report(`${name} still loads something that nobody asked for`);
      if (fleet.nodes.some(({ position }) => position !== node.position)) {
        report(`${name} does not stand where the others do`);
      }
      for (const { parts } of again) {
        for (const { part, how, versions } of parts) {
          for (const [tag, version] of Object.entries(versions)) {
            const truth = origin.version(tag as Tag);
            if (version === truth) continue;
            report(`${name} answers ${part.name} (${how}) with version ${version} of ${tag}`
              + ` long after ${truth} replaced it`);
          }
        }
      }
      const repeated = again.slice(-AGAIN).flatMap(({ parts }) => parts);
      // Where a log was replaced while Redis' clock was behind, nothing is kept until it is beyond.
      const { floor, position } = node;
      if (floor <= position && !repeated.some(({ how }) => how === 'l1' || how === 'l2')) {
        report(`${name} keeps nothing any more`);
      }
    },
  };
}

/** The last answers are to one query, asked again and again. */
export const AGAIN = 4;
