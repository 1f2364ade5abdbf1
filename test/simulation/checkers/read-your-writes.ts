/**
 * Whoever has written reads what they wrote: on the node that answered the write at once, and on
 * any node where they send the position that the write got. Who purges softly has asked for less,
 * and nobody reads of an origin what a lagging replica does not show yet.
 */
import type { Checker, CheckerContext, OwnWrite } from './checker.ts';
import { dueOf } from './lagging.ts';

export function readYourWrites({ ledger, origin, report }: CheckerContext): Checker {
  const writesOf = new Map<number, OwnWrite[]>();
  return {
    wrote(write) {
      writesOf.set(write.client, [...(writesOf.get(write.client) ?? []), write]);
    },
    answered({ client, node, request }, { parts }) {
      for (const write of writesOf.get(client) ?? []) {
        if (write.answeredAt >= request.arrivedAt) continue;
        const { position: sent } = request;
        const isHome = write.node === node;
        const isSent = write.position !== undefined && sent !== undefined
          && sent >= write.position && !ledger.isExcused(write.position, write.covers);
        if (!isHome && !isSent) continue;
        for (const { tag, version, isSoft, isTold } of write.covers) {
          if (isSoft) continue;
          const due = { version, told: isTold ? version : 0 };
          for (const leaf of parts.flatMap(({ leaves }) => leaves)) {
            const got = leaf.versions[tag];
            if (got === undefined || got >= dueOf(leaf, tag, { due, origin })) continue;
            const where = isHome ? 'the same node' : 'another node, with its position';
            report(`client ${client} wrote version ${version} of ${tag}, and read ${got}`
              + ` on ${where} (${node.name}, ${leaf.part}, ${leaf.how})`);
          }
        }
      }
    },
  };
}
