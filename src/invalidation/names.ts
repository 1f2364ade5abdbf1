/**
 * Keys and patterns without spelling mistakes: what an id holds is escaped, so that it names one
 * entity to every reader, and is never taken for a pattern.
 *
 * ```ts
 * await publisher.invalidateBatch([keys.user(7), keys.post(9, 'comments')]);
 * await publisher.invalidatePattern(pattern.below(keys.feed(7)));
 * ```
 */
import { collectionTag, entityTag, type Tag } from './tag.ts';

type Id = string | number;

/** All of them throw `TAG_INVALID` for more than 16 segments. */
export const keys = {
  /** `user:7`; more arguments are more segments: `user:7:posts`. */
  user: (id: Id, ...parts: readonly Id[]): Tag => entityTag('user', id, ...parts),
  post: (id: Id, ...parts: readonly Id[]): Tag => entityTag('post', id, ...parts),
  comment: (id: Id, ...parts: readonly Id[]): Tag => entityTag('comment', id, ...parts),
  notification: (id: Id, ...parts: readonly Id[]): Tag => entityTag('notification', id, ...parts),
  feed: (id: Id, ...parts: readonly Id[]): Tag => entityTag('feed', id, ...parts),
  /** An entity of any type: `session:abc`. */
  of: entityTag,
  /** `post`: every list of posts. */
  list: collectionTag,
} as const;

/** Texts for `invalidatePattern` and `metadata.cascade`; the arguments are no patterns. */
export const pattern = {
  /** Everything. Ask twice. */
  all: '*',
  /** All below a key, and not the key itself: `user:7:*`. */
  below: (key: Tag): string => `${key}:*`,
  /** All entities of a type: `post:*`. */
  ofType: (type: string): string => `${collectionTag(type)}:*`,
  /** All keys that begin so, wherever it ends: `user:12*`. */
  startingWith: (text: string): string => `${literal(text)}*`,
  /** All keys that end so: `*:posts`. */
  endingWith: (text: string): string => `*${literal(text)}`,
  /** All keys that hold it: `*:home:*`. */
  containing: (text: string): string => `*${literal(text)}*`,
  /** All keys of which a part matches, in the syntax of RE2: `/^user:\d+$/`. */
  matching: (expression: string): string => `/${expression}/`,
} as const;

/** A text of keys: a star and a percent sign in it are meant as themselves. */
function literal(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('*', '%2A').replace(/^\//, '%2F');
}
