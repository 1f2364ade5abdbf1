/**
 * To which operations the answers belong that are kept: a key does not tell. It remembers so many
 * of those that were stored or read last, and no more of each than its name.
 */
import assert from 'node:assert/strict';
import type { RequestAnswered } from '../../gateway/diagnostics.ts';

export interface Owner {
  readonly id: string;
  readonly name: string | undefined;
}

const OWNERS_MAX = 20_000;

export class AnswerOwners {
  readonly #ownersMax: number;
  /** By the id of the key; the latest ones are at the end. */
  readonly #owners = new Map<string, Owner>();

  /** Some 200 B each. Default 20,000. */
  constructor(ownersMax = OWNERS_MAX) {
    assert(ownersMax >= 1, 'at least one owner is remembered');
    this.#ownersMax = ownersMax;
  }

  note({ keptAs, operation }: Pick<RequestAnswered, 'keptAs' | 'operation'>): void {
    if (keptAs === undefined || operation === undefined) return;
    const { id, name } = operation;
    this.#owners.delete(keptAs);
    this.#owners.set(keptAs, { id, name });
    if (this.#owners.size <= this.#ownersMax) return;
    for (const oldest of this.#owners.keys()) {
      this.#owners.delete(oldest);
      return;
    }
  }

  of(id: string): Owner | undefined {
    return this.#owners.get(id);
  }
}
