/** Checks of what a caller sent. Each throws BAD_USER_INPUT with what was required and got. */
import { rejection } from './rejection.ts';

/** Of an integer key: no sign, no leading zero, so that each entity has one id and one tag. */
const ID_FORM = /^[1-9]\d{0,8}$/;

/** The key that an id stands for; `undefined` for one that no entity can have. */
export function keyOf(id: string): number | undefined {
  return ID_FORM.test(id) ? Number(id) : undefined;
}

/** The keys among `ids`. */
export function keysOf(ids: readonly string[]): number[] {
  return ids.map(keyOf).filter((key) => key !== undefined);
}

export interface TextBounds {
  /** In characters, white space at the ends not counted. Default 1. */
  readonly lengthMin?: number;
  readonly lengthMax: number;
}

/** Text without white space at its ends. */
export function readText(name: string, text: string, bounds: TextBounds): string {
  const { lengthMin = 1, lengthMax } = bounds;
  const trimmed = text.trim();
  if (trimmed.length < lengthMin || trimmed.length > lengthMax) {
    const required = `${lengthMin} to ${lengthMax} characters were required`;
    throw rejection('BAD_USER_INPUT', `${name}: ${required}, got ${trimmed.length}.`);
  }
  // PostgreSQL has no text with NUL in it.
  if (trimmed.includes('\0')) {
    throw rejection('BAD_USER_INPUT', `${name}: text without NUL was required, got one.`);
  }
  return trimmed;
}

/** As `readText`, for a field that is left as it is when absent, and must not be emptied. */
export function readChange(
  name: string,
  text: string | null | undefined,
  bounds: TextBounds,
): string | undefined {
  if (text === undefined) return undefined;
  if (text === null) throw rejection('BAD_USER_INPUT', `${name}: text was required, got null.`);
  return readText(name, text, bounds);
}

/** At most 500 characters; null stays null. */
export function readUrl(name: string, text: string | null | undefined): string | null | undefined {
  if (text === undefined || text === null) return text;
  const url = readText(name, text, { lengthMax: 500 });
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw rejection('BAD_USER_INPUT', `${name}: an http or https URL was required, got another.`);
  }
  return url;
}
