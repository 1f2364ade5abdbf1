/**
 * Whether a result stands for an origin that failed, as RFC 5861 (section 4) means it: it could
 * not be reached, did not answer in time, or answered 5xx. What an origin states as a GraphQL error
 * is no such thing. It is kept by the identity of the result object; a copy says nothing.
 */
import type { ExecutionResult } from '@graphql-tools/utils';

const outages = new WeakSet<object>();

/** Returns `result` itself. */
export function asOutage<Result extends ExecutionResult>(result: Result): Result {
  outages.add(result);
  return result;
}

export function isOutage(result: ExecutionResult): boolean {
  return outages.has(result);
}

/** Of sockets and of the resolution of names, as Node names them. */
const SYSTEM_CODES = [
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH',
  'ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT',
];

/** No chain of causes is followed further. */
const CAUSES_MAX = 8;

/**
 * Whether what a resolver threw says so: it comes from a socket, from a timeout
 * (`AbortSignal.timeout`), or bears `isOutage: true`, or something of the kind caused it.
 */
export function isOutageError(thrown: unknown): boolean {
  let error = thrown as Partial<Thrown> | null | undefined;
  for (let depth = 0; depth < CAUSES_MAX && typeof error === 'object'; depth += 1) {
    if (error === null) return false;
    const { code, name } = error;
    if (error.isOutage === true || name === 'TimeoutError') return true;
    if (typeof code === 'string' && SYSTEM_CODES.includes(code)) return true;
    error = (error.originalError ?? error.cause) as typeof error;
  }
  return false;
}

interface Thrown {
  readonly isOutage: unknown;
  readonly code: unknown;
  readonly name: unknown;
  readonly originalError: unknown;
  readonly cause: unknown;
}
