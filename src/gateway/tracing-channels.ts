/**
 * Where requests can be watched on their way through, by who traces them
 * (`node:diagnostics_channel`). Nobody here knows who listens, and where nobody does, it costs
 * nothing.
 */
import { channel, tracingChannel, type Channel } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { OperationTypeNode } from 'graphql';
import type { ReadRequest } from './http/request-body.ts';

/** A request that has been read, and is going to be answered now. */
export interface Asked {
  /** Only to be looked at. */
  readonly request: ReadRequest;
  readonly response: ServerResponse;
  /** Where its listener answers; undefined for that of the operators. */
  readonly path: string | undefined;
  /** To be set where it is to be followed on its way, which most are not: it costs something. */
  isFollowed: boolean;
}

/** One exchange with a subgraph: the request, and its answer or, of a stream, its beginning. */
export interface Fetching {
  readonly subgraph: string;
  readonly operation: OperationTypeNode;
  /** Without credentials, query and fragment. */
  readonly url: string;
  /** To be set when it begins: headers in lower case, sent beside all others. */
  headers?: Readonly<Record<string, string>>;
  /** Of the answer; undefined where there was none. */
  status?: number | undefined;
  /** Of the error that it ended with, if it did not end with an answer. */
  code?: string | undefined;
  readonly error?: unknown;
}

export const asked = channel('freshet:http.request') as Channel<unknown, Asked>;
/** Of those that are followed: the stores that are bound to it hold while they are answered. */
export const answering = channel('freshet:http.answer') as Channel<unknown, Asked>;
export const fetching = tracingChannel<unknown, Fetching>('freshet:subgraph.fetch');

const nodesOwn = channel('http.server.request.start');

/** Whether somebody listens to what Node itself tells of requests, as agents of monitoring do. */
export function isWatchedByHttp(): boolean {
  return nodesOwn.hasSubscribers;
}
