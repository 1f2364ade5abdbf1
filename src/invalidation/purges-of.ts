/**
 * How a message becomes purges. It promises: it never throws, and no key is lost. What can be read
 * in two ways is purged in both; what cannot be read at all purges everything.
 */
import { FreshetError } from './errors.ts';
import type { KeyMap } from './key-map.ts';
import { cascadeOf, entityTypeName, type InvalidationMessage } from './message.ts';
import { readPattern } from './pattern.ts';
import type { Purge } from './purge.ts';
import { purgesOfSwitching, readSwitching } from './switching.ts';
import { collectionTag, entityTag, readTag, SEGMENTS_MAX, tagOf, type Tag } from './tag.ts';

/** What `message` makes stale; `keyMap` for services whose keys are spelled otherwise. */
export function purgesOf(message: InvalidationMessage, keyMap?: KeyMap): readonly Purge[] {
  const own = ownPurges(message, keyMap);
  if (message.metadata === null) return own;
  const cascade = cascadeOf(message.metadata).flatMap((text) => purgesOfPattern(text, keyMap));
  const purges = [...own, ...cascade];
  if (message.metadata?.soft !== true) return purges;
  return purges.map((purge): Purge => ({ ...purge, soft: true }));
}

const NOTHING: readonly Purge[] = [];

function ownPurges(message: InvalidationMessage, keyMap: KeyMap | undefined): readonly Purge[] {
  switch (message.action) {
    case 'Delete':
    case 'Update':
      return purgesOfEntity(message);
    case 'Batch': {
      const switching = readSwitching(message);
      if (switching !== undefined) return purgesOfSwitching(switching);
      return purgesOfTags(tagsOfBatch(message, keyMap));
    }
    case 'Pattern':
      return message.pattern === null ? [] : purgesOfPattern(message.pattern, keyMap);
    default:
      return message.action satisfies never;
  }
}

function purgesOfEntity(message: InvalidationMessage): readonly Purge[] {
  const { entity_type, entity_id, metadata } = message;
  const type = entityTypeName(entity_type);
  const created = metadata?.created === true;
  const collection = created ? purgesOfTags([collectionTag(type)]) : NOTHING;
  if (entity_id === null) return collection;
  const version = versionOf(metadata);
  const tag = entityTag(type, entity_id);
  const purge: Purge = version === undefined ? { kind: 'tag', tag } : { kind: 'tag', tag, version };
  return created ? [...collection, purge] : [purge];
}

/** What is no count, or too large to be told from the next, is ignored: the purge stands anyway. */
function versionOf(metadata: InvalidationMessage['metadata']): number | undefined {
  const version: unknown = metadata?.version;
  return Number.isSafeInteger(version) && (version as number) >= 0 ? version as number : undefined;
}

function tagsOfBatch(
  { entity_ids, metadata }: InvalidationMessage,
  keyMap: KeyMap | undefined,
): Iterable<Tag> {
  const tags = new Set<Tag>();
  for (const key of entity_ids ?? []) {
    const mapped = keyMap?.key(key) ?? key;
    if (metadata?.created === true) tags.add(collectionTag(mapped.split(':', 1)[0] as string));
    for (const tag of tagsOfKey(mapped)) tags.add(tag);
    // A gateway writes tags as they are, and one may look like the key of another service.
    if (mapped !== key) for (const tag of tagsOfKey(key)) tags.add(tag);
  }
  return tags;
}

/**
 * Whoever wrote the key may have meant a tag as we write it (`user:a%20b` is the id `a b`), a path
 * of plain segments (`user:100%`), or one id with colons in it (`user:gid://shop/User/1`).
 */
function tagsOfKey(key: string): readonly Tag[] {
  const segments = key.split(':');
  const written = readTag(key);
  const tags = written === undefined ? [] : [written];
  if (segments.length <= SEGMENTS_MAX && (written === undefined || key.includes('%'))) {
    tags.push(tagOf(segments));
  }
  return segments.length > 2 ? [...tags, tagOfIdWithColons(segments)] : tags;
}

function tagOfIdWithColons([type = '', ...id]: readonly string[]): Tag {
  return entityTag(type, id.join(':'));
}

function purgesOfPattern(text: string, keyMap: KeyMap | undefined): readonly Purge[] {
  return (keyMap?.patterns(text) ?? [text]).flatMap((pattern) => {
    if (!pattern.includes('*') && !pattern.startsWith('/')) return purgesOfTags(tagsOfKey(pattern));
    const purge = readPatternOrAll(pattern);
    if (purge.kind !== 'below') return [purge];
    const segments = pattern.replace(/:\*+$/, '').split(':');
    if (segments.length <= 2) return [purge];
    return [purge, { kind: 'below', tag: tagOfIdWithColons(segments) }];
  });
}

function readPatternOrAll(text: string): Purge {
  try {
    return readPattern(text);
  } catch (error) {
    if (!(error instanceof FreshetError)) throw error;
    return { kind: 'all' };
  }
}

function purgesOfTags(tags: Iterable<Tag>): readonly Purge[] {
  return Array.from(tags, (tag) => ({ kind: 'tag', tag }));
}
