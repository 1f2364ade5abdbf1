/** What watchers are told of a record of the log: one shape, checked and documented from here. */
import { z } from 'zod';
import type { LogRecord } from '../../invalidation/log.ts';
import { cascadeOf, entityTypeName } from '../../invalidation/message.ts';
import { formatPosition, loggedMsOf } from '../../invalidation/position.ts';
import { readSwitching } from '../../invalidation/switching.ts';
import { entityTag } from '../../invalidation/tag.ts';

/** As many as are shown of the keys, and of the characters of a text. */
const KEYS_SHOWN_MAX = 100;
const TEXT_LENGTH_MAX = 1_024;

const text = z.string().nullable();

export const purgeEvent = z.strictObject({
  position: z.string().meta({ description: 'Its place in the log, as Freshet-Position.' }),
  action: z.enum(['Delete', 'Update', 'Batch', 'Pattern']),
  keys: z.array(z.string()).meta({ description: `At most ${KEYS_SHOWN_MAX}.` }),
  keys_count: z.int().min(0).meta({ description: 'How many there are.' }),
  pattern: text,
  cascade: z.array(z.string())
    .meta({ description: `Patterns that it takes along; at most ${KEYS_SHOWN_MAX}.` }),
  created: z.boolean(),
  soft: z.boolean(),
  entries: z.int().min(0).nullable().meta({
    description: 'Entries in memory of this node that carried what it purges; they go when they ' +
      'are next asked for. Null where they were not counted: many purges came at once.',
  }),
  caching: z.enum(['on', 'off']).nullable()
    .meta({ description: 'It switches caching, and is no purge.' }),
  caching_type: text,
  source: z.string(),
  actor: text,
  reason: text,
  request_id: text,
  triggered_by: text,
  logged_at: z.iso.datetime().meta({ description: 'When the log took it, by its clock.' }),
  timestamp: z.string().meta({ description: 'In the message, as its sender wrote it.' }),
});
export type PurgeEvent = z.output<typeof purgeEvent>;

/** `entries`: undefined where they were not counted. */
export function eventOf({ position, message }: LogRecord, entries?: number): PurgeEvent {
  const { metadata } = message;
  const keys = keysOf(message);
  const switching = readSwitching(message);
  return {
    position: formatPosition(position),
    action: message.action,
    keys: keys.slice(0, KEYS_SHOWN_MAX).map(shown),
    keys_count: keys.length,
    pattern: message.action === 'Pattern' ? textOf(message.pattern) : null,
    cascade: cascadeOf(metadata).slice(0, KEYS_SHOWN_MAX).map(shown),
    created: metadata?.created === true,
    soft: metadata?.soft === true,
    entries: entries ?? null,
    caching: switching?.state ?? null,
    caching_type: switching?.type ?? null,
    source: shown(message.source_service),
    actor: textOf(metadata?.actor),
    reason: textOf(metadata?.reason),
    request_id: textOf(metadata?.request_id),
    triggered_by: textOf(metadata?.['triggered_by']),
    logged_at: new Date(loggedMsOf(position)).toISOString(),
    timestamp: shown(message.timestamp),
  };
}

function keysOf(message: LogRecord['message']): readonly string[] {
  const { action, entity_type: type, entity_id: id, entity_ids: keys } = message;
  if (action === 'Batch') return keys ?? [];
  if (action === 'Pattern' || id === null) return [];
  return [entityTag(entityTypeName(type), id)];
}

/** Foreign services may have put anything there. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? shown(value) : null;
}

function shown(value: string): string {
  return value.slice(0, TEXT_LENGTH_MAX).toWellFormed();
}
