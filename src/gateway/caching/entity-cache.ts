/**
 * Entities: of the representations in one `_entities` fetch each is an entry of its own, and only
 * those that are missing go to the subgraph.
 */
import { relocatedError } from '@graphql-tools/utils';
import type { ExecutionResult, GraphQLError } from 'graphql';
import { canonicalJson, entityKey, hashOf, keyIn, type CacheKey } from '../../cache/key.ts';
import type { Load, ReadPath } from '../../cache/read-path.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { ownText } from '../../invalidation/own-text.ts';
import { entityTag, type Tag } from '../../invalidation/tag.ts';
import type { Variables } from '../../policy/plan.ts';
import { isId } from '../../policy/collector.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';
import { hasErrors } from './root-cache.ts';
import { isOutage } from '../subgraph/outage.ts';
import type { EntityForms } from './entity-forms.ts';
import { useOf } from './lifetime.ts';
import { partOf, tellPart, valueOf, type Part } from './part.ts';
import type { Again, SubgraphRequest } from './subgraph-request.ts';
import { UnstorableResult } from './unstorable.ts';

/** As Apollo Federation's subgraph specification names it; the stitching sends no other. */
export const REPRESENTATIONS = 'representations';

/** What a fetch answered, and what is kept of it for each entity. */
interface Loaded {
  readonly result: ExecutionResult;
  readonly loaded: readonly Part[];
}

type Representation = Readonly<Record<string, unknown>>;

/** What is loaded, whoever loads it. */
interface AskedFor {
  readonly representations: readonly Representation[];
  /** For each of them, the entity's tags. */
  readonly tags: readonly (readonly Tag[])[];
  /** Without the representations. */
  readonly variables: Variables;
}

/** What the keys of all entities that are asked for in one way have in common. */
export class EntityGroup {
  readonly #digest: string;
  readonly #fields = new Map<string, string>();

  /** `variables`: without the representations. Hashed once, not for each entity. */
  constructor(base: readonly unknown[], variables: Variables) {
    this.#digest = hashOf([...base, canonicalJson(variables)]);
  }

  /** For an entity of that type of which its home says all that it was asked for by. */
  keyAt(home: Tag, type: string): CacheKey {
    const field = this.#fields.get(type) ?? ownText(`${this.#digest}:${type}`);
    this.#fields.set(type, field);
    return keyIn(home, field);
  }

  keyOf(representation: Representation, tag: Tag | undefined): CacheKey {
    const text = canonicalJson(representation);
    return entityKey(tag ?? `entity:${hashOf([text])}`, [this.#digest, text]);
  }
}

export interface EntityPlace {
  readonly key: CacheKey;
  readonly tags: readonly Tag[];
}

export interface EntityCacheOptions {
  readonly forms: EntityForms;
  readonly readPath: Pick<ReadPath, 'read' | 'forget'>;
  readonly clock: Clock;
  readonly policy: SchemaPolicy;
}

export class EntityCache {
  readonly #options: EntityCacheOptions;

  constructor(options: EntityCacheOptions) {
    this.#options = options;
  }

  async fetch(request: SubgraphRequest): Promise<ExecutionResult> {
    const { exchange } = request;
    const { [REPRESENTATIONS]: list, ...others } = request.variables;
    const representations = list as readonly Representation[];
    const places = this.placesOf(request);
    const keys = places.map(({ key }) => key);
    const tags = places.map((place) => place.tags);
    this.#remember(request, others, representations);

    const parts = new Map<number, Part>();
    const errors: GraphQLError[] = [];
    const asked: AskedFor = { representations, tags, variables: others };
    const load: Load = async (missing) => {
      const { result, loaded } = await loadEntities(request, asked, missing);
      missing.forEach((index, at) => parts.set(index, loaded[at] as Part));
      errors.push(...(result.errors ?? []).map((error) => relocate(error, missing)));
      return loaded.map(({ fill }) => fill);
    };
    const { readPath } = this.#options;
    const outcomes = await readPath.read(keys, load, {
      bypass: exchange.mutating || exchange.behind,
      patience: exchange.patience,
      ...useOf(request.plan, { exchange, audience: request.audience }),
      ...(request.again !== undefined && { background: reloadOf(request.again, asked) }),
    });
    exchange.onBroken(() => readPath.forget(keys));

    const now = this.#options.clock.now();
    outcomes.forEach((outcome, at) =>
      tellPart(exchange, { outcome, fill: parts.get(at)?.fill, now }));
    if (errors.length > 0) exchange.parts.fail('stated');
    const entities = outcomes.map((outcome, at) => valueOf(outcome, parts.get(at)));
    return { data: { _entities: entities }, ...(errors.length > 0 && { errors }) };
  }

  /** Where each entity is kept that the request asks for. */
  placesOf({ base, variables }: Pick<SubgraphRequest, 'base' | 'variables'>): EntityPlace[] {
    const { [REPRESENTATIONS]: list, ...others } = variables;
    const group = new EntityGroup(base, others);
    return (list as readonly Representation[]).map((one) => this.placeOf(one, group));
  }

  /** Where an entity is kept, and its tags. */
  placeOf(representation: Representation, group: EntityGroup): EntityPlace {
    const tags = this.#tagsOf(representation);
    const [tag] = tags;
    const type = representation['__typename'] as string;
    const isSaid = tag !== undefined && this.#isKeyAlone(representation);
    return { tags, key: isSaid ? group.keyAt(tag, type) : group.keyOf(representation, tag) };
  }

  /** Whether it holds its type and texts that its tag is made of, and no more. */
  #isKeyAlone(representation: Representation): boolean {
    const keys = this.#options.policy.keyFields(representation['__typename'] as string);
    const isKey = (name: string): boolean => keys.some((path) => path[0] === name);
    return keys.every((path) => path.length === 1 && typeof at(representation, path) === 'string')
      && Object.keys(representation).every((name) => name === '__typename' || isKey(name));
  }

  /** In which form they are asked for, once for each type. */
  #remember(
    request: SubgraphRequest,
    variables: Variables,
    representations: readonly Representation[],
  ): void {
    const seen = new Set<unknown>();
    for (const representation of representations) {
      const { __typename: type } = representation;
      if (seen.has(type)) continue;
      seen.add(type);
      this.#options.forms.remember({ request, variables, representation });
    }
  }

  /**
   * The entity's tags, its own first, where the representation holds the key fields that they are
   * made of. What is represented by an interface may be of each type that implements it.
   */
  #tagsOf(representation: Representation): readonly Tag[] {
    const { policy } = this.#options;
    const type = representation['__typename'];
    if (typeof type !== 'string') return [];
    const keys = policy.keyFields(type).map((path) => at(representation, path));
    if (keys.length === 0 || !keys.every(isId)) return [];
    return policy.identities(type).map((one) => entityTag(one, ...keys.map(String)));
  }
}

/** Holds nothing of the request that they are loaded for at first. */
function reloadOf(again: Again, asked: AskedFor): () => Load {
  return () => async (missing) => {
    const { loaded } = await loadEntities(await again(), asked, missing);
    return loaded.map(({ fill }) => fill);
  };
}

async function loadEntities(
  request: SubgraphRequest,
  { representations, tags, variables }: AskedFor,
  missing: readonly number[],
): Promise<Loaded> {
  const asked = missing.map((index) => representations[index]);
  const result = await request.fetch({ ...variables, [REPRESENTATIONS]: asked });
  const missed = missing.map((index) => tags[index] ?? []);
  return { result, loaded: partsOf(result, { request, tags: missed }) };
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Representation | null)?.[name], value);
}

interface PartsSource {
  readonly request: SubgraphRequest;
  /** For each representation that was asked for, the entity's tags. */
  readonly tags: readonly (readonly Tag[])[];
}

/** One part for each entity that was asked for; none is kept of those that came with an error. */
function partsOf(result: ExecutionResult, { request, tags }: PartsSource): readonly Part[] {
  const entities = result.data?.['_entities'];
  if (!Array.isArray(entities) || entities.length !== tags.length) {
    const { audience, exchange } = request;
    const told = hasErrors(result) ? result : { ...result, errors: [] };
    const { caller } = exchange;
    throw new UnstorableResult(told, { audience, caller, isOutage: isOutage(result) });
  }
  const failed = new Set((result.errors ?? []).map(({ path }) => path?.[1]));
  return entities.map((entity: unknown, index): Part => {
    const data = { _entities: [entity] };
    const pick = (): unknown => data._entities[0];
    const part = partOf(result, { request, data, pick, tags: tags[index] ?? [] });
    const storable = !failed.has(index) && !failed.has(undefined);
    return storable ? part : { ...part, fill: { ...part.fill, ttlMs: 0, shareable: false } };
  });
}

/** The error as if all representations had been asked for, not only the missing ones. */
function relocate(error: GraphQLError, missing: readonly number[]): GraphQLError {
  const [root, index, ...rest] = error.path ?? [];
  const original = typeof index === 'number' ? missing[index] : undefined;
  if (root === undefined || original === undefined) return error;
  return relocatedError(error, [root, original, ...rest]);
}
