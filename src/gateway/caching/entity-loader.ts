/**
 * For a server with a schema of its own: a DataLoader whose values come from the entity cache, so
 * that of fifty users asked for in one request only the three that nobody knows are fetched.
 */
import assert from 'node:assert/strict';
import DataLoader from 'dataloader';
import type { GraphQLSchema } from 'graphql';
import { entityKey } from '../../cache/key.ts';
import { bytesToStore } from '../../cache/own-memory.ts';
import type { Fill, Load, LoadFailure, ReadPath, Use } from '../../cache/read-path.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { collectionTag, entityTag, type Tag } from '../../invalidation/tag.ts';
import { versionIn } from '../../policy/collector.ts';
import type { SchemaPolicy } from '../../policy/schema-policy.ts';
import { Attachments } from '../attachments.ts';
import type { Exchange, CachedContext } from './exchange.ts';
import { isOutageError } from '../subgraph/outage.ts';
import {
  boundsOf, lifetimeWithin, negativeTerms, useOf, type Terms,
} from './lifetime.ts';
import { tellPart } from './part.ts';
import { audienceOf, type Audience } from './scope.ts';

export interface EntityLoaderOptions<Value, Context extends object> {
  /** The GraphQL type: its `@cacheControl` says how long and for whom a value is kept. */
  readonly type: string;
  /** Tells it apart from other loaders of the type, whose values are other ones. Default none. */
  readonly name?: string;
  /**
   * One value for each id, in order; null or undefined for one that does not exist, an Error for
   * one that could not be read (it is thrown to who asked for it, and not kept). Values are kept as
   * JSON.
   */
  readonly batch: (
    ids: readonly string[],
    context: Context,
  ) => Promise<readonly (Value | Error | null | undefined)[]>;
  /** The most ids in one call of `batch`. Default 1,000. */
  readonly batchSizeMax?: number;
}

export interface EntityLoader<Value, Context extends object> {
  load(context: Context, id: string | number): Promise<Value | null>;
  loadMany(context: Context, ids: readonly (string | number)[]): Promise<(Value | Error | null)[]>;
}

export interface EntityLoaderCore {
  readonly readPath: ReadPath;
  readonly clock: Clock;
  /** What is said of the schema that the request was validated against. */
  readonly planned: (schema: GraphQLSchema) => { policy: SchemaPolicy; hash: string };
}

const BATCH_SIZE_MAX = 1_000;

export function entityLoader<Value, Context extends object>(
  core: EntityLoaderCore,
  options: EntityLoaderOptions<Value, Context>,
): EntityLoader<Value, Context> {
  const loaders = new Attachments<Context, DataLoader<string, Value | null>>('entity loader');
  const loaderOf = (context: Context): DataLoader<string, Value | null> => {
    const known = loaders.get(context);
    if (known !== undefined) return known;
    const batch = new EntityBatch(core, { ...options, context });
    const loader = new DataLoader((ids: readonly string[]) => batch.load(ids), {
      maxBatchSize: options.batchSizeMax ?? BATCH_SIZE_MAX,
      cache: !batch.isRepeated,
    });
    loaders.set(context, loader);
    return loader;
  };
  return {
    load: (context, id) => loaderOf(context).load(String(id)),
    loadMany: (context, ids) => loaderOf(context).loadMany(ids.map(String)),
  };
}

class EntityBatch<Value, Context extends object> {
  readonly #core: EntityLoaderCore;
  readonly #options: EntityLoaderOptions<Value, Context> & { readonly context: Context };
  readonly #exchange: Exchange;

  constructor(
    core: EntityLoaderCore,
    options: EntityLoaderOptions<Value, Context> & { readonly context: Context },
  ) {
    this.#core = core;
    this.#options = options;
    const { exchange } = options.context as unknown as Partial<CachedContext>;
    assert(exchange !== undefined, 'entityLoader needs the context of a request to Yoga');
    this.#exchange = exchange;
  }

  /**
   * What was loaded may have changed when it is asked for again: by the fields of a mutation one
   * after the other, and by the events of a subscription.
   */
  get isRepeated(): boolean {
    return this.#exchange.mutating || this.#exchange.streaming;
  }

  async load(ids: readonly string[]): Promise<(Value | Error | null)[]> {
    const { type, name = '', context, batch } = this.#options;
    const { policy, hash } = this.#core.planned(this.#exchange.schema);
    const hint = policy.typeHint(type);
    const { scope } = hint;
    const audience = audienceOf(scope, this.#exchange.caller);
    if (scope === 'PRIVATE') this.#exchange.parts.isPrivate = true;
    if (hint.ttlMs <= 0 || audience === undefined || this.#exchange.purpose === 'audit') {
      this.#exchange.parts.refuse('part-uncacheable');
      return (await batch(ids, context)).map((value) => value ?? null);
    }
    const keys = ids.map((id) =>
      entityKey(entityTag(type, id), ['loader', name, type, id, audience.key, hash]));
    const kind: Kind = { type, hint, audience, versionField: policy.versionField(type) };
    // By id, which may stand there twice.
    const fills = new Map<string, Fill>();
    const failures = new Map<string, Error>();
    const load: Load = async (missing) => {
      const asked = missing.map((index) => ids[index] as string);
      const values = await loadValues(this.#options, asked, context);
      return asked.map((id, at) => {
        const value = values[at] as Value | Error | null;
        if (value instanceof Error) failures.set(id, value);
        const fill = fillOf({ id, value, ...kind });
        fills.set(id, fill);
        return fill;
      });
    };
    const outcomes = await this.#core.readPath.read(keys, load, {
      bypass: this.#exchange.mutating || this.#exchange.behind,
      patience: this.#exchange.patience,
      ...useOf(hint, { exchange: this.#exchange, audience }),
      ...this.#background(ids, kind),
    }).catch((error: unknown) => {
      throw error instanceof Outage ? error.cause : error;
    });
    const now = this.#core.clock.now();
    return outcomes.map((outcome, at) => {
      const id = ids[at] as string;
      tellPart(this.#exchange, { outcome, fill: fills.get(id), now });
      return failures.get(id) ?? (JSON.parse(outcome.value.toString()) as Value | null);
    });
  }

  /** How to load them with a context of their own, when no request waits. */
  #background(ids: readonly string[], kind: Kind): Pick<Use, 'background'> {
    const { type, batch } = this.#options;
    const again = this.#exchange.again(this.#options.context, kind.audience);
    if (again === undefined) return {};
    const load: Load = async (missing) => {
      const asked = missing.map((index) => ids[index] as string);
      const context = (await again('reload')) as CachedContext & Context;
      const values = await loadValues({ type, batch }, asked, context);
      return asked.map((id, at) => fillOf({ id, value: values[at], ...kind }));
    };
    return { background: () => load };
  }
}

/** Thrown inside a load: the origin failed, as what it threw shows. */
class Outage extends Error implements LoadFailure {
  readonly isOutage = true;
}

async function loadValues<Value, Context extends object>(
  { type, batch }: Pick<EntityLoaderOptions<Value, Context>, 'type' | 'batch'>,
  ids: readonly string[],
  context: Context,
): Promise<readonly (Value | Error | null)[]> {
  const values = await batch(ids, context).catch((cause: unknown) => {
    throw isOutageError(cause) ? new Outage('The origin failed', { cause }) : cause;
  });
  assertOneEach(values, ids.length, type);
  // A look-up in a Map gives undefined for what is not there.
  return values.map((value) => value ?? null);
}

/** What is the same for all values of a loader, and for whom they are. */
interface Kind {
  readonly type: string;
  readonly hint: Terms;
  readonly audience: Audience;
  readonly versionField: string | undefined;
}

interface LoadedValue extends Kind {
  readonly id: string;
  readonly value: unknown;
}

function fillOf({ type, id, value, hint, audience, versionField }: LoadedValue): Fill {
  const tags: Tag[] = [entityTag(type, id), ...audience.tags];
  const failed = value instanceof Error;
  if (value === null || failed) tags.push(collectionTag(type));
  const lifetime = lifetimeWithin(value === null ? negativeTerms(hint) : hint, boundsOf(audience));
  const members = (typeof value === 'object' ? value : null) as Record<string, unknown> | null;
  const version = versionField === undefined ? undefined : versionIn(members?.[versionField]);
  return {
    ...lifetime,
    ...(version !== undefined && { versions: new Map([[entityTag(type, id), version]]) }),
    value: bytesToStore(JSON.stringify(failed ? null : value)),
    tags,
    ...(failed && { ttlMs: 0 }),
    shareable: !failed,
  };
}

/** The contract of foreign code, checked at the boundary. */
function assertOneEach(values: readonly unknown[], length: number, type: string): void {
  if (Array.isArray(values) && values.length === length) return;
  const got = Array.isArray(values) ? `${values.length} values` : typeof values;
  throw new TypeError(
    `The batch function of entityLoader for ${type} must resolve to one value for each id, ` +
      `${length} in order; got ${got}`,
  );
}
