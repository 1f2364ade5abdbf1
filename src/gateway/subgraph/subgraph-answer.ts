/**
 * What a subgraph answered is the world's: its shape is checked, and of its errors only what
 * GraphQL defines goes on to the client.
 */
import { createGraphQLError, type ExecutionResult } from '@graphql-tools/utils';
import type { GraphQLError } from 'graphql';

/**
 * Extensions that servers add for themselves. `http` would let a subgraph set the status and the
 * headers of the gateway's own answer; the others show code of the subgraph.
 */
const INTERNAL_EXTENSIONS = ['http', 'stacktrace', 'exception', 'originalError'];

/** The answer in its own words, or `undefined` where it is no GraphQL response (section 7.1). */
export function readAnswer(raw: unknown): ExecutionResult | undefined {
  if (!isObject(raw)) return undefined;
  const { data, errors, extensions } = raw;
  if (data !== undefined && data !== null && !isObject(data)) return undefined;
  if (errors !== undefined && errors !== null && !Array.isArray(errors)) return undefined;
  const faults = (errors ?? []) as unknown[];
  if (!faults.every(isObject) || isUnreadable(faults[0])) return undefined;
  if (isNothing(data) && faults.length === 0) return undefined;
  return {
    ...(data !== undefined && { data }),
    ...(faults.length > 0 && { errors: faults.map(readError) }),
    ...(isObject(extensions) && { extensions }),
  };
}

/**
 * The executor reports what it could not send or read as an error that may quote it. Such an error
 * has a cause in this process; one that came over the wire cannot.
 */
function isUnreadable(error: unknown): boolean {
  return isObject(error) && error['originalError'] instanceof Error;
}

function readError({ message, path, extensions }: Record<string, unknown>): GraphQLError {
  return createGraphQLError(typeof message === 'string' ? message : 'Unknown error', {
    ...(isPath(path) && { path }),
    ...(isObject(extensions) && { extensions: publicExtensions(extensions) }),
  });
}

function publicExtensions(extensions: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(extensions);
  return Object.fromEntries(entries.filter(([name]) => !INTERNAL_EXTENSIONS.includes(name)));
}

function isPath(value: unknown): value is (string | number)[] {
  const isSegment = (part: unknown): boolean => typeof part === 'string' || Number.isInteger(part);
  return Array.isArray(value) && value.every(isSegment);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}
