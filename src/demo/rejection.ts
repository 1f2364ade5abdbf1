/** What a service answers to a request that it will not carry out: a GraphQL error with a code. */
import { GraphQLError } from 'graphql';

export type RejectionCode =
  /** The entity that was named does not exist. */
  | 'NOT_FOUND'
  /** The input is not as the schema describes it. */
  | 'BAD_USER_INPUT'
  /** A valid token is needed, or the credentials are wrong. */
  | 'UNAUTHENTICATED'
  /** The token is somebody else's. */
  | 'FORBIDDEN'
  /** More was asked for than one answer may hold. */
  | 'QUERY_TOO_LARGE'
  /** Ask again later. */
  | 'UNAVAILABLE';

export function rejection(code: RejectionCode, message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code } });
}

/** `type`: as people call it, `post`. */
export function notFound(type: string): GraphQLError {
  return rejection('NOT_FOUND', `An existing ${type} was required, got an unknown id.`);
}
