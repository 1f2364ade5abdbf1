/**
 * What an answer says of itself in HTTP: `Cache-Status` (RFC 9211), `Age`, `Cache-Control`,
 * `ETag`, `Vary` (RFC 9110, RFC 9111), `Freshet-Position`, and `Cache-Tag` where asked for.
 */
import { digestOf } from '../../invalidation/digest.ts';
import { formatPosition, type Position } from '../../invalidation/position.ts';
import type { Answer } from './answer.ts';

/** One HTTP answer, which may hold the answers to several operations. */
export interface HttpAnswer {
  readonly status: number;
  readonly mediaType: string;
  /** Asked as a list, though it may be a list of one. */
  readonly batch: boolean;
  /** Of its operations, those that got as far as being executed. */
  readonly answers: readonly Answer[];
  readonly position: Position;
}

export interface AnswerHeaderOptions {
  /**
   * How long caches beyond this gateway may use an answer without asking. Default 0: they keep it
   * and ask each time, which a 304 answers, since no purge reaches them.
   */
  readonly clientMaxAgeSeconds?: number;
  /** Send the tags of cached answers as `Cache-Tag`. Default false. */
  readonly exposeTags?: boolean;
  /** Request headers, in lower case, that make answers differ: all that reach an origin, say. */
  readonly vary?: readonly string[];
  /** Those of them that say who asks. To what is declared PUBLIC they make no difference. */
  readonly credentials?: readonly string[];
  /** Cookies carry the position too, as `freshet-position` does. Default false. */
  readonly positionInCookie?: boolean;
  /** The same answer may be sent in a content coding. Default false. */
  readonly coded?: boolean;
}

/** A longer header is cut at a tag: proxies commonly refuse more than 16 KiB. */
const CACHE_TAG_LENGTH_MAX = 16_000;

/** The same text as JSON for GraphQL: another representation, so its validator is another. */
const RESPONSE_TYPE = 'application/graphql-response+json';
const STORABLE_TYPES = ['application/json', RESPONSE_TYPE];

export function answerHeaders(
  http: HttpAnswer,
  options: AnswerHeaderOptions,
): Record<string, string> {
  const { answers, batch, position } = http;
  const [answer] = answers;
  const headers: Record<string, string> = {
    'freshet-position': formatPosition(position),
    'cache-control': 'no-store',
  };
  if (batch) return Object.assign(headers, batchStatus(answers));
  if (answer === undefined) return headers;
  headers['cache-status'] = cacheStatus(answer);
  // A refusal, or a stream, is not what was kept.
  if (http.status !== 200 || !STORABLE_TYPES.includes(http.mediaType)) return headers;
  setKeepingHeaders(headers, answer, { mediaType: http.mediaType, options });
  return headers;
}

/** Who may keep the answer, for how long, and how they ask whether it has changed. */
function setKeepingHeaders(
  headers: Record<string, string>,
  answer: Answer,
  { mediaType, options }: { mediaType: string; options: AnswerHeaderOptions },
): void {
  const { clientMaxAgeSeconds = 0, exposeTags = false } = options;
  const { body, digest, ttlMs, tags } = answer;
  headers['cache-control'] = cacheControl(answer, clientMaxAgeSeconds);
  headers['vary'] = varyOf(answer, options);
  if (isHit(answer)) headers['age'] = String(seconds(answer.ageMs));
  if (body !== undefined) headers['etag'] = entityTagOf(digest ?? digestOf(body), mediaType);
  if (exposeTags && ttlMs > 0) headers['cache-tag'] = joinUpTo([...tags], CACHE_TAG_LENGTH_MAX);
}

/** Worked out once. */
const varies = new WeakMap<AnswerHeaderOptions, Record<'PUBLIC' | 'other', string>>();

/** What of a request makes the answer another one (RFC 9110, section 12.5.5). */
function varyOf({ public: isPublic }: Answer, options: AnswerHeaderOptions): string {
  let known = varies.get(options);
  if (known === undefined) {
    known = { PUBLIC: varyText(true, options), other: varyText(false, options) };
    varies.set(options, known);
  }
  return isPublic ? known.PUBLIC : known.other;
}

function varyText(
  isPublic: boolean,
  { vary = [], credentials = [], positionInCookie = false, coded = false }: AnswerHeaderOptions,
): string {
  const matters = vary.filter((name) => !isPublic || !credentials.includes(name));
  // Who has seen a later position must not be given an earlier answer on the way.
  const ofPosition = ['freshet-position', ...(positionInCookie ? ['cookie'] : [])];
  const ofForm = ['accept', ...(coded ? ['accept-encoding'] : [])];
  return [...new Set([...ofForm, ...ofPosition, ...matters])].join(', ');
}

/**
 * A strong validator: the digest of the content. It is unique among the representations of one
 * resource (RFC 9110, section 8.8.1), so it names the media type.
 */
function entityTagOf(digest: string, mediaType: string): string {
  return mediaType === RESPONSE_TYPE ? `"${digest}.response"` : `"${digest}"`;
}

function cacheStatus({ how, ttlMs }: Answer): string {
  // Negative where what is served is stale (RFC 9211, section 2.5).
  const isStale = how.kind === 'stale';
  const ttl = `; ttl=${isStale ? Math.min(0, Math.floor(ttlMs / 1_000)) : left(ttlMs)}`;
  switch (how.kind) {
    case 'hit':
      return `freshet; hit${ttl}; detail=${how.tier}`;
    case 'stale':
      return `freshet; hit${ttl}; detail=${STALE_DETAILS[how.why]}`;
    case 'collapsed':
      return `freshet; fwd=miss; collapsed${ttl}`;
    case 'miss':
      if (how.stored) return `freshet; fwd=miss; stored${ttl}`;
      return `freshet; fwd=miss${how.unstorable === undefined ? '' : `; detail=${how.unstorable}`}`;
    case 'bypass':
      return `freshet; fwd=${how.why === 'mutation' ? 'method' : 'bypass'}; detail=${how.why}`;
    default:
      return how satisfies never;
  }
}

/** As the directives are called that allow it (RFC 5861). */
const STALE_DETAILS = {
  revalidating: 'stale-while-revalidate',
  error: 'stale-if-error',
} as const;

function left(ttlMs: number): number {
  return Math.ceil(Math.max(0, ttlMs) / 1_000);
}

function cacheControl(answer: Answer, clientMaxAgeSeconds: number): string {
  const { shared, ttlMs, ageMs } = answer;
  if (ttlMs <= 0) return 'no-store';
  const visibility = shared ? 'public' : 'private';
  const fresh = Math.min(seconds(ttlMs), clientMaxAgeSeconds);
  if (fresh === 0) return `${visibility}, max-age=0, must-revalidate`;
  // Who keeps it counts from when it was read, by `Age` (RFC 9111, section 4.2).
  return `${visibility}, max-age=${fresh + (isHit(answer) ? seconds(ageMs) : 0)}`;
}

/** One line for several operations: a hit only where all of them were. */
function batchStatus(answers: readonly Answer[]): Record<string, string> {
  if (answers.length === 0) return {};
  const hits = answers.filter(isHit).length;
  const status = hits === answers.length ? 'hit' : `fwd=${hits === 0 ? 'miss' : 'partial'}`;
  return { 'cache-status': `freshet; ${status}; detail="${hits} of ${answers.length}"` };
}

function isHit({ how }: Answer): boolean {
  return how.kind === 'hit' || how.kind === 'stale';
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

function joinUpTo(parts: readonly string[], lengthMax: number): string {
  let line = '';
  for (const part of parts) {
    // A header is Latin-1: what is outside travels percent-encoded, as in a URL.
    const safe = encodeURI(part.toWellFormed()).replaceAll('%25', '%').replaceAll(',', '%2C');
    if (line.length + safe.length + 1 > lengthMax) break;
    line += line === '' ? safe : `,${safe}`;
  }
  return line;
}
