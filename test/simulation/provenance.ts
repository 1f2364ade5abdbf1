/**
 * Where each value came from, beside the value itself, which bears only a number: the code under
 * test carries it round and cannot look into it.
 */
import type { Millis } from '../../src/invalidation/clock.ts';
import type { Terms } from '../../src/gateway/caching/lifetime.ts';
import type { Tag } from '../../src/invalidation/tag.ts';

/** One read of the origin that went into a value. */
export interface Read {
  /** By no machine's clock, as all times here. */
  readonly at: Millis;
  readonly tags: readonly Tag[];
  /** What is declared of it. */
  readonly terms: Terms;
  /** Until then the node that read it may have missed what others were told of. */
  readonly blindUntil: Millis;
}

export class Provenance {
  readonly #reads: (readonly Read[])[] = [];

  note(reads: readonly Read[]): number {
    return this.#reads.push(reads) - 1;
  }

  of(number: number): readonly Read[] {
    return this.#reads[number] ?? [];
  }
}
