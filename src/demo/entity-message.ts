/** Reads what a message says of one entity, for services that learn from each other. */
import {
  entityTypeName, type InvalidationMessage,
} from '../invalidation/message.ts';
import { keyOf } from './input.ts';

export interface EntityMessage {
  /** In lower case: `post`. */
  readonly type: string;
  readonly key: number;
  readonly change: 'created' | 'updated' | 'deleted';
}

/** `undefined` for batches, patterns, and ids that no entity of the services has. */
export function readEntityMessage(message: InvalidationMessage): EntityMessage | undefined {
  const { action, entity_type: type, entity_id: id, metadata } = message;
  const key = id === null ? undefined : keyOf(id);
  if (key === undefined || action === 'Batch' || action === 'Pattern') return undefined;
  const changed = metadata?.created === true ? 'created' : 'updated';
  const change = action === 'Delete' ? 'deleted' : changed;
  return { type: entityTypeName(type).toLowerCase(), key, change };
}

/** The key in a member of `metadata`; `undefined` where there is none. */
export function metadataKey(message: InvalidationMessage, name: string): number | undefined {
  const value = message.metadata?.[name];
  return typeof value === 'string' ? keyOf(value) : undefined;
}
