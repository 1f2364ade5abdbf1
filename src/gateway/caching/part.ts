/** A part of a response: what is kept of it, and what it says of the whole. */
import type { ExecutionResult } from 'graphql';
import { bytesToStore } from '../../cache/own-memory.ts';
import type { Fill, Outcome } from '../../cache/read-path.ts';
import type { Millis } from '../../invalidation/clock.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { Exchange } from './exchange.ts';
import { boundsOf, lifetimeWithin, negativeTerms, type Bounds } from './lifetime.ts';
import { originHeadersOf } from '../subgraph/origin-headers.ts';
import type { SubgraphRequest } from './subgraph-request.ts';

export interface PartSource {
  readonly request: Pick<SubgraphRequest, 'plan' | 'variables' | 'audience'>;
  /** What of the result's data this part is, with what was added to learn its tags. */
  readonly data: unknown;
  /** Tags known without looking into the data. */
  readonly tags?: readonly Tag[];
  /** What of the harvested data is kept. Default: all. */
  readonly pick?: (data: unknown) => unknown;
}

export interface Part {
  readonly fill: Fill;
  /** What its value is the text of: for the request alone that it was loaded for. */
  readonly value: unknown;
}

/** So many are looked through one by one. */
const FEW = 8;

/** What is kept of `data`, which `result` brought. An answer that set a cookie is one caller's. */
export function partOf(result: ExecutionResult, source: PartSource): Part {
  const { request, data, tags = [], pick = (all) => all } = source;
  const { plan, variables, audience } = request;
  const harvest = plan.harvest(data, variables);
  const declared = plan.declaredTags(variables);
  const setsCookie = (originHeadersOf(result)?.setCookie.length ?? 0) > 0;
  const terms = harvest.isNegative ? negativeTerms(plan) : plan;
  const lifetime = lifetimeWithin(terms, boundsOf(audience));
  const storable = !setsCookie && !harvest.overflow && lifetime.ttlMs > 0;
  const value = pick(harvest.data) ?? null;
  const fill = {
    ...lifetime,
    value: bytesToStore(JSON.stringify(value)),
    tags: union(tags, harvest.tags, declared, audience.tags),
    versions: harvest.versions,
    ...(!storable && { ttlMs: 0 }),
    shareable: storable,
  };
  return { fill, value };
}

/** Most parts have one tag or two. */
function union(first: readonly Tag[], ...others: readonly Iterable<Tag>[]): readonly Tag[] {
  const all = [...first];
  for (const tags of others) {
    for (const tag of tags) {
      if (all.length >= FEW) return [...new Set([first, ...others].flatMap((some) => [...some]))];
      if (!all.includes(tag)) all.push(tag);
    }
  }
  return all;
}

/**
 * What an outcome holds, for the stitching to write into: `own`, which was loaded for this very
 * read, as it was read; anything else is somebody else's as well, and is read anew.
 */
export function valueOf({ value }: Outcome, own: Part | undefined): unknown {
  return own?.fill.value === value ? own.value : JSON.parse(value.toString());
}

/** Tells the response that this part went into it, whether it was kept or not. */
export function tellPart(
  exchange: Exchange,
  { outcome, fill, now }: { outcome: Outcome; fill: Fill | undefined; now: Millis },
): void {
  if (exchange.streaming) return;
  const { parts } = exchange;
  const { entry, how, stored } = outcome;
  if (how !== 'loaded' && how !== 'coalesced') parts.found += 1;
  if (how === 'stale') parts.putOff('part-stale');
  // Somebody else read it and may not keep it, for a reason that is not known here.
  if (fill === undefined && !stored) parts.putOff('part-refused');
  if (entry !== undefined) {
    const { tags, readAt } = entry;
    parts.add({ tags, readAt, bounds: boundsOfEntry(entry, now), ...tellingOf(fill) });
  } else if (fill !== undefined) {
    parts.add({ tags: fill.tags, bounds: boundsOfFill(fill), ...tellingOf(fill) });
  } else {
    parts.refuse('part-unknown');
  }
}

function tellingOf(fill: Fill | undefined) {
  const { versions = new Map<Tag, number>(), settleMs = 0 } = fill ?? {};
  return { versions, settleMs };
}

type Kept = NonNullable<Outcome['entry']>;

function boundsOfEntry(entry: Kept, now: Millis): Bounds {
  const { staleAt, slideUntil, staleWhileRevalidateMs, staleIfErrorMs } = entry;
  const ttlMs = staleAt - now;
  return {
    ttlMs,
    revalidateMs: ttlMs + staleWhileRevalidateMs,
    errorMs: ttlMs + staleIfErrorMs,
    slideMs: Math.max(ttlMs, slideUntil - now),
  };
}

function boundsOfFill(fill: Fill): Bounds {
  const { ttlMs, staleWhileRevalidateMs = 0, staleIfErrorMs = 0, slidingMs = 0 } = fill;
  return {
    ttlMs,
    revalidateMs: ttlMs + staleWhileRevalidateMs,
    errorMs: ttlMs + staleIfErrorMs,
    slideMs: Math.max(ttlMs, slidingMs),
  };
}
