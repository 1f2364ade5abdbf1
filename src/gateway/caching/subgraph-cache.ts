/**
 * Sits between the stitched schema and a subgraph: what is known is not fetched, and what a
 * mutation changed is invalidated before its answer goes on.
 */
import type { ExecutionRequest, Executor } from '@graphql-tools/utils';
import { getOperationAST, Kind, type DocumentNode, type ExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { OperationPlan, Variables } from '../../policy/plan.ts';
import { REPRESENTATIONS, type EntityCache } from './entity-cache.ts';
import type { Again, CachedContext, Exchange } from './exchange.ts';
import type { InspectedContext } from './inspection.ts';
import type { Invalidate } from './invalidate.ts';
import { normalText, unnamedDigest } from './operation-key.ts';
import { isOutage } from '../subgraph/outage.ts';
import { hasErrors, type RootCache } from './root-cache.ts';
import { audienceOf, type Audience } from './scope.ts';
import type { Subgraph, SubgraphRequest } from './subgraph-request.ts';
import { orUnstorable } from './unstorable.ts';
import type { WrittenEntities } from './written-entities.ts';

export interface SubgraphCacheOptions {
  readonly entities: EntityCache;
  readonly roots: RootCache;
  readonly writes: WrittenEntities;
  readonly invalidate: Invalidate;
  readonly planOf: (document: DocumentNode, subgraph: Subgraph) => OperationPlan;
  readonly schemaHash: string;
  readonly enabled: () => boolean;
}

/** Plans of the documents that the stitching makes: some for each client operation. */
const PLANS_MAX = 10_000;
const PLANS_BYTES_MAX = 64 * 1024 * 1024;

/** What a plan and its document weigh in memory for each character of its text, as measured. */
const CHARACTER_BYTES = 100;

export class SubgraphCache {
  readonly #options: SubgraphCacheOptions;
  /** Of all subgraphs, by name and text. */
  readonly #plans = new LRUCache<string, OperationPlan>({
    max: PLANS_MAX,
    maxSize: PLANS_BYTES_MAX,
    sizeCalculation: (_plan, text) => text.length * CHARACTER_BYTES,
  });

  constructor(options: SubgraphCacheOptions) {
    this.#options = options;
  }

  wrap(subgraph: Subgraph): Executor {
    /** The same document comes again: then its text need not be looked up. */
    const plans = new WeakMap<DocumentNode, OperationPlan>();
    const cached = async (request: ExecutionRequest): Promise<ExecutionResult> => {
      const { exchange } = request.context as CachedContext;
      const plan = plans.get(request.document) ?? this.#planOf(subgraph, request.document);
      plans.set(request.document, plan);
      if (plan.operation === 'mutation') return this.#mutate({ subgraph, request, plan, exchange });
      return this.#query({ subgraph, request, plan, exchange });
    };
    return ((request: ExecutionRequest) => {
      const isCached = hasExchange(request.context) && operationOf(request) !== 'subscription';
      return isCached ? cached(request) : subgraph.executor(request);
    }) as Executor;
  }

  #planOf(subgraph: Subgraph, document: DocumentNode): OperationPlan {
    const key = `${subgraph.name} ${normalText(document)}`;
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    const plan = this.#options.planOf(document, subgraph);
    this.#plans.set(key, plan);
    return plan;
  }

  async #query({ subgraph, request, plan, exchange }: Fetch) {
    const fetch = fetchOf(subgraph, request);
    const audience = audienceOf(plan.scope, exchange.caller);
    if (plan.scope === 'PRIVATE') exchange.parts.isPrivate = true;
    const keeps = plan.ttlMs > 0 && audience !== undefined && !plan.introspection;
    const { inspection } = request.context as InspectedContext;
    const inspected = { subgraph, document: request.document, plan, audience };
    if (!keeps || !this.#options.enabled() || exchange.purpose === 'audit') {
      if (inspection !== undefined) return inspection.pass(inspected);
      exchange.parts.refuse('part-uncacheable');
      const result = await fetch(request.document, variablesOf(request));
      if (hasErrors(result)) exchange.parts.fail(isOutage(result) ? 'outage' : 'stated');
      return result;
    }
    const { schemaHash } = this.#options;
    // Clients call their operations as they like, and what they share is fetched once.
    const digest = unnamedDigest(request.document);
    const baseFor = baseOf({ subgraph: subgraph.name, digest, schemaHash });
    const { entities, roots } = this.#options;
    const isOfEntities = asksForEntities(request);
    const asked = requestOf({ subgraph, request, plan, exchange }, audience, baseFor);
    if (inspection !== undefined) {
      const places = isOfEntities ? entities.placesOf(asked) : [roots.placeOf(asked)];
      const kind = isOfEntities ? 'entity' : 'root';
      return inspection.look({ ...inspected, request: asked, places, kind });
    }
    const fetched = (isOfEntities ? entities : roots).fetch(asked);
    return orUnstorable(fetched, (result, failure) => {
      exchange.parts.fail(failure.isOutage ? 'outage' : 'stated');
      return ownCopy(result);
    });
  }

  async #mutate({ subgraph, request, plan, exchange }: Fetch): Promise<ExecutionResult> {
    const variables = variablesOf(request);
    const { writes } = this.#options;
    exchange.mutating = true;
    const running = writes.begin();
    let result: ExecutionResult | undefined;
    try {
      result = await fetchOf(subgraph, request)(plan.completed, variables);
      return result;
    } finally {
      // A mutation that failed or timed out may still have taken effect.
      const purges = plan.purges(result?.data, variables);
      try {
        const position = await this.#options.invalidate(purges, 'mutation');
        exchange.wrote(position);
        if (running !== undefined && result !== undefined) {
          writes.store(running, { subgraph, plan, variables, exchange, result, position });
        }
      } finally {
        running?.end();
      }
      if (result !== undefined) plan.harvest(result.data, variables);
    }
  }
}

interface Fetch {
  readonly subgraph: Subgraph;
  readonly request: ExecutionRequest;
  readonly plan: OperationPlan;
  readonly exchange: Exchange;
}

type BaseFor = SubgraphRequest['baseFor'];

function baseOf({ subgraph, digest, schemaHash }: {
  subgraph: string;
  digest: string;
  schemaHash: string;
}): BaseFor {
  return ({ key }) => [subgraph, digest, key, schemaHash];
}

/** A fetch without the request that it is part of. */
interface Repeatable {
  readonly subgraph: Subgraph;
  readonly plan: OperationPlan;
  readonly document: DocumentNode;
  readonly operationType: ExecutionRequest['operationType'];
  readonly variables: Variables;
  readonly audience: Audience;
  readonly baseFor: BaseFor;
  readonly again: Again | undefined;
}

function requestOf(
  { subgraph, request, plan, exchange }: Fetch,
  audience: Audience,
  baseFor: BaseFor,
): SubgraphRequest {
  const { document, operationType } = request;
  const variables = variablesOf(request);
  const again = exchange.again(request.context as object, audience);
  const fetch: Repeatable = {
    subgraph, plan, document, operationType, variables, audience, baseFor, again,
  };
  return requestWithin(fetch, exchange, fetchOf(subgraph, request));
}

function requestWithin(
  asked: Repeatable,
  exchange: Exchange,
  fetch: ReturnType<typeof fetchOf>,
): SubgraphRequest {
  const { subgraph, plan, document, variables, audience, baseFor, again } = asked;
  return {
    subgraph: subgraph.name,
    text: normalText(document),
    plan,
    exchange,
    audience,
    base: baseFor(audience),
    baseFor,
    variables,
    fetch: (given) => fetch(plan.completed, given),
    again: again && repeating(asked, again),
  };
}

/** Holds nothing of the first request: it is kept for as long as what is loaded may be. */
function repeating(asked: Repeatable, again: Again): () => Promise<SubgraphRequest> {
  const { subgraph, document, operationType } = asked;
  const kind = operationType !== undefined && { operationType };
  return async () => {
    const context = await again('reload');
    const fetch = fetchOf(subgraph, { document, ...kind, context });
    return requestWithin(asked, context.exchange, fetch);
  };
}

function hasExchange(context: unknown): context is CachedContext {
  return typeof context === 'object' && context !== null && 'exchange' in context;
}

function operationOf({ document, operationType }: ExecutionRequest): string | undefined {
  return operationType ?? getOperationAST(document)?.operation;
}

function variablesOf({ variables }: ExecutionRequest): Variables {
  return (variables ?? {}) as Variables;
}

/**
 * The same result may be given to all who waited for it, and the stitching writes into the data
 * that it is given what it fetches for one of them.
 */
function ownCopy(result: ExecutionResult): ExecutionResult {
  const { data } = result;
  return data === undefined || data === null ? result : { ...result, data: structuredClone(data) };
}

/** One root field, `_entities`, whose representations are a variable: so the stitching asks. */
function asksForEntities({ document, variables }: ExecutionRequest): boolean {
  const selections = getOperationAST(document)?.selectionSet.selections ?? [];
  const [field] = selections;
  if (selections.length !== 1 || field?.kind !== Kind.FIELD) return false;
  const list: unknown = (variables as Variables | undefined)?.[REPRESENTATIONS];
  return field.name.value === '_entities' && field.alias === undefined && Array.isArray(list);
}

function fetchOf({ executor }: Subgraph, request: ExecutionRequest) {
  const { exchange } = request.context as CachedContext;
  return async (document: DocumentNode, variables: Variables): Promise<ExecutionResult> => {
    exchange.subgraphCalls += 1;
    return (await executor({ ...request, document, variables })) as ExecutionResult;
  };
}
