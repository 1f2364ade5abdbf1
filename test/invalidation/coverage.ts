/** What the log purges, so that a test can ask whether an invalidation is in it, or a wider one. */
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { entityTag, tagsAbove, type Tag } from '../../src/invalidation/tag.ts';
import { TestFollower } from './log-contract.ts';

export interface Coverage {
  readonly records: number;
  /** Records that purge a whole type, or everything. */
  readonly wide: number;
  covers(type: string, id: string): boolean;
}

/** Reads the log to its end. */
export async function readCoverage(redis: string): Promise<Coverage> {
  const log = new RedisLog({ redis });
  const follower = new TestFollower(log);
  const purged = new Set<string>();
  let [records, wide] = [0, 0];
  for (let isEnd = false; !isEnd;) {
    const event = await follower.next();
    if (event?.kind !== 'records') {
      isEnd = event?.kind === 'heartbeat';
      continue;
    }
    records += event.records.length;
    for (const purge of event.records.flatMap(({ message }) => purgesOf(message))) {
      if (purge.kind === 'tag') purged.add(purge.tag);
      else if (purge.kind === 'below') purged.add(`${purge.tag}:*`);
      else if (purge.kind === 'all') purged.add('*');
      if (purge.kind !== 'tag') wide += 1;
    }
  }
  follower.abort();
  await log.close();
  const covers = (tag: Tag): boolean =>
    [tag, ...tagsAbove(tag).map((above) => `${above}:*`), '*'].some((key) => purged.has(key));
  return { records, wide, covers: (type, id) => covers(entityTag(type, id)) };
}
