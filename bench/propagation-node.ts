/** A node for `propagation.ts`: tells when the entry of an entity is no longer current. */
import { InvalidationNode } from '../src/invalidation/node.ts';

const node = new InvalidationNode({ redis: { redis: process.argv[2] ?? '' } });
const { horizon } = node;
const known = new Set<string>();
const mark = horizon.mark.bind(horizon);
// Whatever invalidates goes through it, be it heard on the channel or read from the log.
horizon.mark = (position, purges) => {
  mark(position, purges);
  for (const purge of purges) {
    if (purge.kind !== 'tag' || known.has(purge.tag)) continue;
    known.add(purge.tag);
    process.send?.({ id: purge.tag.slice('user:'.length), at: String(process.hrtime.bigint()) });
  }
};
await node.start();
process.send?.('ready');
