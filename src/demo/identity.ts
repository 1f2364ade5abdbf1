/**
 * Who sent a request. Services do not trust a token by its signature alone, since its session may
 * have been revoked a moment ago: they ask auth (RFC 7662, token introspection). The cache in front
 * of them makes that cheap.
 */
import { rejection } from './rejection.ts';

export interface Caller {
  readonly userId: string;
  readonly sessionId: string;
}

export interface Identity {
  /** `undefined` without a valid token. Rejects with UNAVAILABLE where that cannot be found out. */
  callerOf(authorization: string | null): Promise<Caller | undefined>;
}

const TIMEOUT_MS = 2_000;
const TOKEN_LENGTH_MAX = 8_192;

/** Asks the endpoint of auth at `url`. */
export function introspecting(url: string): Identity {
  return {
    async callerOf(authorization) {
      const token = bearerToken(authorization);
      if (token === undefined) return undefined;
      const claims = await introspect(url, token);
      if (claims['active'] !== true) return undefined;
      return { userId: String(claims['sub']), sessionId: String(claims['sid']) };
    },
  };
}

/** The token of `Bearer <token>` (RFC 6750, section 2.1). */
export function bearerToken(authorization: string | null): string | undefined {
  if (authorization === null || authorization.length > TOKEN_LENGTH_MAX) return undefined;
  return /^bearer ([\w.~+/-]+=*)$/i.exec(authorization.trim())?.[1];
}

async function introspect(url: string, token: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body: new URLSearchParams({ token }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return await response.json() as Readonly<Record<string, unknown>>;
  } catch {
    throw rejection('UNAVAILABLE', 'The token cannot be checked: auth does not answer.');
  }
}
