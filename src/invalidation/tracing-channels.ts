/**
 * Where invalidations can be watched by who traces them (`node:diagnostics_channel`). Nobody here
 * knows who listens, and where nobody does, it costs nothing.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import type { Action, InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { withTraceparent } from './traceparent.ts';

/** One invalidation of this node's own, on its way to the log. */
export interface Appending {
  readonly action: Action;
  /** To be set when it begins: what the message is to bear, where it bears no `traceparent`. */
  traceparent?: string;
  /** When it has ended: the position; undefined where it is kept, to be appended later. */
  readonly result?: Position | undefined;
  readonly error?: unknown;
}

/** One record of the log that is applied on this node. */
export interface Purging {
  readonly action: Action;
  readonly position: Position;
  /** How many tags, subtrees and patterns it ends. */
  readonly purges: number;
  /** As it stands in the message: anything. */
  readonly traceparent: unknown;
}

export const appending = tracingChannel<unknown, Appending>('freshet:append');
/** Of records that bear a `traceparent`. */
export const purging = tracingChannel<unknown, Purging>('freshet:purge');

/** Calls `append` with the message, or with one that says what trace it is part of. */
export function tracedAppend<Result>(
  message: InvalidationMessage,
  append: (message: InvalidationMessage) => Promise<Result>,
): Promise<Result> {
  if (!appending.hasSubscribers) return append(message);
  const event: Appending = { action: message.action };
  return appending.tracePromise(() => append(withTraceparent(message, event.traceparent)), event);
}
