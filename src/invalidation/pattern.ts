/**
 * Patterns that operators and services write, and the cheapest purge that says the same.
 *
 * | text                            | purge                                               |
 * |---------------------------------|-----------------------------------------------------|
 * | `user:123`                      | that tag alone                                      |
 * | `user:123:*`                    | all strictly below it; not `user:123`               |
 * | `*`                             | everything                                          |
 * | `user:12*`, `*:posts`, `a*b*c`  | tags that match; `*` is any characters, also `:`    |
 * | `/^user:\d+$/`                  | tags of which a part matches (RE2, in linear time)  |
 *
 * Matched is the tag as it is written, escaped; `%2A` is a star that is meant as itself. What
 * never stands in a tag (white space, a type in capitals) is read as the tag would be written.
 */
import { fault, type FreshetError } from './errors.ts';
import { readExpression } from './expression.ts';
import { globOf } from './glob.ts';
import type { Purge } from './purge.ts';
import {
  escapeHead, escapeSegment, HASHED, readTag, SEGMENTS_MAX, tagOf, unescapeSegment, type Tag,
} from './tag.ts';

/** Tests tags against a text that an operator or a service wrote; linear in the tag's length. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** Of one match: the instructions of a regular expression; 0 for a glob. */
  readonly cost: number;
  matches(tag: Tag): boolean;
}

export interface PatternLimits {
  /** Characters of a pattern that is no plain tag or subtree. Default 1,024. */
  readonly lengthMax?: number;
  /** Stars, of which several together count as one. Default 16. */
  readonly starsMax?: number;
}

const LIMITS: Required<PatternLimits> = { lengthMax: 1024, starsMax: 16 };

/** On its way a pattern is read several times in a row: written, held, announced, in the log. */
let last: { readonly text: string; readonly purge: Purge } | undefined;

/**
 * The cheapest purge that says what `text` says.
 * Throws `PATTERN_INVALID` for one that is empty, beyond the limits or no regular expression.
 */
export function readPattern(text: string, limits?: PatternLimits): Purge {
  if (limits !== undefined) return read(text, { ...LIMITS, ...limits });
  if (text !== last?.text) last = { text, purge: read(text, LIMITS) };
  return last.purge;
}

function read(text: string, { lengthMax, starsMax }: Required<PatternLimits>): Purge {
  if (text === '') throw invalid('at least 1 character', 'none');
  if (text === '*') return { kind: 'all' };
  const isBelow = text.endsWith(':*');
  const tag = readTag(isBelow ? text.slice(0, -2) : text);
  if (tag !== undefined) return { kind: isBelow ? 'below' : 'tag', tag };
  if (text.length > lengthMax) throw invalid(`at most ${lengthMax} characters`, text.length);
  if (text.startsWith('/')) {
    const expression = readExpression(text);
    const matches = (tag: Tag): boolean => expression.matches(tag);
    return { kind: 'pattern', pattern: { text, cost: expression.size, matches } };
  }

  const collapsed = text.replace(/\*+/g, '*');
  const pieces = collapsed.split('*').map(escapePiece);
  const stars = pieces.length - 1;
  if (stars > starsMax) throw invalid(`at most ${starsMax} stars`, stars);
  if (collapsed === '*') return { kind: 'all' };
  if (stars === 0) return { kind: 'tag', tag: lenientTag(text) };
  if (stars === 1 && collapsed.endsWith(':*')) {
    return { kind: 'below', tag: lenientTag(collapsed.slice(0, -2)) };
  }
  return { kind: 'pattern', pattern: { text, cost: 0, matches: globOf(pieces) } };
}

/** A text that `readPattern` reads as the same purge. */
export function patternText(purge: Purge): string {
  switch (purge.kind) {
    case 'tag':
      return purge.tag;
    case 'below':
      return `${purge.tag}:*`;
    case 'all':
      return '*';
    case 'pattern':
      return purge.pattern.text;
    default:
      return purge satisfies never;
  }
}

/** A tag from a path that is not written as tags are: `User:a b` -> `user:a%20b`. */
function lenientTag(text: string): Tag {
  const segments = text.split(':');
  if (segments.length > SEGMENTS_MAX) {
    throw invalid(`at most ${SEGMENTS_MAX} segments`, segments.length);
  }
  return tagOf(segments.map(unescapeSegment));
}

/** The text between two stars as it would stand in a tag. */
function escapePiece(piece: string, pieceIndex: number, pieces: readonly string[]): string {
  return piece.split(':').map((part, partIndex, parts) => {
    if (HASHED.test(part)) return part;
    const afterStar = pieceIndex > 0 && partIndex === 0;
    const beforeStar = pieceIndex < pieces.length - 1 && partIndex === parts.length - 1;
    if (part === '' && (afterStar || beforeStar)) return '';
    const escape = pieceIndex === 0 && partIndex === 0 ? escapeHead : escapeSegment;
    return escape(unescapeSegment(part));
  }).join(':');
}

function invalid(required: string, got: string | number): FreshetError {
  return fault('PATTERN_INVALID', { required, got });
}
