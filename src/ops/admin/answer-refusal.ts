/** How the operators' listener refuses: in the same format as the GraphQL listener. */
import { refusalBody } from '../../gateway/http/refusal.ts';
import type { FreshetError } from '../../invalidation/errors.ts';

/** By their status, what a client has to know in order to do better. */
const HEADERS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'www-authenticate': 'Bearer' },
  429: { 'retry-after': '1' },
  503: { 'retry-after': '1' },
};

export function answerRefusal(
  error: FreshetError,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const status = error.status ?? 400;
  return respond(status, refusalBody(error), { ...HEADERS[status], ...headers });
}

/** For a bug of ours, of which a client learns nothing more. */
export function answerUnexpected(): Response {
  const body = refusalBody({ message: 'Unexpected error.', code: 'INTERNAL_SERVER_ERROR' });
  return respond(500, body, {});
}

function respond(
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): Response {
  return new Response(body, {
    status,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      ...headers,
    },
  });
}
