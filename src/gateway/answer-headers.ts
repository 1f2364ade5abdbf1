/**
 * What an answer says of itself in HTTP: `Cache-Status` (RFC 9211), `Age`, `Cache-Control`,
 * `ETag`, `Vary` (RFC 9110, RFC 9111), `Freshet-Position`, and `Cache-Tag` where asked for.
 */
import { createHash } from 'node:crypto';
import { formatPosition, type Position } from '../invalidation/position.ts';
import type { Answer, How } from './answer.ts';

export interface AnswerHeaderOptions {
  /**
   * How long caches beyond this gateway may use an answer without asking. Default 0: they keep it
   * and ask each time, which a 304 answers, since no purge reaches them.
   */
  readonly clientMaxAgeSeconds?: number;
  /** Send the tags of cached answers as `Cache-Tag`. Default false. */
  readonly exposeTags?: boolean;
  /** Request headers that reach an origin, and so make answers differ. */
  readonly vary?: readonly string[];
}

/** A longer header is cut at a tag: proxies commonly refuse more than 16 KiB. */
const CACHE_TAG_LENGTH_MAX = 16_000;

export function answerHeaders(
  answers: readonly Answer[],
  position: Position,
  options: AnswerHeaderOptions,
): Record<string, string> {
  const headers: Record<string, string> = { 'freshet-position': formatPosition(position) };
  const [answer] = answers;
  if (answer === undefined || answers.length > 1) {
    return { ...headers, 'cache-control': 'no-store', ...batchStatus(answers) };
  }
  headers['cache-status'] = cacheStatus(answer);
  headers['cache-control'] = cacheControl(answer, options.clientMaxAgeSeconds ?? 0);
  headers['vary'] = ['Accept', ...(options.vary ?? [])].join(', ');
  if (answer.how.kind === 'hit') headers['age'] = String(seconds(answer.ageMs));
  if (answer.body !== undefined) headers['etag'] = entityTagOf(answer.body);
  if (options.exposeTags === true && answer.ttlMs > 0) {
    headers['cache-tag'] = joinUpTo([...answer.tags], CACHE_TAG_LENGTH_MAX);
  }
  return headers;
}

/** True where the client already has these very bytes (RFC 9110, section 13.1.2: weak match). */
export function matchesEntityTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch.trim() === '*') return true;
  const tags = ifNoneMatch.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => tag.replace(/^W\//, '') === etag);
}

const etags = new WeakMap<Buffer, string>();

/** A strong validator: the hash of the content, worked out once for each stored value. */
function entityTagOf(body: Buffer): string {
  let etag = etags.get(body);
  if (etag === undefined) {
    etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
    etags.set(body, etag);
  }
  return etag;
}

function cacheStatus({ how, ttlMs }: Answer): string {
  const ttl = `; ttl=${Math.ceil(Math.max(0, ttlMs) / 1000)}`;
  switch (how.kind) {
    case 'hit':
      return `freshet; hit${ttl}; detail=${how.tier}`;
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

function cacheControl({ shared, ttlMs }: Answer, clientMaxAgeSeconds: number): string {
  if (ttlMs <= 0) return 'no-store';
  const maxAge = Math.min(seconds(ttlMs), clientMaxAgeSeconds);
  const visibility = shared ? 'public' : 'private';
  return `${visibility}, max-age=${maxAge}${maxAge === 0 ? ', must-revalidate' : ''}`;
}

/** One line for several operations: a hit only where all of them were. */
function batchStatus(answers: readonly Answer[]): Record<string, string> {
  if (answers.length === 0) return {};
  const hits = answers.filter(({ how }) => isHit(how)).length;
  const status = hits === answers.length ? 'hit' : `fwd=${hits === 0 ? 'miss' : 'partial'}`;
  return { 'cache-status': `freshet; ${status}; detail="${hits} of ${answers.length}"` };
}

function isHit(how: How): boolean {
  return how.kind === 'hit';
}

function seconds(ms: number): number {
  return Math.max(0, Math.floor(ms / 1000));
}

function joinUpTo(parts: readonly string[], lengthMax: number): string {
  let line = '';
  for (const part of parts) {
    // A header is Latin-1: what is outside travels percent-encoded, as in a URL.
    const safe = encodeURI(part.toWellFormed()).replaceAll('%25', '%');
    if (line.length + safe.length + 1 > lengthMax) break;
    line += line === '' ? safe : `,${safe}`;
  }
  return line;
}
