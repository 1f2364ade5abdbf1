/** What a client is told where a subgraph gave no GraphQL answer. */
import { createGraphQLError } from '@graphql-tools/utils';
import type { GraphQLError } from 'graphql';
import { fault, type FreshetError } from '../../invalidation/errors.ts';
import { HttpFailure, type HttpLimits } from './bounded-http.ts';

/** The failure of an exchange with `subgraph`, by code: SUBGRAPH_TIMEOUT and the like. */
export function exchangeError(subgraph: string, error: unknown, limits: HttpLimits): GraphQLError {
  if (!(error instanceof HttpFailure)) throw error;
  return clientError(faultOf(subgraph, error, limits));
}

/** `got` was answered, which is not GraphQL: an error page, an empty body. */
export function answerError(subgraph: string, got: string): GraphQLError {
  return clientError(fault('SUBGRAPH_ANSWER_INVALID', { subgraph, got }));
}

function faultOf(subgraph: string, failure: HttpFailure, limits: HttpLimits): FreshetError {
  switch (failure.kind) {
    case 'timeout':
      return fault('SUBGRAPH_TIMEOUT', { subgraph, timeoutMs: limits.timeoutMs });
    case 'size': {
      const got = `one of more than ${limits.bytesMax} bytes`;
      return fault('SUBGRAPH_ANSWER_INVALID', { subgraph, got });
    }
    case 'connection':
    case 'aborted':
    case 'request':
      return fault('SUBGRAPH_UNREACHABLE', { subgraph, reason: failure.message });
  }
}

/** Made without an original error: it is meant for the client as it is, and not to be masked. */
function clientError({ message, code }: FreshetError): GraphQLError {
  return createGraphQLError(message, { extensions: { code } });
}
