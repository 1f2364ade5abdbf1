/** What the audit keeps of a record. Whatever a message holds, PostgreSQL takes the row. */
import type { LogRecord } from '../../invalidation/log.ts';
import {
  cascadeOf, entityTypeName, type InvalidationMessage,
} from '../../invalidation/message.ts';
import { loggedMsOf, type Position } from '../../invalidation/position.ts';
import { readSwitching } from '../../invalidation/switching.ts';

/** What a record is about and who said it, as the columns and JSON name it. */
export interface AuditFacts {
  readonly message_id: string;
  readonly action: string;
  readonly entity_type: string;
  readonly entity_id: string | null;
  readonly pattern: string | null;
  readonly keys: readonly string[] | null;
  readonly cascade: readonly string[] | null;
  readonly created: boolean;
  readonly soft: boolean;
  readonly source_service: string;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly request_id: string | null;
  readonly triggered_by: string | null;
  /** From its sending to its logging, by two clocks; null where the first is no time. */
  readonly latency_ms: number | null;
}

export interface AuditRow extends AuditFacts {
  readonly position: Position;
  readonly sent_at: string;
  readonly logged_ms: number;
}

export function rowOf({ position, message }: LogRecord): AuditRow {
  const { metadata } = message;
  const loggedMs = loggedMsOf(position);
  const sentMs = Date.parse(message.timestamp);
  const cascade = cascadeOf(metadata);
  return {
    position,
    message_id: clean(message.message_id),
    action: message.action,
    ...subjectOf(message),
    pattern: textOf(message.pattern),
    cascade: cascade.length === 0 ? null : cascade.map(clean),
    created: metadata?.created === true,
    soft: metadata?.soft === true,
    source_service: clean(message.source_service),
    actor: textOf(metadata?.actor),
    reason: textOf(metadata?.reason),
    request_id: textOf(metadata?.request_id),
    triggered_by: textOf(metadata?.['triggered_by']),
    sent_at: clean(message.timestamp),
    logged_ms: loggedMs,
    latency_ms: Number.isNaN(sentMs) ? null : Math.round(loggedMs - sentMs),
  };
}

/** Caching is switched by what others take for an empty batch: `caching:off`, `caching:on:post`. */
function subjectOf(
  message: InvalidationMessage,
): Pick<AuditFacts, 'entity_type' | 'entity_id' | 'keys'> {
  const switching = readSwitching(message);
  if (switching === undefined) {
    return {
      entity_type: clean(entityTypeName(message.entity_type)),
      entity_id: textOf(message.entity_id),
      keys: message.entity_ids?.map(clean) ?? null,
    };
  }
  const { state, type, since } = switching;
  const said = since === undefined ? state : `still-${state}`;
  const entity_id = type === undefined ? said : `${said}:${type}`;
  return { entity_type: 'caching', entity_id, keys: null };
}

/** Foreign services may have put anything there. */
function textOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? clean(value) : null;
}

/** PostgreSQL has no place for NUL in a text, nor for half a surrogate pair. */
function clean(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}
