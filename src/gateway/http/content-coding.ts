/**
 * Content codings: which of them a client takes (RFC 9110, section 12.5.3), and what that does to
 * the entity tag of an answer.
 *
 * A strong entity tag belongs to one representation (section 8.8.1), and a coded form is another
 * one than the plain text: its tag names the coding. A client that holds any form that it takes
 * is told that it has not changed, whichever form it would be sent today.
 */

/** In the order in which we prefer them. */
export const CODINGS = ['br', 'zstd', 'gzip'] as const;
export type Coding = (typeof CODINGS)[number];

export type CodingsTaken = readonly Coding[];

const NONE: CodingsTaken = [];
const HEADER_LENGTH_MAX = 500;
const KNOWN_MAX = 500;
const known = new Map<string, CodingsTaken>();

/**
 * Those that the client takes and does not like less than plain text, the best first. Plain text
 * is an answer to every client, also to one that says it would rather have an error.
 */
export function codingsTaken(acceptEncoding: string | undefined): CodingsTaken {
  if (acceptEncoding === undefined || acceptEncoding.length > HEADER_LENGTH_MAX) return NONE;
  const before = known.get(acceptEncoding);
  if (before !== undefined) return before;
  const taken = parse(acceptEncoding);
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(acceptEncoding, taken);
  return taken;
}

/** The entity tag of the coded form of what has the tag `etag`. */
export function codedEntityTag(etag: string, coding: Coding): string {
  return `${etag.slice(0, -1)}.${coding}"`;
}

/**
 * The entity tag that a client has of this content, in a form that it takes; `undefined` where it
 * has none (RFC 9110, section 13.1.2: weak comparison).
 */
export function matchedEntityTag(
  ifNoneMatch: string,
  etag: string,
  taken: CodingsTaken,
): string | undefined {
  if (ifNoneMatch.trim() === '*') return etag;
  const held = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g)?.map((tag) => tag.replace(/^W\//, '')) ?? [];
  const forms = [etag, ...taken.map((coding) => codedEntityTag(etag, coding))];
  return forms.find((form) => held.includes(form));
}

function parse(acceptEncoding: string): CodingsTaken {
  const weights = new Map<string, number>();
  for (const member of acceptEncoding.toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (name !== '') weights.set(name === 'x-gzip' ? 'gzip' : name, weightOf(weight));
  }
  const any = weights.get('*') ?? 0;
  const plain = weights.get('identity') ?? 0;
  const weightFor = (coding: Coding): number => weights.get(coding) ?? any;
  return CODINGS.filter((coding) => weightFor(coding) > 0 && weightFor(coding) >= plain)
    .toSorted((a, b) => weightFor(b) - weightFor(a));
}

/** A weight that is none says nothing in favour of a coding. */
function weightOf(text: string | undefined): number {
  if (text === undefined) return 1;
  return /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}
