/** What a service has to say, before it is a message: to be written down, and sent later. */
import type { MessageMaker } from './message-maker.ts';
import { readMessage, writeMessage, type InvalidationMessage, type Metadata } from './message.ts';

export type Invalidation =
  /** An entity was changed, deleted, or created, which makes every list of its type stale. */
  | {
    readonly type: string;
    readonly id: string | number;
    /** Default `Delete`, which is safe for all; caches do the same for `Update`. */
    readonly action?: 'Update' | 'Delete' | 'Create';
    readonly metadata?: Metadata;
  }
  /** Full cache keys, at most 10,000. */
  | { readonly keys: readonly string[]; readonly metadata?: Metadata }
  /** See pattern.ts. */
  | { readonly pattern: string; readonly metadata?: Metadata };

/** Throws `MESSAGE_INVALID` or `PATTERN_INVALID` for what no cache could act upon. */
export function messageOf(invalidation: Invalidation, maker: MessageMaker): InvalidationMessage {
  const message = made(invalidation, maker);
  readMessage(writeMessage(message));
  return message;
}

function made(invalidation: Invalidation, maker: MessageMaker): InvalidationMessage {
  const { metadata } = invalidation;
  if ('keys' in invalidation) return maker.batch(invalidation.keys, metadata);
  if ('pattern' in invalidation) return maker.pattern(invalidation.pattern, metadata);
  const { type, id, action = 'Delete' } = invalidation;
  switch (action) {
    case 'Update':
      return maker.updated(type, id, metadata);
    case 'Delete':
      return maker.deleted(type, id, metadata);
    case 'Create':
      return maker.created(type, id, metadata);
    default:
      return action satisfies never;
  }
}
