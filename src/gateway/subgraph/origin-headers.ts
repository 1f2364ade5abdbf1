/**
 * What an origin said beside a result stays with that result, and with nothing else: one load may
 * answer several requests, so the request that happened to cause it does not tell. It is kept by
 * the identity of the result object; a copy of a result says nothing.
 */
import type { ExecutionResult } from '@graphql-tools/utils';
import { Attachments } from '../attachments.ts';
import type { OriginHeaders } from './origin.ts';

const headersByResult = new Attachments<object, OriginHeaders>('origin headers');

/** `undefined` for a result that no origin gave: a timeout, a refused connection, a copy. */
export function originHeadersOf(result: ExecutionResult): OriginHeaders | undefined {
  return headersByResult.get(result);
}

/** Returns `result` itself. Headers that are `undefined` leave it as it is. */
export function withOriginHeaders<Result extends ExecutionResult>(
  result: Result,
  headers: OriginHeaders | undefined,
): Result {
  if (headers !== undefined) headersByResult.set(result, headers);
  return result;
}
