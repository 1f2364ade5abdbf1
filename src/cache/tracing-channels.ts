/**
 * Where reads of the cache can be watched by who traces them (`node:diagnostics_channel`). Nobody
 * here knows who listens, and where nobody does, it costs nothing.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import type { Outcome } from './load.ts';

/** One read of one or several keys: looking, waiting for others, loading. */
export interface Reading {
  readonly keys: number;
  /** Whether they are of single entities. Else of a whole answer, of the gateway or a subgraph. */
  readonly isOfEntities: boolean;
  /** How each was answered, once it is; fewer where the read failed. */
  hows: readonly Outcome['how'][];
  readonly error?: unknown;
}

export const reading = tracingChannel<unknown, Reading>('freshet:cache.read');
