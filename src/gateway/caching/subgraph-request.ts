/** One fetch from a subgraph, with all that its caching is decided by. */
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import type { Executor } from '@graphql-tools/utils';
import type { OperationPlan, Variables } from '../../policy/plan.ts';
import type { Exchange } from './exchange.ts';
import type { Audience } from './scope.ts';

export interface Subgraph {
  readonly name: string;
  readonly schema: GraphQLSchema;
  readonly executor: Executor;
}

export interface SubgraphRequest {
  readonly plan: OperationPlan;
  readonly variables: Variables;
  readonly exchange: Exchange;
  readonly audience: Audience;
  /** Parts of the key: subgraph, operation, audience, schema; not the variables. */
  readonly base: readonly unknown[];
  /** Asks the subgraph, for these variables, with the key fields that tags need. */
  readonly fetch: (variables: Variables) => Promise<ExecutionResult>;
}
