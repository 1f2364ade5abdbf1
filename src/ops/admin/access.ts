/**
 * Who may ask the operators' listener. With a token, whoever bears it; without one the listener is
 * on loopback alone, and then only under a name of this machine: a web page that the operator
 * visits can make its own name point here, and must not be let in by that.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { isLoopback } from '../../gateway/config/config-relations.ts';
import { refusalBody } from '../../gateway/http/refusal.ts';
import { fault, type FreshetError } from '../../invalidation/errors.ts';

export function requireAccess(adminToken: string | undefined): MiddlewareHandler {
  const expected = adminToken === undefined ? undefined : digest(adminToken);
  return async (context, next) => {
    const refusal = expected === undefined
      ? refuseHost(context.req.header('host'))
      : refuseToken(context.req.header('authorization'), expected);
    if (refusal === undefined) return next();
    const headers = refusal.status === 401 ? { 'www-authenticate': 'Bearer' } : undefined;
    return answerRefusal(refusal, headers);
  };
}

/** The refusal in the same format as on the GraphQL listener. */
export function answerRefusal(
  error: FreshetError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(refusalBody(error), {
    status: error.status ?? 400,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  });
}

function refuseHost(host: string | undefined): FreshetError | undefined {
  const name = (host ?? '').replace(/:\d+$/, '');
  return isLoopback(name) ? undefined : fault('HOST_REFUSED', { required: 'localhost' });
}

function refuseToken(header: string | undefined, expected: Buffer): FreshetError | undefined {
  const [scheme, token, ...rest] = (header ?? '').split(' ');
  const bearer = scheme?.toLowerCase() === 'bearer' && token && rest.length === 0;
  if (!bearer) return fault('TOKEN_REQUIRED', { got: 'none' });
  // Of digests, so that neither content nor length can be learnt from the time it takes.
  const same = timingSafeEqual(digest(token), expected);
  return same ? undefined : fault('TOKEN_REQUIRED', { got: 'another' });
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
