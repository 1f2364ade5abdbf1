/**
 * Reads from a request's headers who asks. What an origin gets to see is part of the key and
 * nothing else is: a header that the allow-list does not name is neither passed on nor looked at,
 * so it cannot make an answer differ from the one that was kept.
 */
import { canonicalJson, hashOf } from '../../cache/key.ts';
import { systemClock, type Clock } from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import { ANONYMOUS, type Caller } from './caller.ts';
import { withoutCookie } from './position-cookie.ts';
import { createTokenReducer, type TokenOptions, type TokenReducer } from './token-reducer.ts';

export interface CallerReaderOptions {
  /** Request headers that subgraphs get to see. Default `['authorization']`. */
  readonly propagate?: readonly string[];
  /** Which of them say who somebody is. Default `['authorization', 'cookie']`. */
  readonly credentials?: readonly string[];
  /** Of all that is propagated, names and values. Default 16 KiB. */
  readonly headerBytesMax?: number;
  /**
   * They are sent on to subgraphs, so what belongs to one connection or message stays behind.
   * False where resolvers look at the request itself, and see all of it. Default true.
   */
  readonly sentOn?: boolean;
  /** A cookie of the gateway's own: neither looked at nor passed on. Default none. */
  readonly ownCookie?: string | undefined;
  /** Reduces a bearer token to the claims that matter. Default: its text is the scope. */
  readonly token?: TokenOptions;
  readonly clock?: Clock;
}

/** A `Headers`, or what looks like one. */
export interface HeaderSource {
  get(name: string): string | null;
}

/**
 * At once, unless a token has to be verified.
 *
 * @throws HEADERS_TOO_LARGE
 */
export type CallerReader = (headers: HeaderSource) => Caller | Promise<Caller>;

const HEADER_BYTES_MAX = 16 * 1024;

/** Belong to one connection, and must not be forwarded (RFC 9110, section 7.6.1). */
const HOP_BY_HOP = [
  'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection',
  'te', 'trailer', 'transfer-encoding', 'upgrade',
];

/** Describe the request that carries them: the gateway makes its own, and writes its own. */
const OF_THE_MESSAGE = [
  'accept', 'accept-encoding', 'content-encoding', 'content-length', 'content-type', 'expect',
  'host',
];

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/** @throws CONFIG_INVALID where a header is named that cannot be propagated. */
export function callerReader(options: CallerReaderOptions = {}): CallerReader {
  const { propagate = ['authorization'], credentials = ['authorization', 'cookie'] } = options;
  const { headerBytesMax = HEADER_BYTES_MAX, sentOn = true, token, clock = systemClock } = options;
  const { ownCookie } = options;
  const names = propagatedNames(propagate, sentOn);
  const credentialNames = new Set(credentials.map((name) => name.toLowerCase()));
  const reduce = token === undefined ? undefined : createTokenReducer(token, clock);
  const isCredential = (name: string): boolean => credentialNames.has(name);
  return (headers) => {
    const forwarded = readHeaders(headers, { names, headerBytesMax, sentOn, ownCookie });
    const caller = callerOf(forwarded, isCredential);
    const bearer = bearerToken(forwarded['authorization']);
    const reducible = reduce !== undefined && bearer !== undefined && caller.authenticated;
    return reducible ? reduced(caller, { bearer, reduce, clock }) : caller;
  };
}

/** Lower case, each once, in an order that does not depend on the configuration's. */
function propagatedNames(propagate: readonly string[], sentOn: boolean): readonly string[] {
  const names = [...new Set(propagate.map((name) => name.toLowerCase()))].sort();
  const left = sentOn ? [...HOP_BY_HOP, ...OF_THE_MESSAGE] : [];
  const faults = names.filter((name) => !HEADER_NAME.test(name) || left.includes(name));
  if (faults.length === 0) return names;
  const required = 'propagate: header names that may be passed on were required';
  throw fault('CONFIG_INVALID', { faults: `${required}, got ${JSON.stringify(faults)}` });
}

interface Reading {
  readonly names: readonly string[];
  readonly headerBytesMax: number;
  readonly sentOn: boolean;
  readonly ownCookie: string | undefined;
}

function readHeaders(
  headers: HeaderSource,
  { names, headerBytesMax, sentOn, ownCookie }: Reading,
): Readonly<Record<string, string>> {
  const forwarded: Record<string, string> = {};
  const forThisHop = sentOn ? namedByConnection(headers) : new Set<string>();
  let bytes = 0;
  for (const name of names) {
    const sent = headers.get(name)?.trim() ?? '';
    const isStripped = name === 'cookie' && ownCookie !== undefined;
    const value = isStripped ? withoutCookie(sent, ownCookie) : sent;
    if (value === '' || forThisHop.has(name)) continue;
    bytes += name.length + Buffer.byteLength(value);
    if (bytes > headerBytesMax) throw fault('HEADERS_TOO_LARGE', { bytesMax: headerBytesMax });
    forwarded[name] = value;
  }
  return forwarded;
}

/** What the sender marks as meant for this hop alone ends here (RFC 9110, section 7.6.1). */
function namedByConnection(headers: HeaderSource): ReadonlySet<string> {
  const options = headers.get('connection')?.toLowerCase().split(',') ?? [];
  return new Set(options.map((option) => option.trim()));
}

function callerOf(
  forwarded: Readonly<Record<string, string>>,
  isCredential: (name: string) => boolean,
): Caller {
  const names = Object.keys(forwarded);
  if (names.length === 0) return ANONYMOUS;
  const shared = Object.entries(forwarded).filter(([name]) => !isCredential(name));
  return {
    forwarded,
    authenticated: shared.length < names.length,
    sharedScope: shared.length === 0 ? '' : hashOf(['headers', shared]),
    ownScope: hashOf(['headers', Object.entries(forwarded)]),
    tags: [],
    validForMs: Number.POSITIVE_INFINITY,
  };
}

/** The credentials of `Authorization: Bearer` (RFC 6750, section 2.1). */
function bearerToken(authorization: string | undefined): string | undefined {
  return /^bearer\s+(.+)$/i.exec(authorization ?? '')?.[1];
}

interface Reduction {
  readonly bearer: string;
  readonly reduce: TokenReducer;
  readonly clock: Clock;
}

async function reduced(caller: Caller, { bearer, reduce, clock }: Reduction): Promise<Caller> {
  const token = await reduce(bearer);
  // It is the origin's to refuse it. Until then nothing that it answers is this caller's to keep.
  if (token === undefined) return { ...caller, validForMs: 0, believedUntil: 0 };
  const { authorization: _, ...others } = caller.forwarded;
  const { claims, tags } = token;
  const endsAt = clock.now() + token.validForMs;
  // The session too: what another one of the same user caches must not outlast its revocation.
  const ownScope = hashOf(['claims', canonicalJson(claims), tags, Object.entries(others)]);
  return {
    ...caller,
    ownScope,
    tags,
    believedUntil: token.believedUntil,
    get validForMs() {
      return endsAt - clock.now();
    },
  };
}
