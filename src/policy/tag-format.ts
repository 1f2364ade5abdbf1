/**
 * The form of a tag that a schema declares: `user:{$args.id}:posts`. Values are filled in as plain
 * segments, so no id can make the tag of another path.
 *
 * It promises that nothing is dropped in silence: what cannot be filled in is told as such, with
 * the part of the path before it.
 */
import { SEGMENTS_MAX, unescapeSegment } from '../invalidation/tag.ts';

/** Arguments of the field, key fields of the entity, or the answer of a mutation. */
export type Source = 'args' | 'key' | 'result';

export interface Placeholder {
  readonly source: Source;
  readonly path: readonly string[];
}

/** Literal text (as a tag is written; `*` only in a purge) and placeholders, in their order. */
export type SegmentParts = readonly (string | Placeholder)[];

export interface TagFormat {
  readonly text: string;
  readonly segments: readonly SegmentParts[];
  readonly placeholders: readonly Placeholder[];
}

/** What a format may hold at the place where it stands. */
export interface FormatPlace {
  readonly sources: readonly Source[];
  /** Whether `*` and `/regular expressions/` may stand in it. */
  readonly patterns: boolean;
  /** Whether the schema has what a placeholder names. Default: it is taken to. */
  readonly has?: (placeholder: Placeholder) => boolean;
}

/** Beyond it a format counts as one that cannot be filled. */
const FILLINGS_MAX = 1_000;

const PLACEHOLDER = /\{\$(args|key|result)((?:\.[_A-Za-z]\w*)*)\}/;
const PIECES = /(\{[^}]*\})/;

/** The format, or a sentence on what was required of it and what was got. */
export function readFormat(text: string, place: FormatPlace): TagFormat | string {
  const got = JSON.stringify(text);
  if (isExpression(text)) {
    if (!place.patterns) return `a tag was required, got the regular expression ${got}`;
    return { text, segments: [], placeholders: [] };
  }
  const segments: SegmentParts[] = [];
  for (const segment of text.split(':')) {
    const parts = readSegment(segment, place);
    if (typeof parts === 'string') return `${parts}, got ${got}`;
    segments.push(parts);
  }
  if (segments.length > SEGMENTS_MAX) {
    return `at most ${SEGMENTS_MAX} segments were required, got ${segments.length}`;
  }
  const placeholders = segments.flat().filter((part) => typeof part !== 'string');
  return { text, segments, placeholders };
}

export function isExpression(text: string): boolean {
  return text.startsWith('/');
}

function readSegment(segment: string, place: FormatPlace): SegmentParts | string {
  if (segment === '') return 'segments that are not empty were required';
  const parts: (string | Placeholder)[] = [];
  for (const piece of segment.split(PIECES)) {
    if (piece === '') continue;
    const part = piece.startsWith('{') ? readPlaceholder(piece, place) : piece;
    if (part === undefined) {
      const known = place.sources.map((source) => `{$${source}.name}`).join(' or ');
      return `${known || 'no placeholder'} that the schema has was required`;
    }
    if (typeof part === 'string' && !isLiteral(part, place.patterns)) {
      return 'text without braces, white space' + (place.patterns ? '' : ' and stars')
        + ' was required';
    }
    parts.push(part);
  }
  return parts;
}

function readPlaceholder(piece: string, place: FormatPlace): Placeholder | undefined {
  const match = PLACEHOLDER.exec(piece);
  if (match === null || match[0] !== piece) return undefined;
  const source = match[1] as Source;
  const path = (match[2] ?? '').split('.').slice(1);
  if (!place.sources.includes(source)) return undefined;
  // The answer itself has a value where it is a scalar; arguments and keys have none as a whole.
  if (path.length === 0 && source !== 'result') return undefined;
  const placeholder = { source, path };
  return place.has?.(placeholder) === false ? undefined : placeholder;
}

function isLiteral(text: string, patterns: boolean): boolean {
  return !/[{}\s]/.test(text) && (patterns || !text.includes('*'));
}

/** The value of each placeholder. */
export type Choice = ReadonlyMap<Placeholder, string>;

export interface Filling {
  /** Each way to fill the format. */
  readonly choices: readonly Choice[];
  /** Where it could not be filled for all values: the segment, and the choices for those before. */
  readonly unfilled: { readonly at: number; readonly choices: readonly Choice[] } | undefined;
}

const NOTHING: Choice = new Map();

/** A list as a value fills the format once for each element. */
export function fillFormat(
  format: TagFormat,
  valueOf: (placeholder: Placeholder) => unknown,
): Filling {
  let choices: readonly Choice[] = [NOTHING];
  let unfilled: Filling['unfilled'];
  format.segments.forEach((segment, at) => {
    const before = choices;
    for (const part of segment) {
      if (typeof part === 'string') continue;
      const values: string[] = [];
      const complete = textsOf(valueOf(part), values);
      const fits = values.length * choices.length <= FILLINGS_MAX;
      if (!complete || !fits) unfilled ??= { at, choices: before };
      choices = fits
        ? choices.flatMap((choice) => values.map((value) => new Map(choice).set(part, value)))
        : [];
    }
  });
  return { choices, unfilled };
}

/** Adds the texts of the scalars in `value`; false where one of them has none. */
export function textsOf(value: unknown, texts: string[]): boolean {
  if (Array.isArray(value)) {
    let complete = true;
    for (const element of value) complete = textsOf(element, texts) && complete;
    return complete;
  }
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'bigint':
      texts.push(String(value));
      return true;
    default:
      return false;
  }
}

/** The path as plain text, up to `end` or the first star: what `tagOf` takes. */
export function plainPath(
  format: TagFormat,
  choice: Choice = NOTHING,
  end = format.segments.length,
): string[] {
  const path: string[] = [];
  for (const segment of format.segments.slice(0, end)) {
    if (segment.some((part) => typeof part === 'string' && part.includes('*'))) break;
    path.push(segment.map((part) => plainPart(part, choice)).join(''));
  }
  return path;
}

function plainPart(part: string | Placeholder, choice: Choice): string {
  return typeof part === 'string' ? unescapeSegment(part) : (choice.get(part) ?? '');
}
