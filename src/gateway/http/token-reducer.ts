/**
 * Reduces a signed token (JWT, RFC 7519) to the claims that its holder's answers depend on, so that
 * a renewed token finds what the old one left in the cache.
 *
 * Only a token whose signature, issuer, audience and times have been verified is reduced: anyone
 * can write claims into a token of their own making. Of any other nothing is believed.
 */
import { createHash } from 'node:crypto';
import {
  createLocalJWKSet, createRemoteJWKSet, errors, jwtVerify,
  type JSONWebKeySet, type JWTPayload, type JWTVerifyOptions,
} from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import { entityTag, type Tag } from '../../invalidation/tag.ts';
import { parseEndpoint } from '../subgraph/endpoint.ts';

/** Exactly one of `jwksUrl`, `jwks` and `secret` says how signatures are checked. */
export interface TokenOptions {
  /** Where the issuer publishes its keys (RFC 7517). */
  readonly jwksUrl?: string;
  readonly jwks?: JSONWebKeySet;
  /** Shared with the issuer, for HS256, HS384 and HS512. */
  readonly secret?: string;
  /** Default: those that fit the key. `none` is never accepted. */
  readonly algorithms?: readonly string[];
  readonly issuer?: string | readonly string[];
  readonly audience?: string | readonly string[];
  /** What the answers to a caller depend on. Default `['sub', 'roles']`. */
  readonly claims?: readonly string[];
  /** Names the session: its entries get the tag `session:<value>`. Default `'sid'`. */
  readonly sessionClaim?: string;
  /** How long a verification is believed without being repeated. Default 300,000 ms. */
  readonly trustMs?: Millis;
}

export interface ReducedToken {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly tags: readonly Tag[];
  /** What is left of it; never 0 or less. */
  readonly validForMs: Millis;
  /** By the wall clock: until then it is not verified anew. */
  readonly believedUntil: Millis;
}

/** `undefined` for a token that cannot be verified, or has expired. */
export type TokenReducer = (token: string) => Promise<ReducedToken | undefined>;

/** What is remembered of one token, by its hash. Times are the wall clock's, as in the token. */
interface Verdict {
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  readonly tags: readonly Tag[];
  readonly expiresAt: Millis;
  /** After this it is verified anew. */
  readonly trustedUntil: Millis;
}

/** An RSA token must not be checked with the secret, nor one of HMAC with a public key. */
const HMAC = ['HS256', 'HS384', 'HS512'];
const VERDICTS_MAX = 10_000;
const KEYS_TIMEOUT_MS = 2_000;
/** How long a token that failed is not verified again, and the keys not asked for again. */
const REFUSAL_MS = 5_000;

/** @throws CONFIG_INVALID */
export function createTokenReducer(options: TokenOptions, clock: Clock): TokenReducer {
  const reducer = new Reducer(options, clock);
  return (token) => reducer.reduce(token);
}

class Reducer {
  readonly #options: TokenOptions;
  readonly #clock: Clock;
  readonly #verify: (token: string) => Promise<JWTPayload>;
  readonly #verdicts = new LRUCache<string, Verdict>({ max: VERDICTS_MAX });
  readonly #underWay = new Map<string, Promise<Verdict>>();
  /** The keys could not be fetched: no request waits for them again before this. */
  #keysRestUntil: Millis = Number.NEGATIVE_INFINITY;

  constructor(options: TokenOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#verify = verifierOf(options, clock);
  }

  async reduce(token: string): Promise<ReducedToken | undefined> {
    const { claims, tags, expiresAt, trustedUntil } = await this.#verdictOn(token);
    const validForMs = expiresAt - this.#clock.wall();
    if (claims === undefined || validForMs <= 0) return undefined;
    return { claims, tags, validForMs, believedUntil: Math.min(expiresAt, trustedUntil) };
  }

  #verdictOn(token: string): Verdict | Promise<Verdict> {
    const key = createHash('sha256').update(token).digest('base64url');
    const known = this.#verdicts.get(key);
    if (known !== undefined && this.#clock.wall() < known.trustedUntil) return known;
    if (this.#clock.now() < this.#keysRestUntil) return this.#refusal();
    const pending = this.#underWay.get(key) ?? this.#judge(token, key);
    this.#underWay.set(key, pending);
    return pending;
  }

  async #judge(token: string, key: string): Promise<Verdict> {
    try {
      const verdict = this.#verdictOf(await this.#verify(token));
      this.#verdicts.set(key, verdict);
      return verdict;
    } catch (error) {
      const verdict = this.#refusal();
      if (isAboutKeys(error)) this.#keysRestUntil = this.#clock.now() + REFUSAL_MS;
      else this.#verdicts.set(key, verdict);
      return verdict;
    } finally {
      this.#underWay.delete(key);
    }
  }

  #verdictOf(payload: JWTPayload): Verdict {
    const { claims = ['sub', 'roles'], sessionClaim = 'sid', trustMs = 300_000 } = this.#options;
    const session = payload[sessionClaim];
    const named = (typeof session === 'string' && session !== '') || Number.isFinite(session);
    return {
      // The issuer too: `sub` is unique only within it (RFC 7519, section 4.1.2).
      claims: Object.fromEntries(['iss', ...claims].map((name) => [name, payload[name] ?? null])),
      tags: named ? [entityTag('session', session as string | number)] : [],
      expiresAt: (payload.exp ?? Number.POSITIVE_INFINITY) * 1000,
      trustedUntil: this.#clock.wall() + trustMs,
    };
  }

  #refusal(): Verdict {
    const trustedUntil = this.#clock.wall() + REFUSAL_MS;
    return { claims: undefined, tags: [], expiresAt: 0, trustedUntil };
  }
}

function verifierOf(options: TokenOptions, clock: Clock): (token: string) => Promise<JWTPayload> {
  const key = keyOf(options);
  const { issuer, audience } = options;
  const algorithms = options.algorithms ?? (options.secret === undefined ? undefined : HMAC);
  return async (token) => {
    const verification: JWTVerifyOptions = {
      currentDate: new Date(clock.wall()),
      ...(algorithms !== undefined && { algorithms: [...algorithms] }),
      ...(issuer !== undefined && { issuer: listOf(issuer) }),
      ...(audience !== undefined && { audience: listOf(audience) }),
    };
    return (await jwtVerify(token, key, verification)).payload;
  };
}

function keyOf({ jwksUrl, jwks, secret }: TokenOptions) {
  const given = [jwksUrl, jwks, secret].filter((way) => way !== undefined).length;
  if (given !== 1) throw invalid('', `one of jwksUrl, jwks and secret was required, got ${given}`);
  if (secret === '') throw invalid('.secret', 'a secret was required, got an empty text');
  if (secret !== undefined) return new TextEncoder().encode(secret);
  if (jwks !== undefined) return localKeys(jwks);
  const endpoint = parseEndpoint(jwksUrl ?? '');
  if (endpoint === undefined) throw invalid('.jwksUrl', 'an http URL was required, got another');
  const { url, headers } = endpoint;
  return createRemoteJWKSet(new URL(url), { headers, timeoutDuration: KEYS_TIMEOUT_MS });
}

function localKeys(jwks: JSONWebKeySet) {
  try {
    return createLocalJWKSet(jwks);
  } catch {
    throw invalid('.jwks', 'a JSON Web Key Set was required, got something else');
  }
}

function invalid(path: string, complaint: string): Error {
  return fault('CONFIG_INVALID', { faults: `token${path}: ${complaint}` });
}

function listOf(value: string | readonly string[]): string[] {
  return typeof value === 'string' ? [value] : [...value];
}

/** Not the token's fault: the keys could not be fetched, or are none. */
function isAboutKeys(error: unknown): boolean {
  if (error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) return true;
  // So `jose` says that the key server's answer was none; no token can make it say so.
  if (error instanceof errors.JOSEError) return error.code === errors.JOSEError.code;
  // Of `fetch`: only a failure of the network has a cause.
  return error instanceof TypeError && error.cause !== undefined;
}
