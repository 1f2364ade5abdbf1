/**
 * Which records of the log a watcher is told of. What a pattern may touch is told as well: a purge
 * is left out only where it surely touches nothing that the watcher asked about.
 */
import type { InvalidationMessage } from '../../invalidation/message.ts';
import { readPattern } from '../../invalidation/pattern.ts';
import type { Purge } from '../../invalidation/purge.ts';
import type { Tag } from '../../invalidation/tag.ts';

export interface EventFilter {
  /** Tags, as a purge names them. */
  readonly about: Purge | undefined;
  readonly source: string | undefined;
  readonly action: string | undefined;
}

/** Throws PATTERN_INVALID. */
export function filterOf({ pattern, source, action }: {
  pattern?: string | undefined;
  source?: string | undefined;
  action?: string | undefined;
}): EventFilter {
  return { about: pattern === undefined ? undefined : readPattern(pattern), source, action };
}

/** Whether the message is of the source and the action that the filter names. */
export function isFrom(message: InvalidationMessage, { source, action }: EventFilter): boolean {
  if (source !== undefined && source !== message.source_service) return false;
  return action === undefined || action === message.action;
}

/** Whether some tag may be touched by both. */
export function mayMeet(one: Purge, other: Purge): boolean {
  if (one.kind === 'tag') return touches(other, one.tag);
  if (other.kind === 'tag') return touches(one, other.tag);
  if (one.kind !== 'below' || other.kind !== 'below') return true;
  return one.tag === other.tag || isBelow(one.tag, other.tag) || isBelow(other.tag, one.tag);
}

function touches(purge: Purge, tag: Tag): boolean {
  switch (purge.kind) {
    case 'tag':
      return purge.tag === tag;
    case 'below':
      return isBelow(tag, purge.tag);
    case 'all':
      return true;
    case 'pattern':
      return purge.pattern.matches(tag);
    default:
      return purge satisfies never;
  }
}

function isBelow(tag: Tag, above: Tag): boolean {
  return tag.startsWith(`${above}:`);
}
