/**
 * Mends how Yoga refuses what is no GraphQL request: every refusal is a 4xx with a body in the
 * error format of GraphQL, also where Yoga answers with no body or takes the fault for its own.
 */
import { GraphQLError, type ExecutionResult } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import { asGraphQLError, invalidRequest, refusalBody } from './refusal.ts';

const CONTENT_TYPES = 'application/json';
const JSON_TYPE = /^application\/json\s*(;|,|$)/;
const MEDIA_TYPES = 'application/json or application/graphql-response+json';

export function useRefusals({ path }: { path: string }): Plugin {
  return {
    onRequestParse({ request, requestParser, setRequestParser }) {
      checkReadable(request);
      if (requestParser === undefined) return;
      const parse = requestParser;
      setRequestParser(async (read) => {
        try {
          return await parse(read);
        } catch (error) {
          throw unreadable(error);
        }
      });
    },
    onParams({ params }) {
      if (!hasQuery(params)) throw asGraphQLError(invalidRequest('A query', 'none'));
    },
    onExecutionResult(payload) {
      const { result } = payload;
      // Errors first: the data of an answer from the cache is parsed when it is looked at.
      const errors = (result as ExecutionResult | undefined)?.errors;
      if (errors === undefined || errors.every(hasCode) || hasData(result)) return;
      payload.setResult({ ...result, errors: errors.map(withCode) } as ExecutionResult);
    },
    onResponse(payload) {
      const { request, response, fetchAPI } = payload;
      if (response.status < 400 || response.body !== null) return;
      const error = emptyRefusal(response.status, { request, path });
      if (error === undefined) return;
      const { status, headers } = response;
      headers.set('content-type', 'application/json; charset=utf-8');
      headers.delete('content-length');
      payload.setResponse(new fetchAPI.Response(refusalBody(error), { status, headers }));
    },
  };
}

/**
 * Yoga also reads forms and bare documents, which a page of any origin may send along with its
 * visitor's cookies, and takes what is no text for one that has replacement characters.
 */
function checkReadable(request: Request): void {
  if (request.method === 'POST' && !JSON_TYPE.test(request.headers.get('content-type') ?? '')) {
    throw asGraphQLError(unsupported(request));
  }
  if (request.method === 'GET' && !isPercentEncoded(request.url)) {
    throw asGraphQLError(invalidRequest('UTF-8, percent-encoded, in the URL', 'something else'));
  }
}

function isPercentEncoded(url: string): boolean {
  try {
    decodeURIComponent(url);
    return true;
  } catch {
    return false;
  }
}

function hasData(result: unknown): boolean {
  return (result as ExecutionResult).data !== undefined;
}

function hasCode({ extensions }: GraphQLError): boolean {
  return extensions['code'] !== undefined;
}

/**
 * The executor refused the request (GraphQL, section 7.1.2), by `http` for its variables; it knows
 * nothing of codes. Who accepts no more than JSON is told with 200 (GraphQL over HTTP, 6.4.1).
 */
function withCode(error: GraphQLError): GraphQLError {
  if (hasCode(error)) return error;
  const code = error.extensions['http'] === undefined ? 'BAD_REQUEST' : 'BAD_USER_INPUT';
  const extensions = { code, http: { status: 400, spec: true } };
  return new GraphQLError(error.message, { nodes: error.nodes ?? null, extensions });
}

/** A persisted query comes without its text. */
function hasQuery(params: GraphQLParams | undefined): boolean {
  return typeof params === 'object' && params !== null &&
    (params.query != null || params.extensions?.['persistedQuery'] !== undefined);
}

/** Why the parameters could not be read, without what the client sent. */
function unreadable(error: unknown): unknown {
  if (error instanceof SyntaxError) {
    return asGraphQLError(invalidRequest('JSON in variables and extensions', 'something else'));
  }
  if (error instanceof GraphQLError && error.extensions['originalError'] !== undefined) {
    return asGraphQLError(invalidRequest('JSON in the body', 'something else'));
  }
  return error;
}

/** What Yoga meant by a status without a body; undefined where it is not one of Yoga's. */
function emptyRefusal(
  status: number,
  { request, path }: { request: Request; path: string },
): FreshetError | undefined {
  if (status === 404) return fault('PATH_UNKNOWN', { path });
  if (status === 406) {
    return fault('NOT_ACCEPTABLE', { offered: MEDIA_TYPES, got: headerOf(request, 'accept') });
  }
  return status === 415 ? unsupported(request) : undefined;
}

function unsupported(request: Request): FreshetError {
  const got = headerOf(request, 'content-type');
  return fault('MEDIA_TYPE_UNSUPPORTED', { accepted: CONTENT_TYPES, got });
}

function headerOf(request: Request, name: string): string {
  const value = request.headers.get(name);
  return value === null ? 'none' : JSON.stringify(value.slice(0, 100));
}
