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
  readonly subgraph: string;
  /** Of the document, in its normal form. */
  readonly text: string;
  readonly plan: OperationPlan;
  readonly variables: Variables;
  readonly exchange: Exchange;
  readonly audience: Audience;
  /** Parts of the key: subgraph, operation, audience, schema; not the variables. */
  readonly base: readonly unknown[];
  /** The same for another audience. */
  readonly baseFor: (audience: Audience) => readonly unknown[];
  /** The same for an exchange of its own, that no request waits for; undefined: never so. */
  readonly again: Again | undefined;
  /** Asks the subgraph, for these variables, with the key fields that tags need. */
  readonly fetch: (variables: Variables) => Promise<ExecutionResult>;
}

export type Again = () => Promise<SubgraphRequest>;
