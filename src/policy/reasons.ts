/** Why an operation is kept for as long as it is, and for whom: which type or field decided. */
import { getOperationAST } from 'graphql';
import { complete } from './completion.ts';
import { EntityTypes } from './entity-types.ts';
import { notOfSchema } from './field.ts';
import { lifetimeOf } from './lifetime.ts';
import type { PlanSource } from './operation-plan.ts';
import type { Scope } from './plan.ts';
import type { Said } from './schema-policy.ts';
import { selectionOf } from './selection.ts';

/** What decided, and what it said. */
export interface Reason {
  /** `default`, `limit`: cache.defaultTtlSeconds, cache.maxTtlSeconds of the configuration. */
  readonly by: Said['by'] | 'default' | 'limit';
  /** `Type` or `Type.field`; of a default, what it fills in for; undefined where it is for all. */
  readonly coordinate: string | undefined;
}

export interface Reasons {
  readonly ttlMs: number;
  readonly ttl: Reason;
  readonly scope: Scope;
  /** Undefined where all of it is declared PUBLIC. */
  readonly scopeFrom: Reason | undefined;
}

/** As `planOperation` decides it. Throws as that does. */
export function reasonsOf(source: PlanSource): Reasons {
  const { policy, schema, document, operationName, aliasPrefix = '_freshet_' } = source;
  const operation = getOperationAST(document, operationName);
  if (!operation) throw notOfSchema('a document with the operation to be executed');
  const entities = new EntityTypes({ schema, policy, aliasPrefix });
  const root = selectionOf({ schema, ...complete({ document, operation, entities }) });
  let [leastMs, ages] = [Number.POSITIVE_INFINITY, [] as readonly string[]];
  const places = new Map<Scope, readonly string[]>();
  const lifetime = lifetimeOf(root, entities, {
    age(ttlMs, coordinates) {
      if (ttlMs < leastMs) [leastMs, ages] = [ttlMs, coordinates];
    },
    scope(scope, coordinates) {
      if (!places.has(scope)) places.set(scope, coordinates);
    },
  });
  const byDefault: Reason = { by: 'default', coordinate: ages[0] };
  const said = policy.whoSays('maxAgeSeconds', { value: leastMs / 1_000, coordinates: ages });
  const isLimited = Number.isFinite(leastMs) && leastMs > policy.limits.maxTtlMs;
  const { scope } = lifetime;
  const coordinates = places.get(scope) ?? [];
  const declared = scope === 'PRIVATE'
    ? policy.whoSays('scope', { value: scope, coordinates })
    : undefined;
  return {
    ttlMs: lifetime.ttlMs,
    ttl: isLimited ? { by: 'limit', coordinate: undefined } : said ?? byDefault,
    scope,
    scopeFrom: scope === 'PUBLIC' ? undefined : declared ?? undeclaredAt(coordinates[0]),
  };
}

function undeclaredAt(coordinate: string | undefined): Reason {
  return { by: 'default', coordinate };
}
