/** Root fields of a subgraph: the answer to one fetch is one entry. */
import assert from 'node:assert/strict';
import type { ExecutionResult } from 'graphql';
import { canonicalJson, responseKey } from '../../cache/key.ts';
import type { Fill, Load, ReadPath } from '../../cache/read-path.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { isOutage } from '../subgraph/outage.ts';
import type { EntityPlace } from './entity-cache.ts';
import { useOf } from './lifetime.ts';
import { partOf, tellPart, valueOf, type Part } from './part.ts';
import type { Again, SubgraphRequest } from './subgraph-request.ts';
import { UnstorableResult } from './unstorable.ts';

type Reads = Pick<ReadPath, 'read' | 'forget'>;
type Data = NonNullable<ExecutionResult['data']> | null;

export class RootCache {
  readonly #readPath: Reads;
  readonly #clock: Clock;

  constructor({ readPath, clock }: { readPath: Reads; clock: Clock }) {
    this.#readPath = readPath;
    this.#clock = clock;
  }

  async fetch(request: SubgraphRequest): Promise<ExecutionResult> {
    const { exchange, audience } = request;
    const { key } = this.placeOf(request);
    let part: Part | undefined;
    const load = async (): Promise<readonly Fill[]> => {
      part = await loadRoots(request);
      return [part.fill];
    };
    const [outcome] = await this.#readPath.read([key], load, {
      bypass: exchange.mutating || exchange.behind,
      patience: exchange.patience,
      ...useOf(request.plan, { exchange, audience }),
      ...(request.again !== undefined && { background: reloadOf(request.again) }),
    });
    assert(outcome !== undefined, 'one key, one outcome');
    exchange.onBroken(() => this.#readPath.forget([key]));
    tellPart(exchange, { outcome, fill: part?.fill, now: this.#clock.now() });
    return { data: valueOf(outcome, part) as Data };
  }

  /** Where the answer is kept. */
  placeOf({ base, variables }: Pick<SubgraphRequest, 'base' | 'variables'>): EntityPlace {
    return { key: responseKey(['root', ...base, canonicalJson(variables)]), tags: [] };
  }
}

/** Holds nothing of the request that it is loaded for at first. */
function reloadOf(again: Again): () => Load {
  return () => async () => [(await loadRoots(await again())).fill];
}

async function loadRoots(request: SubgraphRequest): Promise<Part> {
  const { plan, variables, audience, exchange } = request;
  const result = await request.fetch(variables);
  if (hasErrors(result)) {
    plan.harvest(result.data, variables);
    const { caller } = exchange;
    throw new UnstorableResult(result, { audience, caller, isOutage: isOutage(result) });
  }
  return partOf(result, { request, data: result.data });
}

export function hasErrors({ errors }: ExecutionResult): boolean {
  return errors !== undefined && errors.length > 0;
}
