/**
 * Makes one executable schema of a supergraph. Every fetch that it plans goes through the executor
 * of the subgraph it is for, which the caller may wrap: there the cache sits.
 */
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import type { Executor } from '@graphql-tools/utils';
import { Kind, type ConstDirectiveNode, type GraphQLSchema } from 'graphql';
import { fault, FreshetError } from '../../invalidation/errors.ts';
import { sharePlans } from './delegation-plans.ts';
import { delegatingResolver } from './delegation.ts';
import { batchEntities } from './entity-batches.ts';
import { correctErrorPaths } from './error-paths.ts';
import { separateMutationSteps } from './mutation-steps.ts';
import type { Subgraph } from '../caching/subgraph-request.ts';
import type { Supergraph } from './supergraph.ts';

export interface SubgraphEntry {
  /** The subgraph's own name, not the enum value that stands for it. */
  readonly name: string;
  readonly endpoint: string;
}

export interface StitchOptions {
  readonly supergraph: Supergraph;
  /** Called once for each subgraph. */
  readonly createExecutor: (subgraph: SubgraphEntry) => Executor;
  /** Called for each schema that is made of a subgraph: mostly one, sometimes more. */
  readonly wrap?: (subgraph: Subgraph) => Executor;
}

/** @throws SUPERGRAPH_UNAVAILABLE where the SDL is no supergraph. */
export function stitchSupergraph(options: StitchOptions): GraphQLSchema {
  const { supergraph, createExecutor, wrap = ({ executor }) => executor } = options;
  const entries = subgraphEntries(supergraph);
  const executors = new Map<string, Executor>();
  const executorOf = (entry: SubgraphEntry): Executor => {
    const executor = executors.get(entry.name) ?? createExecutor(entry);
    executors.set(entry.name, executor);
    return executor;
  };
  try {
    const schema = getStitchedSchemaFromSupergraphSdl({
      // The text, since the library writes into a document that it is given.
      supergraphSdl: supergraph.sdl,
      onMergedTypeConfig: batchEntities,
      onSubschemaConfig(config) {
        const entry = entries.get(config.name) ?? config;
        const { name } = entry;
        config.createProxyingResolver = delegatingResolver;
        config.executor = wrap({ name, schema: config.schema, executor: executorOf(entry) });
      },
    });
    return correctErrorPaths(separateMutationSteps(sharePlans(schema)));
  } catch (cause) {
    if (cause instanceof FreshetError) throw cause;
    const reason = `a supergraph was required, got: ${(cause as Error).message}`;
    throw fault('SUPERGRAPH_UNAVAILABLE', { source: 'its SDL', reason, cause });
  }
}

/**
 * By enum value: `enum join__Graph { USERS @join__graph(name: "users", url: "http://...") }` (join
 * specification 0.3).
 *
 * @throws SUPERGRAPH_UNAVAILABLE where there is none.
 */
export function subgraphEntries({ document }: Supergraph): ReadonlyMap<string, SubgraphEntry> {
  const entries = new Map<string, SubgraphEntry>();
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.ENUM_TYPE_DEFINITION) continue;
    if (definition.name.value !== 'join__Graph') continue;
    for (const { name, directives = [] } of definition.values ?? []) {
      const graph = directives.find((directive) => directive.name.value === 'join__graph');
      if (graph === undefined) continue;
      const own = textArgument(graph, 'name') ?? name.value;
      entries.set(name.value, { name: own, endpoint: textArgument(graph, 'url') ?? '' });
    }
  }
  if (entries.size > 0) return entries;
  const reason = 'an enum join__Graph that names subgraphs was required, got none';
  throw fault('SUPERGRAPH_UNAVAILABLE', { source: 'its SDL', reason });
}

function textArgument(directive: ConstDirectiveNode, name: string): string | undefined {
  const value = directive.arguments?.find((argument) => argument.name.value === name)?.value;
  return value?.kind === Kind.STRING ? value.value : undefined;
}
