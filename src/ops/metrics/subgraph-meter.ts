/** Counts the exchanges with each subgraph, and those of them that failed, as they are told of. */
import { fetching, type Fetching } from '../../gateway/tracing-channels.ts';
import type { MetricSample } from '../../invalidation/metric.ts';

export class SubgraphMeter {
  readonly #calls = new Map<string, { made: number; failed: number }>();

  start(): void {
    fetching.asyncStart.subscribe(this.#count as (event: unknown) => void);
  }

  close(): void {
    fetching.asyncStart.unsubscribe(this.#count as (event: unknown) => void);
  }

  get made(): readonly MetricSample[] {
    return this.#each(({ made }) => made);
  }

  get failed(): readonly MetricSample[] {
    return this.#each(({ failed }) => failed);
  }

  /** There are as many of them as the supergraph names. */
  readonly #count = ({ subgraph, code }: Fetching): void => {
    const calls = this.#calls.get(subgraph) ?? { made: 0, failed: 0 };
    calls.made += 1;
    if (code !== undefined) calls.failed += 1;
    this.#calls.set(subgraph, calls);
  };

  #each(of: (calls: { made: number; failed: number }) => number): readonly MetricSample[] {
    return [...this.#calls].map(([subgraph, calls]) => ({
      labels: { subgraph }, value: of(calls),
    }));
  }
}
