/** What is invalidated, as it happens. */
import { z } from 'zod';
import { filterOf } from './event-filter.ts';
import { purgeEvent } from './purge-event.ts';
import type { PurgeEvents } from './purge-events.ts';
import type { Route } from './route.ts';

/** Control characters are in no name. */
// oxlint-disable-next-line no-control-regex
const line = z.string().min(1).max(1_024).regex(/^[^\x00-\x1f\x7f]*$/);

const query = z.strictObject({
  pattern: line.optional().meta({
    description: 'A key or a pattern, as for /invalidate/pattern: what may touch it is told.',
  }),
  source: line.optional().meta({ description: 'The source_service of the message.' }),
  action: z.enum(['Delete', 'Update', 'Batch', 'Pattern']).optional(),
});

const position = z.string().nullable();

/** The `data` of its events, by their names. */
const events = z.union([
  z.strictObject({ position: z.string() })
    .meta({ description: 'begin: what comes after this position is told.' }),
  purgeEvent.meta({ description: 'purge: a record of the log that this node has applied.' }),
  z.strictObject({ count: z.int().nullable(), from: position, to: position }).meta({
    description: 'missed: records that are not told of, because the reader was too slow, or ' +
      '(without a count) because the log had lost them.',
  }),
]);

export function eventsRoutes(purgeEvents: Pick<PurgeEvents, 'watch'>): Route[] {
  return [{
    method: 'get', path: '/admin/events', summary: 'What is invalidated, as server-sent events.',
    access: 'read', query, answer: events, mediaType: 'text/event-stream',
    refusals: ['PATTERN_INVALID', 'WATCHERS_TOO_MANY'],
    async handle({ query: asked }) {
      const stream = purgeEvents.watch(filterOf(asked as z.output<typeof query>));
      return new Response(stream, {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
      });
    },
  }];
}
