/** A load that ended with a result which must not be kept: it holds errors. */
import type { ExecutionResult } from 'graphql';

/**
 * Thrown inside a load, so that single flight treats it as a failure: not stored, and followers
 * try once more before they are given a result with errors too.
 */
export class UnstorableResult extends Error {
  readonly result: ExecutionResult;

  constructor(result: ExecutionResult) {
    super('The result holds errors');
    this.result = result;
  }
}

/** What `load` resolves to, or the result with errors that stopped it. */
export async function orUnstorable<T>(
  load: Promise<T>,
  otherwise: (result: ExecutionResult) => T,
): Promise<T> {
  try {
    return await load;
  } catch (error) {
    if (error instanceof UnstorableResult) return otherwise(error.result);
    throw error;
  }
}
