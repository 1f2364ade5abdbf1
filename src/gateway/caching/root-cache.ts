/** Root fields of a subgraph: the answer to one fetch is one entry. */
import assert from 'node:assert/strict';
import type { ExecutionResult } from 'graphql';
import { canonicalJson, responseKey } from '../../cache/key.ts';
import type { Fill, ReadPath } from '../../cache/read-path.ts';
import type { Clock } from '../../invalidation/clock.ts';
import { partOf, tellPart } from './part.ts';
import type { SubgraphRequest } from './subgraph-request.ts';
import { UnstorableResult } from './unstorable.ts';

type Data = NonNullable<ExecutionResult['data']> | null;

export class RootCache {
  readonly #readPath: ReadPath;
  readonly #clock: Clock;

  constructor({ readPath, clock }: { readPath: ReadPath; clock: Clock }) {
    this.#readPath = readPath;
    this.#clock = clock;
  }

  async fetch(request: SubgraphRequest): Promise<ExecutionResult> {
    const { base, variables, exchange, audience } = request;
    const key = responseKey(['root', ...base, canonicalJson(variables)]);
    let fill: Fill | undefined;
    const load = async (): Promise<readonly Fill[]> => {
      const result = await request.fetch(variables);
      if (hasErrors(result)) {
        request.plan.harvest(result.data, variables);
        throw new UnstorableResult(result, { audience, caller: exchange.caller });
      }
      fill = partOf(result, { request, data: result.data });
      return [fill];
    };
    const bypass = exchange.mutating || exchange.behind;
    const [outcome] = await this.#readPath.read([key], load, { bypass });
    assert(outcome !== undefined, 'one key, one outcome');
    exchange.onBroken(() => this.#readPath.forget([key]));
    tellPart(exchange, { outcome, fill, now: this.#clock.now() });
    return { data: JSON.parse(outcome.value.toString()) as Data };
  }
}

export function hasErrors({ errors }: ExecutionResult): boolean {
  return errors !== undefined && errors.length > 0;
}
