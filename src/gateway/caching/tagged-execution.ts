/**
 * Executing an operation and learning what its result depends on. A gateway learns it from the
 * parts that its subgraphs answered; a server with a schema of its own, from the result itself.
 */
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import type { Tag } from '../../invalidation/tag.ts';
import type { OperationPlan } from '../../policy/plan.ts';
import type { Exchange } from './exchange.ts';
import type { Invalidate } from './invalidate.ts';
import { isOutageError } from '../subgraph/outage.ts';
import { inOnePiece } from './operation-key.ts';

export type Execute = (args: ExecutionArgs) => Promise<ExecutionResult>;

export interface Tagged {
  readonly result: ExecutionResult;
  readonly tags: ReadonlySet<Tag>;
  readonly versions: ReadonlyMap<Tag, number>;
  /** A null stands where one is declared to make the answer a negative one. */
  readonly isNegative: boolean;
  /** Where it holds errors: no origin stated them, they could not be reached or failed. */
  readonly isOutage: boolean;
  /** Why the result must not be kept, other than errors in it. */
  readonly unstorable: string | undefined;
}

export interface Execution {
  readonly args: ExecutionArgs;
  readonly plan: OperationPlan;
  readonly exchange: Exchange;
  readonly execute: Execute;
}

/**
 * Runs the operation; where it is a mutation, what it changed is invalidated before this resolves.
 */
export type TaggedExecution = (execution: Execution) => Promise<Tagged>;

/** For a schema stitched from subgraphs: each subgraph fetch has told its part. */
export const executeStitched: TaggedExecution = async ({ args, exchange, execute }) => {
  const result = await execute(args);
  const { tags, versions, unstorable, failedByOutage: isOutage } = exchange.parts;
  // What is negative of it, a part is, which bounds it.
  return { result, tags, versions, unstorable, isOutage, isNegative: false };
};

/** For an executable schema: the key fields are asked for along with the rest, and taken out. */
export function executeOwnSchema(invalidate: Invalidate): TaggedExecution {
  return async ({ args, plan, exchange, execute }) => {
    // What a mutation changed is known by all of its answer, and purged before any of it leaves.
    const document = plan.operation === 'mutation' ? inOnePiece(plan.completed) : plan.completed;
    const result = await execute({ ...args, document });
    const variables = args.variableValues ?? {};
    if (plan.operation === 'mutation') {
      const purges = plan.purges(result.data, variables);
      exchange.wrote(await invalidate(purges, 'mutation'));
    }
    const { parts } = exchange;
    const harvest = plan.harvest(result.data, variables);
    const { data, overflow, isNegative } = harvest;
    const tags = new Set([...harvest.tags, ...parts.tags]);
    const versions = leastVersions(parts.versions, harvest.versions);
    const unstorable = parts.unstorable ?? (overflow ? 'too-many-tags' : undefined);
    const harvested = { ...result, data: data as ExecutionResult['data'] } as ExecutionResult;
    const isOutage = result.errors?.every(isOutageError) ?? false;
    return { result: harvested, tags, versions, isNegative, isOutage, unstorable };
  };
}

function leastVersions(...maps: readonly ReadonlyMap<Tag, number>[]): ReadonlyMap<Tag, number> {
  const least = new Map<Tag, number>();
  for (const [tag, version] of maps.flatMap((map) => [...map])) {
    least.set(tag, Math.min(version, least.get(tag) ?? version));
  }
  return least;
}
