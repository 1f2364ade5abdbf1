/**
 * Regular expressions that operators and services send, in the syntax of RE2.
 *
 * It promises: to compile one, and to match it once, each take a few milliseconds at most, whatever
 * it says. RE2 is linear in the text, and yet what it is linear in can be large: an expression is
 * refused unread where it would become large, and a tag on which it would take too many steps is
 * not tried, but counts as matched.
 */
import { RE2JS } from 're2js';
import { fault, type FreshetError } from './errors.ts';
import type { Tag } from './tag.ts';

export interface Expression {
  /** Instructions: each may cost a step for each character of a tag. */
  readonly size: number;
  matches(tag: Tag): boolean;
}

const LENGTH_MAX = 256;
/** Characters, and as often as they are to be repeated. */
const REPEATED_MAX = 300;
const SIZE_MAX = 128;
/** Of some 100 ns each, at worst. */
const STEPS_MAX = 32_768;
/** A class of Unicode is a table of up to 700 ranges. */
const UNICODE_CLASSES_MAX = 4;

/** `text` is the expression between two slashes. Throws `PATTERN_INVALID`. */
export function readExpression(text: string): Expression {
  const source = text.slice(1, -1);
  if (source === '' || !text.endsWith('/')) {
    const got = source === '' ? 'none' : 'a slash at the start only';
    throw invalid('a regular expression between two slashes', got);
  }
  checkSource(source);
  const expression = compile(source);
  const size = expression.programSize();
  if (size > SIZE_MAX) {
    throw invalid(`a regular expression of at most ${SIZE_MAX} instructions`, size);
  }
  const matches = (tag: Tag): boolean => size * tag.length > STEPS_MAX || expression.test(tag);
  return { size, matches };
}

/** What takes long to compile; that it is no expression at all is found there. */
function checkSource(source: string): void {
  if (source.length > LENGTH_MAX) {
    throw invalid(`a regular expression of at most ${LENGTH_MAX} characters`, source.length);
  }
  const repeated = repeatedLength(source);
  if (repeated > REPEATED_MAX) {
    const required = `a regular expression of at most ${REPEATED_MAX} characters as repeated`;
    throw invalid(required, repeated);
  }
  const classes = source.match(/\\p/gi)?.length ?? 0;
  if (classes > UNICODE_CLASSES_MAX) {
    throw invalid(`at most ${UNICODE_CLASSES_MAX} classes of Unicode`, classes);
  }
  // What stands between them could not be counted.
  if (source.includes('\\Q')) throw invalid('escapes of single characters', '\\Q');
  // Each character of a range is looked up: a range of Unicode takes a tenth of a second.
  // oxlint-disable-next-line no-control-regex
  if (/\(\?[a-z]*i/i.test(source) && /[^\x00-\x7f]|\\[px]/i.test(source)) {
    throw invalid('ASCII where case is ignored', 'more');
  }
}

/** No less than the length of it written out without counts: `(ab){3}` as `ababab`. */
function repeatedLength(source: string): number {
  let length = source.length;
  let factor = 1;
  for (const [, group = '', least = '', most = ''] of source.matchAll(COUNTS)) {
    const count = Math.max(1, Number(least), Number(most));
    if (group === '') length += count;
    else factor *= count;
  }
  return length * factor;
}

/** After a group or after anything else: `){2,3}`, `a{2}`, `a{2,}`. */
const COUNTS = /(\)?)\{(\d+)(?:,(\d*))?\}/g;

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (cause) {
    throw invalid('a regular expression of RE2', 'one that does not compile', cause);
  }
}

function invalid(required: string, got: string | number, cause?: unknown): FreshetError {
  return fault('PATTERN_INVALID', { required, got, ...(cause === undefined ? {} : { cause }) });
}
