/** What was answered to one caller is served to no other, unless it is PUBLIC. */
import { sessionOf } from '../queries.ts';
import type { Checker, CheckerContext } from './checker.ts';

export function privateStaysPrivate({ report }: CheckerContext): Checker {
  return {
    answered({ node, request: { caller } }, { parts }) {
      const own = sessionOf(caller) ?? null;
      for (const { part, how, owner } of parts) {
        if (owner === null || owner === own) continue;
        report(`${node.name} answered ${part.name} (${how}) of session ${owner} to session ${own}`);
      }
    },
  };
}
