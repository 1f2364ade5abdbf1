/**
 * Mends how Yoga refuses what is no GraphQL request: every refusal is a 4xx with a body in the
 * error format of GraphQL, also where Yoga answers with no body or takes the fault for its own.
 */
import { GraphQLError } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import { fault, type FreshetError } from '../invalidation/errors.ts';
import { asGraphQLError, invalidRequest, refusalBody } from './refusal.ts';

const CONTENT_TYPES = 'application/json';
const MEDIA_TYPES = 'application/json or application/graphql-response+json';

export function useRefusals({ path }: { path: string }): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (requestParser === undefined) return;
      const parse = requestParser;
      setRequestParser(async (request) => {
        try {
          return await parse(request);
        } catch (error) {
          throw unreadable(error);
        }
      });
    },
    onParams({ params }) {
      if (!hasQuery(params)) throw asGraphQLError(invalidRequest('A query', 'none'));
    },
    onResponse(payload) {
      const { request, response, fetchAPI } = payload;
      if (response.status < 400 || response.body !== null) return;
      const error = emptyRefusal(response.status, { request, path });
      if (error === undefined) return;
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      const { status } = response;
      payload.setResponse(new fetchAPI.Response(refusalBody(error), { status, headers }));
    },
  };
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
  if (status !== 415) return undefined;
  const got = headerOf(request, 'content-type');
  return fault('MEDIA_TYPE_UNSUPPORTED', { accepted: CONTENT_TYPES, got });
}

function headerOf(request: Request, name: string): string {
  const value = request.headers.get(name);
  return value === null ? 'none' : JSON.stringify(value.slice(0, 100));
}
