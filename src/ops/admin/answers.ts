/** What is asked of the invalidation service and what it answers: one source for all of it. */
import { z } from 'zod';
import type { DryRun } from './invalidator.ts';
import { REQUEST_ID_LENGTH_MAX } from './recent-requests.ts';

const KEYS_MAX = 1_000;
const KEY_LENGTH_MAX = 2_048;
const PATTERN_LENGTH_MAX = 1_024;

/** Control characters would spoil the lines of a log. */
// oxlint-disable-next-line no-control-regex
const line = (lengthMax: number) => z.string().min(1).max(lengthMax).regex(/^[^\x00-\x1f\x7f]*$/);

export const key = z.string().min(1).max(KEY_LENGTH_MAX).regex(/^[^*]*$/)
  .meta({ description: 'A cache key: user:123. A star in an id is written %2A.' });
export const pattern = z.string().min(1).max(PATTERN_LENGTH_MAX).meta({
  description: 'user:123, user:123:*, prefix*, *suffix, *infix*, a*b, or /RE2/; ' +
    'what matches everything is for admins.',
});
export const typeName = z.string().min(1).max(256).regex(/^[^:*/]*$/)
  .meta({ description: 'Name of a type, in any case: Post.' });

/** Members that every order may have. */
export const orderMembers = {
  triggered_by: line(200).optional().meta({ description: 'On whose behalf; kept in the log.' }),
  reason: line(500).optional().meta({ description: 'Kept in the log.' }),
  request_id: z.string().max(REQUEST_ID_LENGTH_MAX).regex(/^[\x21-\x7e]+$/).optional()
    .meta({ description: 'Asked again under the same one, nothing is done twice. Default: new.' }),
};

export const keysMember = z.array(key).min(1).max(KEYS_MAX);

/** Members of what every order is answered with. */
const recordedMembers = {
  request_id: z.string(),
  published_at: z.string().meta({ description: 'RFC 3339.' }),
  position: z.string().meta({ description: 'Its place in the log, as Freshet-Position.' }),
};

const success = z.literal(true);
const count = z.int().min(0);
const matchedKeys = z.array(z.string())
  .meta({ description: 'Of what this node holds in memory and of cache_keys; at most 1,000.' });
const matchedCount = count.meta({ description: 'How many keys match.' });

export const keyAnswer = z.strictObject({
  success, invalidated_count: count, keys: z.array(z.string()), ...recordedMembers,
});

export const patternAnswer = z.strictObject({
  success, pattern: z.string(), matched_keys: matchedKeys, invalidated_count: matchedCount,
  ...recordedMembers,
});

export const typeAnswer = z.strictObject({
  success, type: z.string(), matched_keys: matchedKeys, invalidated_count: matchedCount,
  ...recordedMembers,
});

export const allAnswer = z.strictObject({
  success, invalidated_count: matchedCount, ...recordedMembers,
});

export const dryRunAnswer = z.strictObject({
  success,
  dry_run: z.literal(true),
  purges: z.array(z.string()).meta({ description: 'What it would purge; at most 1,000.' }),
  matched_keys: matchedKeys,
  matched_count: matchedCount,
  entries: count.meta({ description: 'Entries in memory of this node that it would end.' }),
  scanned: count.meta({ description: 'Entries that were looked at.' }),
  complete: z.boolean().meta({ description: 'Whether these were all.' }),
});

export function answerDryRun({ purges, survey }: DryRun): z.output<typeof dryRunAnswer> {
  return {
    success: true,
    dry_run: true,
    purges: [...purges],
    matched_keys: [...survey.tags],
    matched_count: survey.count,
    entries: survey.entries,
    scanned: survey.scanned,
    complete: survey.complete,
  };
}
