/**
 * For a server that keeps `useResponseCache` of `@envelop/response-cache`: its `cache` option with
 * our log, horizon and stores behind it. The option may be a function of the context; so one object
 * serves one request, and keeps the stamp that was taken before its operation was executed.
 *
 * That plugin stays responsible for keys, scopes and which entities an answer holds. What stands in
 * the way of our promises there, and why our own plugin (`useFreshet`) does not build on it: it
 * decides PRIVATE by response key, so an alias walks round it; it does not wait for `invalidate`,
 * so a mutation may answer before other nodes can know; and it runs equal requests side by side.
 */
import type { Cache, CacheEntityRecord } from '@envelop/response-cache';
import type { ExecutionResult } from 'graphql';
import { entryOf } from '../../cache/fill.ts';
import { responseKey } from '../../cache/key.ts';
import type { Tiers } from '../../cache/tiers.ts';
import type { Clock, Millis, Random } from '../../invalidation/clock.ts';
import type { Horizon } from '../../invalidation/horizon.ts';
import type { Purge } from '../../invalidation/purge.ts';
import { collectionTag, entityTag, type Tag } from '../../invalidation/tag.ts';
import type { Invalidate } from './invalidate.ts';

export interface EnvelopCacheOptions {
  readonly tiers: Tiers;
  readonly horizon: Horizon;
  readonly clock: Clock;
  readonly invalidate: Invalidate;
  /** The plugin's own default is to keep for ever; nothing is kept longer than this. */
  readonly ttlMsMax: Millis;
}

export function envelopCache(options: EnvelopCacheOptions): (context: object) => Cache {
  const perRequest = new WeakMap<object, Cache>();
  return (context) => {
    const known = perRequest.get(context);
    if (known !== undefined) return known;
    const cache = openCache(options);
    perRequest.set(context, cache);
    return cache;
  };
}

function openCache({ tiers, horizon, clock, invalidate, ttlMsMax }: EnvelopCacheOptions): Cache {
  const stamp = horizon.position;
  const beganAt = clock.now();
  return {
    async get(id) {
      const [found] = await tiers.get([responseKey(['envelop', id])]);
      if (found === undefined) return null;
      return JSON.parse(found.entry.value.toString()) as ExecutionResult;
    },
    set(id, ...[data, entities, ttlMs]) {
      const value = Buffer.from(JSON.stringify(data));
      const tags = [...entities].map((entity) => tagOf(entity));
      const fill = { value, tags, ttlMs: Math.min(ttlMs, ttlMsMax), shareable: true };
      const loaded = { stamp, beganAt, loadMs: clock.now() - beganAt };
      const entry = entryOf(fill, loaded, NEVER_ASKED);
      tiers.set(responseKey(['envelop', id]), entry);
    },
    async invalidate(entities) {
      const purges = [...entities].map((entity): Purge => ({ kind: 'tag', tag: tagOf(entity) }));
      await invalidate(purges, 'mutation');
    },
  };
}

/** Nothing here is left to chance. */
const NEVER_ASKED: Random = () => 0;

/** An entity without an id stands for its type, as the plugin does with lists and nulls. */
function tagOf({ typename, id }: CacheEntityRecord): Tag {
  return id === undefined ? collectionTag(typename) : entityTag(typename, id);
}
