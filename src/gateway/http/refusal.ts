/**
 * How a request is refused that does not get as far as being executed: with the fault's own status
 * and the error format of GraphQL, so that a client has one kind of error to read.
 */
import type { ServerResponse } from 'node:http';
import { GraphQLError } from 'graphql';
import { fault, type FreshetError } from '../../invalidation/errors.ts';

const BAD_REQUEST = 400;

/** The body of a refusal: `{"errors":[{"message":...,"extensions":{"code":...}}]}`. */
export function refusalBody({ message, code }: { message: string; code: string }): string {
  return JSON.stringify({ errors: [{ message, extensions: { code } }] });
}

/** Answers with the refusal, unless an answer has begun. */
export function refuse(
  response: ServerResponse,
  error: FreshetError,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  send(response, error.status ?? BAD_REQUEST, { body: refusalBody(error), headers });
}

/** Answers for a bug of ours, of which the client learns nothing more. */
export function refuseUnexpected(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = refusalBody({ message: 'Unexpected error.', code: 'INTERNAL_SERVER_ERROR' });
  send(response, 500, { body, headers: {} });
}

/** The refusal as an error for Yoga, which then answers with its status whatever is accepted. */
export function asGraphQLError(error: FreshetError): GraphQLError {
  const http = { status: error.status ?? BAD_REQUEST, spec: false };
  return new GraphQLError(error.message, { extensions: { code: error.code, http } });
}

/** A request that is not what it has to be: `required` and `got` complete a sentence. */
export function invalidRequest(required: string, got: string): FreshetError {
  return fault('REQUEST_INVALID', { required, got });
}

function send(
  response: ServerResponse,
  status: number,
  { body, headers }: { body: string; headers: Readonly<Record<string, string>> },
): void {
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(body);
}
