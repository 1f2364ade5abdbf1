/** A document's plan is worked out once, and goes when the document does. */
import type { DocumentNode, ExecutionArgs, GraphQLSchema } from 'graphql';
import { planOperation } from '../../policy/operation-plan.ts';
import type { OperationPlan } from '../../policy/plan.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';

/** A schema with all that its operations are cached by. */
export interface PlannedSchema {
  readonly plans: PlanCache;
  /** Part of every key: what another schema, or other rules, answered is not found. */
  readonly hash: string;
}

export class PlanCache {
  readonly #policy: SchemaPolicy;
  readonly #schema: GraphQLSchema;
  /** By operation name; a document has few. */
  readonly #plans = new WeakMap<DocumentNode, Map<string, OperationPlan>>();

  constructor(policy: SchemaPolicy, schema: GraphQLSchema) {
    this.#policy = policy;
    this.#schema = schema;
  }

  of(args: Pick<ExecutionArgs, 'document' | 'operationName'>): OperationPlan {
    const { document, operationName } = args;
    const name = operationName ?? undefined;
    const plans = this.#plans.get(document) ?? new Map<string, OperationPlan>();
    this.#plans.set(document, plans);
    const known = plans.get(name ?? '');
    if (known !== undefined) return known;
    const plan = planOperation({
      policy: this.#policy, schema: this.#schema, document, operationName: name,
    });
    plans.set(name ?? '', plan);
    return plan;
  }
}
