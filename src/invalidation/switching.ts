/**
 * Caching switched off, and on again, as a record of the log: so every node knows of it, also one
 * that starts later, and its place among the invalidations is the same to all.
 *
 * It promises: what was read before `on` counts as invalidated from that record on; and whoever
 * reads the log or the channel and knows nothing of this is told of an empty batch.
 */
import type { MessageMaker } from './message-maker.ts';
import type { InvalidationMessage, Metadata } from './message.ts';
import { formatPosition, parsePosition, type Position } from './position.ts';
import type { Purge } from './purge.ts';
import { collectionTag, type Tag } from './tag.ts';

export interface Switching {
  readonly state: 'on' | 'off';
  /** The collection tag of the one type that it is about: `post`. Without: everything. */
  readonly type?: Tag;
  /** It says again what was said at this place, lest the log forget it. */
  readonly since?: Position;
}

/** `metadata`: actor, reason and the like. */
export function switchingMessage(
  { state, type, since }: Switching,
  { maker, metadata }: { maker: MessageMaker; metadata?: Metadata },
): InvalidationMessage {
  return maker.batch([], {
    ...metadata,
    caching: state,
    ...(type !== undefined && { caching_type: type }),
    ...(since !== undefined && { caching_since: formatPosition(since) }),
  });
}

/** Undefined where the message is about something else. */
export function readSwitching(message: InvalidationMessage): Switching | undefined {
  const { metadata, entity_ids: keys } = message;
  const state = metadata?.['caching'];
  if (keys?.length !== 0 || (state !== 'on' && state !== 'off')) return undefined;
  const { caching_type: type, caching_since: text } = metadata as Readonly<Record<string, unknown>>;
  const since = typeof text === 'string' ? parsePosition(text) : undefined;
  return {
    state,
    ...(typeof type === 'string' && { type: collectionTag(type) }),
    ...(since !== undefined && { since }),
  };
}

/** All that may have been kept under it, when it is switched on. */
export function purgesOfSwitching({ state, type }: Switching): readonly Purge[] {
  if (state === 'off') return [];
  return type === undefined
    ? [{ kind: 'all' }]
    : [{ kind: 'tag', tag: type }, { kind: 'below', tag: type }];
}
