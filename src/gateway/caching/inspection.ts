/**
 * Stands in the place of the subgraphs while an operation is explained: it is told of each fetch
 * that would be looked for in the cache, or made, and answers with what is kept, if anything is.
 */
import type { DocumentNode, ExecutionResult } from 'graphql';
import type { OperationPlan } from '../../policy/plan.ts';
import type { Audience } from './scope.ts';
import type { Subgraph, SubgraphRequest } from './subgraph-request.ts';
import type { EntityPlace } from './entity-cache.ts';

export interface InspectedFetch {
  readonly subgraph: Subgraph;
  readonly document: DocumentNode;
  readonly plan: OperationPlan;
  readonly audience: Audience | undefined;
}

export interface InspectedPlaces extends InspectedFetch {
  readonly request: SubgraphRequest;
  /** Of one root fetch, or of each entity that is asked for. */
  readonly places: readonly EntityPlace[];
  readonly kind: 'root' | 'entity';
}

export interface Inspection {
  /** A fetch that would be looked for under these keys. */
  look(fetch: InspectedPlaces): Promise<ExecutionResult>;
  /** A fetch of which nothing is kept. */
  pass(fetch: InspectedFetch): ExecutionResult;
}

/** The GraphQL context of an operation that is explained. */
export interface InspectedContext {
  readonly inspection?: Inspection;
}
