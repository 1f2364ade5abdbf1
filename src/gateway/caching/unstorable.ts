/** A load that ended with a result which must not be kept: it holds errors. */
import type { ExecutionResult, GraphQLError } from 'graphql';
import type { LoadFailure } from '../../cache/read-path.ts';
import type { Caller } from '../http/caller.ts';
import type { Audience } from './scope.ts';

/**
 * Thrown inside a load, so that single flight treats it as a failure: not stored, and followers
 * try once more before they are given a result with errors too.
 */
export class UnstorableResult extends Error implements LoadFailure {
  readonly result: ExecutionResult;
  readonly isOwn: boolean;
  readonly isOutage: boolean;

  constructor(result: ExecutionResult, { isOutage, ...reader }: Failing) {
    super('The result holds errors');
    this.result = result;
    this.isOwn = isOwnFailure(result, { ...reader, isOutage });
    this.isOutage = isOutage;
  }
}

interface Reader {
  readonly audience: Audience;
  readonly caller: Caller;
}

interface Failing extends Reader {
  /** No origin stated the errors: it could not be reached, or failed. */
  readonly isOutage: boolean;
}

/**
 * Data may be declared to be the same for everybody; what an origin says of an error may yet be
 * of the caller whose credentials it saw: that they have expired, or whose they are.
 */
function isOwnFailure({ errors = [] }: ExecutionResult, of: Failing): boolean {
  const { audience, caller, isOutage } = of;
  if (!audience.shared || !caller.authenticated) return false;
  return errors.some((error) => !isOurs(error, isOutage));
}

/**
 * That there was no answer, it is the gateway that says; and that it was no GraphQL. Yet so answers
 * a guard in front of an origin that refuses somebody's credentials, where nothing has failed.
 */
function isOurs({ extensions = {} }: Partial<GraphQLError>, isOutage: boolean): boolean {
  const code = String(extensions['code']);
  return code.startsWith('SUBGRAPH_') && (isOutage || code !== 'SUBGRAPH_ANSWER_INVALID');
}

/** What `load` resolves to, or the result with errors that stopped it. */
export function orUnstorable<T>(
  load: Promise<T>,
  otherwise: (result: ExecutionResult, failure: UnstorableResult) => T,
): Promise<T> {
  return load.catch((error: unknown) => {
    if (error instanceof UnstorableResult) return otherwise(error.result, error);
    throw error;
  });
}
