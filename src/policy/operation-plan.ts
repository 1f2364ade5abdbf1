/** Works out the plan of one operation: everything that can be known before there is a result. */
import {
  getOperationAST, type DocumentNode, type GraphQLSchema, type OperationDefinitionNode,
} from 'graphql';
import type { Purge } from '../invalidation/purge.ts';
import type { Tag } from '../invalidation/tag.ts';
import { CollectorPlan } from './collector-plan.ts';
import { Gathering, type GatheringOptions, type ObjectCollector } from './collector.ts';
import { complete } from './completion.ts';
import { DeclaredTags } from './declared-tags.ts';
import { entityTypesIn, EntityTypes } from './entity-types.ts';
import { notOfSchema } from './field.ts';
import { lifetimeOf, type Lifetime } from './lifetime.ts';
import { MutationPurges } from './mutation-purges.ts';
import type { Harvest, OperationPlan, Scope, Variables } from './plan.ts';
import type { SchemaPolicy } from './schema-policy.ts';
import { selectionOf } from './selection.ts';
import { NO_STRATEGY, type Strategy } from './strategy.ts';

export interface PlanSource {
  readonly policy: SchemaPolicy;
  /** What the document was validated against: the supergraph's schema, or a subgraph's. */
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  /** Where the document holds several operations. */
  readonly operationName?: string | undefined;
  /**
   * Begins the aliases of added fields; a client that uses it is refused. Default `_freshet_`.
   * Where one gateway stands behind another, each needs its own.
   */
  readonly aliasPrefix?: string;
  /** Beyond it an answer is not kept. Default 10,000. */
  readonly tagsMax?: number;
}

/**
 * Throws `REQUEST_INVALID` for a document without the operation or not of the schema,
 * `ALIAS_RESERVED`, and `DOCUMENT_LIMIT_EXCEEDED` for one that would take too much to plan.
 */
export function planOperation(source: PlanSource): OperationPlan {
  const { policy, schema, document, operationName, aliasPrefix = '_freshet_' } = source;
  const operation = getOperationAST(document, operationName);
  if (!operation) throw notOfSchema('a document with the operation to be executed');
  const entities = new EntityTypes({ schema, policy, aliasPrefix });
  const completion = complete({ document, operation, entities });
  const root = selectionOf({ schema, ...completion });
  const collectors = new CollectorPlan({ entities, ...completion });
  const [[rootType = '', fields = []] = []] = root.objects;
  return new Plan({
    operation,
    completed: completion.document,
    lifetime: lifetimeOf(root, entities),
    types: entityTypesIn(root, entities),
    declared: new DeclaredTags({ root, operation, entities }),
    collector: collectors.object(rootType, fields),
    mutation: operation.operation === 'mutation'
      ? new MutationPurges({ root, entities, collectors, ...completion })
      : undefined,
    gathering: {
      tagsMax: source.tagsMax ?? 10_000,
      isAdded: (responseKey) => entities.isAdded(responseKey),
    },
  });
}

interface PlanParts {
  readonly operation: OperationDefinitionNode;
  readonly completed: DocumentNode;
  readonly lifetime: Lifetime;
  readonly types: readonly string[];
  readonly declared: DeclaredTags;
  readonly collector: ObjectCollector;
  readonly mutation: MutationPurges | undefined;
  readonly gathering: Pick<GatheringOptions, 'tagsMax' | 'isAdded'>;
}

class Plan implements OperationPlan {
  readonly operation: OperationPlan['operation'];
  readonly ttlMs: number;
  readonly strategy: Strategy;
  readonly scope: Scope;
  readonly types: readonly string[];
  readonly introspection: boolean;
  readonly completed: DocumentNode;
  readonly #parts: PlanParts;

  constructor(parts: PlanParts) {
    const { lifetime } = parts;
    this.operation = parts.operation.operation;
    const isQuery = this.operation === 'query';
    this.ttlMs = isQuery ? lifetime.ttlMs : 0;
    this.strategy = isQuery ? lifetime.strategy : NO_STRATEGY;
    this.scope = lifetime.scope;
    this.types = parts.types;
    this.introspection = lifetime.introspection;
    this.completed = parts.completed;
    this.#parts = parts;
  }

  declaredTags(variables: Variables): readonly Tag[] {
    return this.#parts.declared.under(variables).tags;
  }

  harvest(data: unknown, variables: Variables): Harvest {
    const { collector, declared, gathering } = this.#parts;
    const walk = new Gathering({ ...gathering, variables, entitiesOnly: false });
    const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
    if (isObject) walk.walkObject(data as Record<string, unknown>, collector);
    const overflow = walk.overflow || !isObject || !declared.under(variables).complete;
    const { tags, versions, isNegative } = walk;
    return { data, tags, overflow, versions, isNegative };
  }

  purges(data: unknown, variables: Variables): readonly Purge[] {
    const { mutation, gathering } = this.#parts;
    return mutation?.of(data, { ...gathering, variables, entitiesOnly: true }) ?? [];
  }
}
