/** All that requests need of one version of the supergraph; a new version has its own. */
import type { GraphQLSchema } from 'graphql';
import { hashOf } from '../cache/key.ts';
import { PassingReads } from '../cache/passing-reads.ts';
import { planOperation } from '../policy/operation-plan.ts';
import type { OperationPlan } from '../policy/plan.ts';
import { SchemaPolicy } from '../policy/schema-policy.ts';
import type { FreshetConfig } from './config/config.ts';
import type { Core } from './core.ts';
import { EntityCache } from './caching/entity-cache.ts';
import { EntityForms } from './caching/entity-forms.ts';
import { PlanCache, type PlannedSchema } from './caching/plan-cache.ts';
import { RootCache } from './caching/root-cache.ts';
import { stitchSupergraph } from './supergraph/stitch.ts';
import { SubgraphCache } from './caching/subgraph-cache.ts';
import { WrittenEntities } from './caching/written-entities.ts';
import { createSubgraphExecutor } from './subgraph/subgraph-executor.ts';
import type { Supergraph } from './supergraph/supergraph.ts';

export interface BuiltSchema extends PlannedSchema {
  readonly schema: GraphQLSchema;
  readonly policy: SchemaPolicy;
}

export interface BuildOptions {
  readonly supergraph: Supergraph;
  readonly config: FreshetConfig;
  readonly core: Core;
}

/** @throws SUPERGRAPH_UNAVAILABLE, POLICY_INVALID */
export function buildSchema({ supergraph, config, core }: BuildOptions): BuiltSchema {
  const policy = new SchemaPolicy(supergraph.document, policyOptions(config));
  const hash = schemaHash(supergraph.hash, config);
  const { writeThrough, clock, caching } = core;
  const readPath = config.cache.entities ? core.readPath : new PassingReads();
  const forms = new EntityForms(policy);
  const entities = new EntityCache({ readPath, clock, policy, forms });
  const cache = new SubgraphCache({
    entities,
    writes: new WrittenEntities({
      writeThrough, policy, forms, entities, enabled: config.cache.entities,
    }),
    roots: new RootCache({ readPath, clock }),
    invalidate: core.invalidate,
    planOf: (document, { schema }): OperationPlan => planOperation({ policy, schema, document }),
    schemaHash: hash,
    enabled: () => config.cache.enabled && caching.isOn,
  });
  const schema = stitchSupergraph({
    supergraph,
    createExecutor: ({ name, endpoint }) => createSubgraphExecutor({
      name,
      endpoint,
      clock,
      timeoutMs: config.subgraphs?.[name]?.timeoutMs ?? config.subgraphTimeoutMs,
    }),
    wrap: (subgraph) => cache.wrap(subgraph),
  });
  return { schema, hash, policy, plans: new PlanCache(policy, schema) };
}

export function policyOptions({ cache }: Pick<FreshetConfig, 'cache'>) {
  return {
    defaultTtlMs: cache.defaultTtlSeconds * 1_000,
    maxTtlMs: cache.maxTtlSeconds * 1_000,
    maxStaleWhileRevalidateMs: cache.maxStaleWhileRevalidateSeconds * 1_000,
    maxStaleIfErrorMs: cache.maxStaleIfErrorSeconds * 1_000,
    rules: cache.rules,
    keyFields: cache.keyFields,
  };
}

/** What is configured about the schema decides what is kept for whom, as the schema does. */
function schemaHash(supergraphHash: string, { cache, headers, jwt }: FreshetConfig): string {
  const { defaultTtlSeconds, rules, keyFields } = cache;
  const claims = jwt === undefined ? null : [jwt.claims, jwt.sessionClaim];
  return hashOf([supergraphHash, defaultTtlSeconds, rules, keyFields, headers, claims]);
}
