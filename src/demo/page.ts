/**
 * Lists in pages, after the GraphQL Cursor Connections Specification
 * (https://relay.dev/graphql/connections.htm), read forward only. A cursor holds the key of its
 * row, so a page begins where the one before ended, whatever was added or deleted meanwhile.
 */
import { keyOf } from './input.ts';
import { rejection } from './rejection.ts';

export const PAGE_LENGTH_MAX = 100;

export interface PageArguments {
  readonly first: number;
  readonly after?: string | null;
}

/** What to ask the database for. */
export interface PageRequest {
  /** One row more than the page has, which tells whether there is a next page. */
  readonly limit: number;
  /** The key of the last row of the page before; null for the first page. */
  readonly after: number | null;
}

export interface Connection<Row> {
  readonly edges: readonly { readonly cursor: string; readonly node: Row }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** Throws BAD_USER_INPUT for a length out of bounds or a cursor that is none of ours. */
export function readPage({ first, after = null }: PageArguments): PageRequest {
  if (first < 0 || first > PAGE_LENGTH_MAX) {
    const required = `0 to ${PAGE_LENGTH_MAX} was required`;
    throw rejection('BAD_USER_INPUT', `first: ${required}, got ${first}.`);
  }
  return { limit: first + 1, after: after === null ? null : readCursor(after) };
}

/** `rows`: what was found for `request`, `limit` of them at most. */
export function connectionOf<Row extends { readonly id: string }>(
  rows: readonly Row[],
  request: PageRequest,
): Connection<Row> {
  const edges = rows.slice(0, request.limit - 1)
    .map((node) => ({ cursor: writeCursor(node.id), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length === request.limit,
      hasPreviousPage: request.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

const CURSOR_PREFIX = 'after:';

function writeCursor(id: string): string {
  return Buffer.from(CURSOR_PREFIX + id).toString('base64url');
}

function readCursor(cursor: string): number {
  const text = cursor.length > 64 ? '' : Buffer.from(cursor, 'base64url').toString();
  const key = text.startsWith(CURSOR_PREFIX) ? keyOf(text.slice(CURSOR_PREFIX.length)) : undefined;
  if (key === undefined) {
    throw rejection('BAD_USER_INPUT', 'after: a cursor of an earlier page was required.');
  }
  return key;
}
