/** What depends on a tag, and what has purged it. */
import type { Explainer, Held } from '../../gateway/explaining/explainer.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { invalidRequest } from '../../gateway/http/refusal.ts';
import type { Owner } from '../traffic/answer-owners.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { key } from './answers.ts';
import { tagAnswer, type TagDependants } from './dashboard-answers.ts';
import { entryOf, logOf, recordOf } from './explain-answers.ts';
import type { Route } from './route.ts';

export interface TagRoutesOptions {
  /** Throws STARTING. */
  readonly explainer: () => Pick<Explainer, 'dependants'>;
  readonly clock: Clock;
  readonly traffic: Pick<Traffic, 'ownerOf'>;
  /** What the other processes of the machine hold in memory of it. */
  readonly heldElsewhere: (key: string) => Promise<readonly Held[]>;
}

const ENTRIES_SHOWN_MAX = 100;
const PURGES_SHOWN_MAX = 20;

export function tagRoutes(options: TagRoutesOptions): Route[] {
  const { explainer, clock, traffic, heldElsewhere } = options;
  return [{
    method: 'get', path: '/admin/tags/:tag{.+}', access: 'read',
    summary: 'What depends on a tag in memory and in Redis, and its last purges.',
    parameters: { tag: 'A cache key or a tag, user:123, percent-encoded.' },
    answer: tagAnswer, refusals: ['MESSAGE_INVALID', 'MESSAGE_TOO_LARGE', 'TAG_INVALID'],
    async handle(asked): Promise<TagDependants> {
      const parsed = key.safeParse(asked.parameter('tag'));
      if (!parsed.success) throw invalidRequest('Path: a key without a star', 'another text');
      const [told, others] = await Promise.all([
        explainer().dependants(parsed.data, PURGES_SHOWN_MAX), heldElsewhere(parsed.data),
      ]);
      const { endings } = told;
      const held = [told, ...others];
      return {
        key: parsed.data,
        tags: [...told.tags],
        l1: held.reduce((sum, { inMemory }) => sum + inMemory, 0),
        l2: told.inRedis ?? null,
        below: held.reduce((sum, { below }) => sum + below, 0),
        complete: held.every(({ isComplete }) => isComplete),
        entries: told.sightings.slice(0, ENTRIES_SHOWN_MAX).map((one) => ({
          ...entryOf(one, { endings, clock }),
          operation: operationOf(traffic.ownerOf(one.key.id)),
          bytes: one.entry?.value.byteLength ?? 0,
        })),
        last_purges: told.purges.map(recordOf),
        log: logOf(told.log),
      };
    },
  }];
}

function operationOf(owner: Owner | undefined): TagDependants['entries'][number]['operation'] {
  return owner === undefined ? null : { id: owner.id, name: owner.name ?? null };
}
