/**
 * A tag names what an entry depends on: `user:123`, `user:123:posts`, `post`. It is a path of
 * escaped segments joined by `:`, so one entity has one tag whatever its id holds.
 *
 * It promises: different paths have different tags (the first segment regardless of case); a tag
 * holds no `*`, no white space, no control character and no lone surrogate, and begins with no
 * `/`, so it can be told from a pattern; and it is bounded in length.
 */
import { createHash } from 'node:crypto';
import { fault } from './errors.ts';

declare const brand: unique symbol;
export type Tag = string & { readonly [brand]: 'Tag' };

/** Enough for any path that a schema declares. */
export const SEGMENTS_MAX = 16;
/** Escaped characters; a longer segment is replaced by its hash. */
export const SEGMENT_LENGTH_MAX = 2048;

/** `User`, 123 -> `user:123`; further ids are further segments: `User`, 123, `posts`. */
export function entityTag(type: string, ...ids: readonly (string | number)[]): Tag {
  const [id] = ids;
  if (ids.length !== 1 || id === undefined) return tagOf([type, ...ids.map(String)]);
  return `${escapeHead(type)}:${escapeSegment(String(id))}` as Tag;
}

/** `Post` -> `post`: carried by whatever holds a list of Post, an empty list, or a null. */
export function collectionTag(type: string): Tag {
  return tagOf([type]);
}

/**
 * The tag of a path of plain segments; the first is lower-cased.
 * Throws `TAG_INVALID` for no segment, or more than `SEGMENTS_MAX`.
 */
export function tagOf(segments: readonly string[]): Tag {
  const [first, ...others] = segments;
  if (first === undefined || segments.length > SEGMENTS_MAX) {
    const required = `a path of 1 to ${SEGMENTS_MAX} segments`;
    throw fault('TAG_INVALID', { required, got: segments.length });
  }
  return [escapeHead(first), ...others.map(escapeSegment)].join(':') as Tag;
}

/** The plain segments of a tag. One that was too long shows as the hash that stands for it. */
export function segmentsOf(tag: Tag): readonly string[] {
  return tag.split(':').map(unescapeSegment);
}

/** Reads a tag in the form in which `tagOf` writes it; `undefined` for any other text. */
export function readTag(text: string): Tag | undefined {
  if (text.length <= SEGMENT_LENGTH_MAX && PLAIN_TAG.test(text)) return text as Tag;
  const segments = text.split(':', SEGMENTS_MAX + 1);
  const [head = '', ...others] = segments;
  if (segments.length > SEGMENTS_MAX || !others.every(isEscapedSegment)) return undefined;
  return isEscapedHead(head) ? text as Tag : undefined;
}

/** The first segment: in lower case, and not to be taken for a `/regular expression/`. */
export function escapeHead(segment: string): string {
  const escaped = escapeSegment(segment.toLowerCase());
  return escaped.startsWith('/') ? `%2F${escaped.slice(1)}` : escaped;
}

/** What must not stand in a segment as it is. A surrogate that has its pair is not in `\p{Cs}`. */
const UNSAFE = /[%:*\s\p{Cc}\p{Cs}]/u;
const UNSAFE_EACH = new RegExp(UNSAFE, 'gu');
/** What stands in no segment, escaped or not. */
const NEVER = /[:*\s\p{Cc}\p{Cs}]/u;
/** Most segments: nothing but ASCII that is safe. Many times faster to test than the others. */
const PLAIN = /^[!-$&-)+-9;-~]+$/;
/** The same of a whole tag: in lower case to the first colon, and no `/regular expression/`. */
const PLAIN_TAG = new RegExp(
  `^(?!/)[!-$&-)+-9;-@[-~]+(?::[!-$&-)+-9;-~]+){0,${SEGMENTS_MAX - 1}}$`);
const EMPTY = '%-';
export const HASHED = /^%h[0-9a-f]{64}$/;
const ESCAPE_EACH = /%u(D[89A-F][0-9A-F]{2})|((?:%[0-9A-F]{2})+)/g;

/**
 * Percent-encodes what must not stand in a segment: `gid://a b` -> `gid%3A//a%20b`. Forms of
 * their own: `%-` for the empty segment, `%uD83D` for a lone surrogate, which has no UTF-8, and
 * `%h` with a SHA-256 for what would be longer than `SEGMENT_LENGTH_MAX`.
 */
export function escapeSegment(segment: string): string {
  if (segment === '') return EMPTY;
  if (segment.length <= SEGMENT_LENGTH_MAX && PLAIN.test(segment)) return segment;
  const escaped = UNSAFE.test(segment) ? segment.replace(UNSAFE_EACH, escapeCharacter) : segment;
  if (escaped.length <= SEGMENT_LENGTH_MAX) return escaped;
  return `%h${createHash('sha256').update(escaped).digest('hex')}`;
}

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x80) return ASCII_ESCAPES[code] as string;
  if (!character.isWellFormed()) return `%u${code.toString(16).toUpperCase()}`;
  return encodeURIComponent(character);
}

/** With the `*`, which `encodeURIComponent` leaves as it is. */
const ASCII_ESCAPES = Array.from({ length: 0x80 }, (_, code) =>
  `%${code.toString(16).toUpperCase().padStart(2, '0')}`);

/** The inverse of `escapeSegment`; a hash, and what is no escaped form, is left as it is. */
export function unescapeSegment(segment: string): string {
  if (segment === EMPTY) return '';
  if (!segment.includes('%')) return segment;
  return segment.replace(ESCAPE_EACH, (escape, surrogate?: string) => {
    if (surrogate !== undefined) return String.fromCharCode(Number.parseInt(surrogate, 16));
    try {
      return decodeURIComponent(escape);
    } catch {
      return escape;
    }
  });
}

function isEscapedHead(segment: string): boolean {
  if (PLAIN.test(segment) && segment.length <= SEGMENT_LENGTH_MAX && !segment.startsWith('/')) {
    return segment === segment.toLowerCase();
  }
  if (NEVER.test(segment)) return false;
  return HASHED.test(segment) || escapeHead(unescapeSegment(segment)) === segment;
}

function isEscapedSegment(segment: string): boolean {
  if (PLAIN.test(segment)) return segment.length <= SEGMENT_LENGTH_MAX;
  if (NEVER.test(segment)) return false;
  return HASHED.test(segment) || escapeSegment(unescapeSegment(segment)) === segment;
}

/** The tags that `tag` is strictly below, the nearest first. */
export function tagsAbove(tag: Tag): readonly Tag[] {
  const above: Tag[] = [];
  for (let end = tag.lastIndexOf(':'); end > 0; end = tag.lastIndexOf(':', end - 1)) {
    above.push(tag.slice(0, end) as Tag);
  }
  return above;
}
