/** What explain answers: the form of it, and how an explanation is put into that form. */
import { z } from 'zod';
import type { Sighting } from '../../cache/inspector.ts';
import type { Ending, Search } from '../../gateway/explaining/endings.ts';
import type {
  KeyExplanation, OperationExplanation,
} from '../../gateway/explaining/explainer.ts';
import type { ExplainedPart, Rules } from '../../gateway/explaining/part-inspection.ts';
import type { Clock } from '../../invalidation/clock.ts';
import type { LogRecord } from '../../invalidation/log.ts';
import { patternText } from '../../invalidation/pattern.ts';
import { formatPosition } from '../../invalidation/position.ts';
import { purgesOf } from '../../invalidation/purges-of.ts';
import { rowOf } from '../audit/audit-row.ts';

const TAGS_SHOWN_MAX = 1_000;
const PARTS_SHOWN_MAX = 200;
const PURGES_SHOWN_MAX = 20;

const count = z.int().min(0);
const text = z.string().nullable();
const ms = z.number().nullable();

export const record = z.strictObject({
  position: z.string().meta({ description: 'Its place in the log, as in the audit.' }),
  logged_at: z.string().meta({ description: 'When the log took it, by the clock of the log.' }),
  purges: z.array(z.string()).meta({ description: 'What it purges; at most 20.' }),
  action: z.string(),
  soft: z.boolean(),
  source_service: z.string(),
  actor: text,
  reason: text,
  request_id: text,
  triggered_by: text,
});

const ending = z.strictObject({
  reason: z.enum([
    'invalidated', 'softened', 'forgotten', 'unlogged', 'expired', 'unheard', 'off', 'ahead',
    'evicted', 'oversized', 'refused', 'unkept', 'failed', 'dropped', 'absent',
  ]).meta({
    description: 'invalidated, softened: by the record. forgotten: stamped below the floor. ' +
      'unlogged: by what is not in the log yet, or not any more. refused: what was loaded last ' +
      'was not stored, see refused_as. absent: not here, and nothing is remembered of it.',
  }),
  refused_as: text.meta({ description: 'Of what was refused: what the rule said of it.' }),
  record: record.nullable(),
});

const reason = z.strictObject({
  by: z.enum(['directive', 'configuration', 'default', 'limit']).meta({
    description: 'A directive of the schema, cache.rules, cache.defaultTtlSeconds, or ' +
      'cache.maxTtlSeconds.',
  }),
  coordinate: text.meta({ description: 'The type or the field that decided.' }),
});

const rules = z.strictObject({
  ttl_ms: z.number(),
  ttl_from: reason,
  scope: z.enum(['PUBLIC', 'PRIVATE', 'UNDECLARED']),
  scope_from: reason.nullable(),
  kept_for: z.enum(['everybody', 'caller']).nullable()
    .meta({ description: 'Who else may be served it; null where it is not kept.' }),
  strategy: z.record(z.string(), z.number()).meta({ description: 'Those that are on.' }),
});

export const entry = z.strictObject({
  key: z.string().meta({ description: 'In Redis, after the prefix.' }),
  field: text.meta({ description: 'Of an entity, which is a hash: one way of asking for it.' }),
  state: z.enum(['current', 'off', 'ahead', 'invalidated', 'unheard', 'expired', 'absent']),
  tier: z.enum(['l1', 'l2']).nullable(),
  tags: z.array(z.string()),
  tags_count: count,
  stamp: text.meta({ description: 'Where the log stood when the read of the origin began.' }),
  age_ms: ms,
  ttl_ms: ms.meta({ description: 'As it was when it was stored.' }),
  ttl_left_ms: ms.meta({ description: 'Below 0 where it is over.' }),
  shortened_by: z.array(z.enum(['parts', 'token', 'jitter', 'negative'])).meta({
    description: 'What may have made the TTL less than the rules say; empty where it is not.',
  }),
  stale_while_revalidate_ms: ms,
  stale_if_error_ms: ms,
  ending: ending.nullable().meta({ description: 'Why it is not served.' }),
});

const part = z.strictObject({
  kind: z.enum(['root', 'entity']),
  subgraph: z.string(),
  name: z.string().meta({ description: 'The root fields, or the tag of the entity.' }),
  why: z.enum(['uncacheable', 'private', 'disabled']).nullable(),
  rules,
  entry: entry.nullable(),
});

const nodeMembers = {
  caching: z.enum(['on', 'off']),
  hears_log: z.boolean(),
  position: z.string(),
  floor: z.string().meta({ description: 'Entries stamped below it count as invalidated.' }),
};

export const searched = z.strictObject({
  records: count.meta({ description: 'Records that were looked at.' }),
  complete: z.boolean().meta({ description: 'Whether these were all that had to be.' }),
  reaches_back: z.boolean().meta({
    description: 'False: the log does not hold all records since the stamp any more.',
  }),
});

export const operationAnswer = z.strictObject({
  kind: z.literal('operation'),
  operation: z.enum(['query', 'mutation', 'subscription']),
  operation_name: text,
  would: z.enum(['hit', 'stale', 'miss', 'bypass']),
  why: text.meta({ description: 'Of a bypass: as the detail of Cache-Status.' }),
  authenticated: z.boolean(),
  rules,
  entry: entry.nullable(),
  parts: z.array(part).meta({ description: 'At most 200.' }),
  parts_count: count,
  parts_complete: z.boolean().meta({
    description: 'False: of what hangs on a part that is not there nothing is known.',
  }),
  log: searched,
  ...nodeMembers,
});

export const keyAnswer = z.strictObject({
  kind: z.literal('key'),
  tags: z.array(z.string()).meta({ description: 'What the key is read as.' }),
  entries: z.array(entry).meta({ description: 'What carries it here and in Redis; at most 200.' }),
  entries_count: count,
  last_invalidation: record.nullable(),
  log: searched,
  ...nodeMembers,
});

export type NodeMembers = Pick<z.output<typeof keyAnswer>, keyof typeof nodeMembers>;
export type OperationAnswer = z.output<typeof operationAnswer>;
export type KeyAnswer = z.output<typeof keyAnswer>;
export type EntryAnswer = z.output<typeof entry>;
export type RulesAnswer = z.output<typeof rules>;
export type RecordAnswer = z.output<typeof record>;

export function answerOperation(
  told: OperationExplanation,
  { node, clock }: { node: NodeMembers; clock: Clock },
): OperationAnswer {
  const { endings } = told;
  return {
    kind: 'operation',
    operation: told.operation.kind as OperationAnswer['operation'],
    operation_name: told.operation.name ?? null,
    would: told.would,
    why: told.why ?? null,
    authenticated: told.authenticated,
    rules: rulesOf(told.rules),
    entry: told.sighting === undefined
      ? null
      : entryOf(told.sighting, { endings, clock, rules: told.rules, isWhole: true }),
    parts: told.parts.slice(0, PARTS_SHOWN_MAX).map((one) => partOf(one, { endings, clock })),
    parts_count: told.parts.length,
    parts_complete: told.partsComplete,
    log: logOf(told.log),
    ...node,
  };
}

export function answerKey(
  told: KeyExplanation,
  { node, clock }: { node: NodeMembers; clock: Clock },
): KeyAnswer {
  const { endings } = told;
  const shown = told.sightings.slice(0, PARTS_SHOWN_MAX);
  return {
    kind: 'key',
    tags: [...told.tags],
    entries: shown.map((one) => entryOf(one, { endings, clock })),
    entries_count: told.count,
    last_invalidation: told.last === undefined ? null : recordOf(told.last),
    log: logOf(told.log),
    ...node,
  };
}

export interface EntryContext {
  readonly endings: ReadonlyMap<string, Ending>;
  readonly clock: Clock;
  readonly rules?: Rules;
  /** It is made of parts. */
  readonly isWhole?: boolean;
}

export function entryOf(
  { key, tier, entry: held, verdict }: Sighting,
  of: EntryContext,
): EntryAnswer {
  const ended = of.endings.get(key.id);
  const now = of.clock.now();
  const kept = held === undefined ? ABSENT : {
    tags: held.tags.slice(0, TAGS_SHOWN_MAX),
    tags_count: held.tags.length,
    stamp: formatPosition(held.stamp),
    age_ms: Math.max(0, Math.round(now - held.readAt)),
    ttl_ms: Math.round(held.ttlMs),
    ttl_left_ms: Math.round(held.staleAt - now),
    shortened_by: shortenedBy(held.ttlMs, of),
    stale_while_revalidate_ms: held.staleWhileRevalidateMs,
    stale_if_error_ms: held.staleIfErrorMs,
  };
  return {
    key: key.home,
    field: key.field ?? null,
    state: verdict ?? 'absent',
    tier: tier ?? null,
    ...kept,
    ending: ended === undefined ? null : {
      reason: ended.reason,
      refused_as: ended.verdict ?? null,
      record: ended.record === undefined ? null : recordOf(ended.record),
    },
  };
}

const ABSENT = {
  tags: [], tags_count: 0, stamp: null, age_ms: null, ttl_ms: null, ttl_left_ms: null,
  shortened_by: [], stale_while_revalidate_ms: null, stale_if_error_ms: null,
};

/** A smaller share is the time that it took to put a whole together. */
const SHORTENED_MIN = 0.01;

function shortenedBy(
  ttlMs: number,
  { rules: said, isWhole = false }: EntryContext,
): EntryAnswer['shortened_by'] {
  if (said === undefined || said.ttlMs - ttlMs < SHORTENED_MIN * said.ttlMs) return [];
  const { strategy, audience } = said;
  return [
    ...(isWhole ? ['parts' as const] : []),
    ...(audience?.shared === false ? ['token' as const] : []),
    ...(strategy.jitter > 0 ? ['jitter' as const] : []),
    ...(strategy.negativeTtlMs !== undefined ? ['negative' as const] : []),
  ];
}

function rulesOf({ ttlMs, ttl, scope, scopeFrom, strategy, audience }: Rules): RulesAnswer {
  const on = Object.entries(strategy)
    .filter(([name, value]) => (name === 'negativeTtlMs' ? value !== undefined : value > 0));
  return {
    ttl_ms: ttlMs,
    ttl_from: { by: ttl.by, coordinate: ttl.coordinate ?? null },
    scope,
    scope_from: scopeFrom === undefined
      ? null
      : { by: scopeFrom.by, coordinate: scopeFrom.coordinate ?? null },
    kept_for: audience === undefined || ttlMs <= 0 ? null
      : audience.shared ? 'everybody' : 'caller',
    strategy: Object.fromEntries(on.map(([name, value]) => [snakeCase(name), Number(value)])),
  };
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function partOf(
  { kind, subgraph, name, why, rules: said, sighting }: ExplainedPart,
  { endings, clock }: EntryContext,
): z.output<typeof part> {
  return {
    kind, subgraph, name, why: why ?? null, rules: rulesOf(said),
    entry: sighting === undefined ? null : entryOf(sighting, { endings, clock, rules: said }),
  };
}

/** As the audit tells it. */
export function recordOf(logged: LogRecord): RecordAnswer {
  const row = rowOf(logged);
  return {
    position: formatPosition(logged.position),
    logged_at: new Date(row.logged_ms).toISOString(),
    purges: purgesOf(logged.message).slice(0, PURGES_SHOWN_MAX).map(patternText),
    action: row.action,
    soft: row.soft,
    source_service: row.source_service,
    actor: row.actor,
    reason: row.reason,
    request_id: row.request_id,
    triggered_by: row.triggered_by,
  };
}

export function logOf({ records, complete, reachesBack }: Search): z.output<typeof searched> {
  return { records, complete, reaches_back: reachesBack };
}
