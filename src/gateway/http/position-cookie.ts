/**
 * The position as a cookie, for browsers, whose pages would have to carry the header by hand.
 *
 * It promises that who sends the cookie back is answered as if they had sent the header, and that
 * the cookie is no part of who they are: it is neither looked at as a credential nor sent on, or
 * every write of a caller would give them an empty cache.
 *
 * Only answers to mutations set it, and never to less than what came. An answer to a query that
 * set it could arrive after that of a mutation which overtook it, and take the client's own write
 * away again.
 */
import assert from 'node:assert/strict';
import type { Millis } from '../../invalidation/clock.ts';
import {
  formatPosition, latest, parsePosition, type Position,
} from '../../invalidation/position.ts';

export interface PositionCookieOptions {
  /** A token (RFC 6265, section 4.1.1). */
  readonly name: string;
  /** While the log cannot be heard, nothing read longer ago is served. */
  readonly maxStalenessMs: Millis;
}

/** What may be the name of a cookie. */
export const COOKIE_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** Names for which browsers insist on `Secure`, in any case (RFC 6265bis, section 4.1.3). */
const SECURE_PREFIX = /^__(host|secure)-/i;

/** On top of the longest that any node serves what is out of date, for all that takes time. */
const MARGIN_SECONDS = 60;

export class PositionCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor({ name, maxStalenessMs }: PositionCookieOptions) {
    assert(COOKIE_NAME.test(name), 'a cookie has a name');
    this.#name = name;
    // After that no node serves what is older than the write, with the cookie or without it. A
    // position of a log that is gone would else make every request of the browser wait in vain.
    const maxAge = Math.ceil(maxStalenessMs / 1_000) + MARGIN_SECONDS;
    this.#attributes = `Path=/; Max-Age=${maxAge}; HttpOnly; SameSite=Lax`;
  }

  /**
   * The latest position in a `Cookie` header. One that cannot be read is ignored, where such a
   * header is refused: a browser would go on sending it, and its user could do nothing about it.
   */
  read(cookies: string | null): Position | undefined {
    let found: Position | undefined;
    for (const pair of pairsOf(cookies ?? '')) {
      if (nameOf(pair) !== this.#name) continue;
      const position = parsePosition(pair.slice(this.#name.length + 1).trim());
      if (position !== undefined) found = latest(found ?? position, position);
    }
    return found;
  }

  /** A value of `Set-Cookie`. */
  write(position: Position, request: Pick<Request, 'url' | 'headers'>): string {
    const secure = SECURE_PREFIX.test(this.#name) || cameByHttps(request);
    const cookie = `${this.#name}=${formatPosition(position)}; ${this.#attributes}`;
    return secure ? `${cookie}; Secure` : cookie;
  }
}

/** A `Cookie` header without the cookie of that name: the same whether it was there or not. */
export function withoutCookie(cookies: string, name: string): string {
  return pairsOf(cookies).filter((pair) => nameOf(pair) !== name).join('; ');
}

/** As `cookie-string` in RFC 6265, section 4.2.1: no value holds a semicolon. */
function pairsOf(cookies: string): string[] {
  return cookies.split(';').map((pair) => pair.trim()).filter((pair) => pair !== '');
}

function nameOf(pair: string): string {
  return pair.split('=', 1)[0]?.trim() ?? '';
}

/** Or says so: TLS mostly ends before this node. Who says it falsely gains a stricter cookie. */
function cameByHttps({ url, headers }: Pick<Request, 'url' | 'headers'>): boolean {
  if (url.startsWith('https:')) return true;
  return headers.get('x-forwarded-proto')?.split(',', 1)[0]?.trim().toLowerCase() === 'https';
}
