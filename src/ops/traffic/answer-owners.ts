/**
 * To which operations the answers belong that are kept: a key does not tell. It remembers so many
 * of those that were stored or read last, and no more of each than its name.
 */
import assert from 'node:assert/strict';
import type { RequestAnswered } from '../../gateway/diagnostics.ts';
import { FifoMap } from '../../invalidation/fifo-map.ts';

export interface Owner {
  readonly id: string;
  readonly name: string | undefined;
}

const OWNERS_MAX = 20_000;

export class AnswerOwners {
  readonly #ownersMax: number;
  /** By the id of the key. */
  readonly #owners = new FifoMap<string, Owner>();

  /** Some 200 B each. Default 20,000. */
  constructor(ownersMax = OWNERS_MAX) {
    assert(ownersMax >= 1, 'at least one owner is remembered');
    this.#ownersMax = ownersMax;
  }

  note({ keptAs, operation }: Pick<RequestAnswered, 'keptAs' | 'operation'>): void {
    if (keptAs === undefined || operation === undefined) return;
    const { id, name } = operation;
    this.#owners.set(keptAs, { id, name });
    if (this.#owners.size > this.#ownersMax) this.#owners.takeOldest();
  }

  of(id: string): Owner | undefined {
    return this.#owners.get(id);
  }
}
