/** A part of a response: what is kept of it, and what it says of the whole. */
import type { ExecutionResult } from 'graphql';
import type { Fill, Outcome } from '../../cache/read-path.ts';
import type { Millis } from '../../invalidation/clock.ts';
import type { Tag } from '../../invalidation/tag.ts';
import type { Exchange } from './exchange.ts';
import { originHeadersOf } from '../subgraph/origin-headers.ts';
import type { SubgraphRequest } from './subgraph-request.ts';

export interface PartSource {
  readonly request: SubgraphRequest;
  /** What of the result's data this part is, with what was added to learn its tags. */
  readonly data: unknown;
  /** Tags known without looking into the data. */
  readonly tags?: readonly Tag[];
  /** What of the harvested data is kept. Default: all. */
  readonly pick?: (data: unknown) => unknown;
}

/** What is kept of `data`, which `result` brought. An answer that set a cookie is one caller's. */
export function partOf(result: ExecutionResult, source: PartSource): Fill {
  const { request, data, tags = [], pick = (all) => all } = source;
  const { plan, variables, audience } = request;
  const harvest = plan.harvest(data, variables);
  const declared = plan.declaredTags(variables);
  const setsCookie = (originHeadersOf(result)?.setCookie.length ?? 0) > 0;
  const ttlMs = Math.min(plan.ttlMs, audience.ttlMsMax);
  const storable = !setsCookie && !harvest.overflow && ttlMs > 0;
  return {
    value: Buffer.from(JSON.stringify(pick(harvest.data) ?? null)),
    tags: [...new Set([...tags, ...harvest.tags, ...declared, ...audience.tags])],
    ttlMs: storable ? ttlMs : 0,
    shareable: storable,
  };
}

/** Tells the response that this part went into it, whether it was kept or not. */
export function tellPart(
  exchange: Exchange,
  { outcome, fill, now }: { outcome: Outcome; fill: Fill | undefined; now: Millis },
): void {
  if (exchange.streaming) return;
  const { entry } = outcome;
  if (entry !== undefined) {
    const { tags, readAt, staleAt } = entry;
    exchange.parts.add({ tags, readAt, ttlMs: staleAt - now });
  } else if (fill !== undefined) {
    exchange.parts.add(fill);
  } else {
    exchange.parts.refuse('part-unknown');
  }
}
