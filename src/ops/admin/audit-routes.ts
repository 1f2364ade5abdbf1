/** Who invalidated what, when, and why. */
import { z } from 'zod';
import { fault } from '../../invalidation/errors.ts';
import type { Audit } from '../audit/audit.ts';
import type { Route } from './route.ts';

const LIMIT_DEFAULT = 50;

/** Control characters are in no text that the audit finds. */
// oxlint-disable-next-line no-control-regex
const line = z.string().min(1).max(1_024).regex(/^[^\x00-\x1f\x7f]*$/);
const time = z.iso.datetime({ offset: true });

const query = z.strictObject({
  limit: z.string().regex(/^([1-9]\d{0,2}|1000)$/).optional()
    .meta({ description: `From 1 to 1000. Default ${LIMIT_DEFAULT}.` }),
  offset: z.string().regex(/^\d{1,6}$/).optional()
    .meta({ description: 'So many of the newest are passed over; at most 999999. Default 0.' }),
  pattern: line.optional().meta({
    description: 'A key, or a pattern that was invalidated; * stands for any text.',
  }),
  triggered_by: line.optional().meta({ description: 'As the order named it.' }),
  since: time.optional().meta({ description: 'RFC 3339, by the clock of the log: from here on.' }),
  until: time.optional().meta({ description: 'RFC 3339, by the clock of the log: before here.' }),
});

const count = z.int().min(0);
const text = z.string().nullable();
const texts = z.array(z.string()).nullable();

const answer = z.strictObject({
  logs: z.array(z.strictObject({
    position: z.string().meta({ description: 'Its place in the log, as Freshet-Position.' }),
    message_id: z.string(),
    action: z.string(),
    entity_type: z.string(),
    entity_id: text,
    pattern: text,
    keys: texts,
    cascade: texts,
    created: z.boolean(),
    soft: z.boolean(),
    source_service: z.string(),
    actor: text,
    reason: text,
    request_id: text,
    triggered_by: text,
    timestamp: z.string().meta({ description: 'In the message, as its sender wrote it.' }),
    logged_at: z.string().meta({ description: 'When the log took it, by the clock of the log.' }),
    recorded_at: z.string().meta({ description: 'When the audit took it.' }),
    latency_ms: z.number().nullable()
      .meta({ description: 'From timestamp to logged_at, by two clocks.' }),
  })).meta({ description: 'The newest first.' }),
  total_count: count,
  has_more: z.boolean(),
  gaps: z.array(z.strictObject({
    from: z.string(), to: z.string(), recorded_at: z.string(),
  })).meta({
    description: 'Records after `from` and up to `to` that the log had lost before the audit ' +
      'read them; in the same time, whatever else was searched for; the latest 100.',
  }),
});

export function auditRoutes(audit: Pick<Audit, 'search'> | undefined): Route[] {
  return [{
    method: 'get', path: '/audit/logs', summary: 'Searches in the audit.',
    access: 'read', query, answer, refusals: ['AUDIT_OFF', 'AUDIT_UNAVAILABLE'],
    async handle({ query: asked }) {
      if (audit === undefined) throw fault('AUDIT_OFF');
      const { limit, offset, pattern, triggered_by: triggeredBy, since, until } =
        asked as z.output<typeof query>;
      return audit.search({
        limit: Number(limit ?? LIMIT_DEFAULT),
        offset: Number(offset ?? 0),
        pattern,
        triggeredBy,
        sinceMs: since === undefined ? undefined : Date.parse(since),
        untilMs: until === undefined ? undefined : Date.parse(until),
      });
    },
  }];
}
