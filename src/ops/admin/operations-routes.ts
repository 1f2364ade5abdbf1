/** Which operations the cache serves well, and which it could serve better. */
import { z } from 'zod';
import type { Explainer } from '../../gateway/explaining/explainer.ts';
import { pause, type Clock } from '../../invalidation/clock.ts';
import type { Reasons } from '../../policy/reasons.ts';
import { adviceFor } from '../traffic/operation-advice.ts';
import { byShape, type ShapedOperation } from '../traffic/operation-shape.ts';
import { savedMsOf } from '../traffic/operation-table.ts';
import { ORDERS, type Traffic } from '../traffic/traffic.ts';
import {
  operationsAnswer, type OperationFigures, type TopOperations,
} from './dashboard-answers.ts';
import type { Route } from './route.ts';

export interface OperationsRoutesOptions {
  readonly traffic: Pick<Traffic, 'operations'>;
  /** Throws STARTING. */
  readonly explainer: () => Pick<Explainer, 'rulesOf'>;
  readonly clock: Clock;
}

const LIMIT_DEFAULT = 20;

const query = z.strictObject({
  sort: z.enum(['saved', 'unsaved']).optional().meta({
    description: 'saved: by the time that the cache has saved. unsaved: by the requests that it ' +
      'did not answer. Default saved.',
  }),
  limit: z.string().regex(/^([1-9]\d?|100)$/).optional()
    .meta({ description: `From 1 to 100. Default ${LIMIT_DEFAULT}.` }),
});

export function operationsRoutes(options: OperationsRoutesOptions): Route[] {
  return [{
    method: 'get', path: '/admin/operations', access: 'read',
    summary: 'The operations that the cache saves most by, or least, with advice.',
    query, answer: operationsAnswer, refusals: [],
    handle: ({ query: asked }) => {
      const { sort = 'saved', limit = LIMIT_DEFAULT } = asked as z.output<typeof query>;
      return topOf({ sort, limit: Number(limit) }, options);
    },
  }];
}

async function topOf(
  { sort, limit }: { sort: keyof typeof ORDERS; limit: number },
  { traffic, explainer, clock }: OperationsRoutesOptions,
): Promise<TopOperations> {
  const explaining = explainer();
  const told = await traffic.operations(sort);
  const order = ORDERS[sort];
  const top = byShape(told.flatMap(({ rows }) => rows))
    .filter((one) => order(one) > 0)
    .toSorted((one, other) => order(other) - order(one))
    .slice(0, limit);
  const operations: OperationFigures[] = [];
  for (const one of top) {
    const rules = one.text === undefined ? undefined : explaining.rulesOf(one.text, one.name);
    operations.push(figuresOf(one, rules));
    // To validate a large operation takes a millisecond or more.
    await pause(clock, 0);
  }
  return {
    operations,
    known: Math.max(...told.map(({ known }) => known)),
    forgotten: told.reduce((sum, { forgotten }) => sum + forgotten, 0),
  };
}

function figuresOf(one: ShapedOperation, reasons: Reasons | undefined): OperationFigures {
  const { hits, misses, bypasses, errors, wholeMisses } = one;
  const all = hits + misses + bypasses + errors;
  const meanOf = (sum: number): number | null => (wholeMisses === 0 ? null : sum / wholeMisses);
  return {
    id: one.id,
    name: one.name ?? null,
    kind: one.kind,
    text: one.shape ?? null,
    requests: one.requests,
    hits, misses, bypasses, errors,
    hit_ratio: all === 0 ? 0 : hits / all,
    miss_ms: meanOf(one.missMs),
    miss_subgraph_calls: meanOf(one.missCalls),
    saved_ms: savedMsOf(one),
    saved_subgraph_calls: one.savedCalls,
    ttl_ms: reasons?.ttlMs ?? null,
    scope: reasons?.scope ?? one.scope,
    types: [...one.types],
    advice: adviceFor(one, reasons).map(({ coordinate = null, ...said }) =>
      ({ ...said, coordinate })),
  };
}
