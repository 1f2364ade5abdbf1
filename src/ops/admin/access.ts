/**
 * Who asks on the operators' listener, and what they may. With tokens, whoever bears one; without
 * any, on a machine of a developer, whoever is on it, and then only under a name of this machine:
 * a web page that the developer visits can make its own name point here, and must not be let in by
 * that. No page of another origin is let in at all.
 *
 * It promises: neither a token nor its length can be learnt from the time that an answer takes, and
 * no token is kept, logged or told.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { isLoopback } from '../../gateway/config/config-relations.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { createTokenReducer, type TokenReducer } from '../../gateway/http/token-reducer.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import { answerRefusal } from './answer-refusal.ts';
import type { RateLimit } from './rate-limit.ts';

/** Each may what those before it may: look; invalidate; everything. */
export const ROLES = ['read', 'purge', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface Identity {
  /** The actor in the log and in the audit. */
  readonly name: string;
  readonly role: Role;
}

export type AccessConfig = Pick<
  FreshetConfig, 'adminToken' | 'adminTokens' | 'adminJwt' | 'adminOpen'
>;

export interface AccessOptions {
  readonly config: AccessConfig;
  readonly clock: Clock;
  readonly rate: RateLimit;
}

export type AdminContext = { Variables: { identity: Identity } };

interface KnownToken extends Identity {
  readonly digest: Buffer;
}

/** Lets through who may ask at all, and says who it is. */
export function requireAccess(options: AccessOptions): MiddlewareHandler<AdminContext> {
  const { rate } = options;
  const identify = identifierOf(options);
  return async (context, next) => {
    const found = refuseOrigin(context) ?? await identify(context);
    const isRefused = found instanceof Error;
    requireRate(rate, isRefused ? '' : found.name);
    if (isRefused) return answerRefusal(found);
    context.set('identity', found);
    return next();
  };
}

/** Takes one of the requests of `name`. Throws RATE_LIMITED. */
export function requireRate(rate: RateLimit, name: string): void {
  const { perMinuteMax } = rate;
  if (!rate.take(name)) throw fault('RATE_LIMITED', { perMinuteMax });
}

/** @throws ROLE_REQUIRED */
export function requireRole({ role: got }: Identity, required: Role): void {
  if (ROLES.indexOf(got) >= ROLES.indexOf(required)) return;
  throw fault('ROLE_REQUIRED', { required, got });
}

type Identify = (context: Context) => Promise<Identity | FreshetError>;

function identifierOf({ config, clock }: AccessOptions): Identify {
  const { adminJwt, adminOpen } = config;
  const tokens = tokensOf(config);
  const reduce = adminJwt && createTokenReducer({
    jwksUrl: adminJwt.jwksUrl,
    issuer: adminJwt.issuer,
    audience: adminJwt.audience,
    claims: [adminJwt.rolesClaim, adminJwt.nameClaim],
    trustMs: TRUST_MS,
  }, clock);
  return async (context) => {
    if (tokens.length === 0 && reduce === undefined && adminOpen) {
      return refuseHost(context) ?? { name: 'loopback', role: 'admin' };
    }
    const token = bearerToken(context.req.header('authorization'));
    if (token === undefined) return fault('TOKEN_REQUIRED', { got: 'none' });
    return findToken(tokens, token)
      ?? await identityOf(token, { reduce, jwt: adminJwt })
      ?? fault('TOKEN_REQUIRED', { got: 'another' });
  };
}

/** A key that was withdrawn is believed for so long. */
const TRUST_MS = 60_000;

function tokensOf({ adminToken, adminTokens }: AccessConfig): readonly KnownToken[] {
  const named = adminTokens.map(({ name, role, hash }): KnownToken =>
    ({ name, role, digest: Buffer.from(hash, 'hex') }));
  if (adminToken === undefined) return named;
  return [...named, { name: 'admin', role: 'admin', digest: digest(adminToken) }];
}

/** Compares with all, so that it takes as long whichever it is. */
function findToken(tokens: readonly KnownToken[], token: string): Identity | undefined {
  const got = digest(token);
  let found: Identity | undefined;
  for (const { name, role, digest: expected } of tokens) {
    if (timingSafeEqual(got, expected)) found = { name, role };
  }
  return found;
}

async function identityOf(
  token: string,
  { reduce, jwt }: { reduce: TokenReducer | undefined; jwt: FreshetConfig['adminJwt'] },
): Promise<Identity | undefined> {
  if (reduce === undefined || jwt === undefined) return undefined;
  const claims = (await reduce(token))?.claims;
  const name = claims?.[jwt.nameClaim];
  const roles = [claims?.[jwt.rolesClaim]].flat();
  const role = ROLES.findLast((one) => roles.includes(one));
  if (typeof name !== 'string' || name === '' || role === undefined) return undefined;
  // No token of the configuration can have such a name.
  return { name: `jwt:${name.slice(0, NAME_LENGTH_MAX)}`, role };
}

const NAME_LENGTH_MAX = 128;

function bearerToken(header: string | undefined): string | undefined {
  const [scheme, token, ...rest] = (header ?? '').split(' ');
  return scheme?.toLowerCase() === 'bearer' && token && rest.length === 0 ? token : undefined;
}

function refuseHost(context: Context): FreshetError | undefined {
  const name = (context.req.header('host') ?? '').replace(/:\d+$/, '');
  return isLoopback(name) ? undefined : fault('HOST_REFUSED', { required: 'localhost' });
}

/** Browsers name the page that asks; what asks without a browser names none. */
function refuseOrigin(context: Context): FreshetError | undefined {
  const origin = context.req.header('origin');
  if (origin === undefined) return undefined;
  const host = context.req.header('host');
  const isOwn = URL.canParse(origin) && new URL(origin).host === host;
  return isOwn ? undefined : fault('ORIGIN_REFUSED');
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
