/**
 * Where an error belongs in the answer. The stitching asks for the entities of many places in one
 * fetch, and gives the errors of all of them the path of the first; at the field where an error
 * comes to light the place is known.
 */
import { relocatedError } from '@graphql-tools/utils';
import {
  GraphQLError, responsePathAsArray, type GraphQLResolveInfo, type GraphQLSchema,
} from 'graphql';
import { wrapResolvers, type Resolver } from './wrap-resolvers.ts';

type Path = readonly (string | number)[];

/** Makes every error that a field of `schema` resolves to bear the path of that field. */
export function correctErrorPaths(schema: GraphQLSchema): GraphQLSchema {
  return wrapResolvers(schema, withErrorPaths);
}

function withErrorPaths(resolve: Resolver): Resolver {
  return (...given) => {
    const value = resolve(...given);
    const [, , , info] = given;
    if (isPromise(value)) return value.then((later) => corrected(later, info));
    return corrected(value, info);
  };
}

function corrected(value: unknown, info: GraphQLResolveInfo): unknown {
  if (value instanceof Error) return relocated(value, responsePathAsArray(info.path));
  if (!Array.isArray(value) || !value.some((item) => item instanceof Error)) return value;
  const path = responsePathAsArray(info.path);
  return value.map((item: unknown, index) =>
    (item instanceof Error ? relocated(item, [...path, index]) : item));
}

function relocated(error: Error, place: Path): Error {
  if (error instanceof AggregateError) {
    const errors = (error.errors as unknown[]).map((one) =>
      (one instanceof Error ? relocated(one, place) : one));
    return new AggregateError(errors, error.message);
  }
  if (!(error instanceof GraphQLError) || error.path === undefined) return error;
  const path = pathAt(place, error.path);
  return path === undefined ? error : relocatedError(error, path);
}

/**
 * `path` with the list indices of `place`, if it is the path of `place` or of something within it;
 * there the error was, and took everything up to `place` with it. Its own indices are another
 * one's, or are missing: the stitching may fetch for a whole list at the field that returns it.
 */
function pathAt(place: Path, path: Path): Path | undefined {
  let at = 0;
  for (const segment of place) {
    const isSame = typeof segment === 'number'
      ? typeof path[at] === 'number'
      : segment === path[at];
    if (isSame) at += 1;
    else if (typeof segment !== 'number') return undefined;
  }
  return [...place, ...path.slice(at)];
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value
    && typeof value.then === 'function';
}
