/**
 * What remains of invalidations that there was no room to keep one by one: for each type all of its
 * entities and its collection, and where even that does not say enough, everything. It promises:
 * what it gives back purges all that went in.
 */
import { isFence } from './fence.ts';
import type { MessageMaker } from './message-maker.ts';
import { cascadeOf, entityTypeName, type InvalidationMessage } from './message.ts';
import type { Position } from './position.ts';
import { collectionTag } from './tag.ts';

/**
 * Called with each wider message as soon as it stands for another one; returns what is called once
 * it has its position, or with undefined where it gets none.
 */
export type OnWidened = (message: InvalidationMessage) => (position: Position | undefined) => void;

export interface Widened {
  readonly message: InvalidationMessage;
  readonly settled: (position: Position | undefined) => void;
}

/** More types than a schema is likely to have: then everything is purged at once. */
const TYPES_MAX = 64;

export class Widening {
  readonly #maker: MessageMaker;
  readonly #onWidened: OnWidened;
  readonly #types = new Map<string, Widened>();
  #everything: Widened | undefined;

  constructor(maker: MessageMaker, onWidened: OnWidened = () => () => undefined) {
    this.#maker = maker;
    this.#onWidened = onWidened;
  }

  /** How many messages `take` would give. */
  get size(): number {
    return this.#everything === undefined ? this.#types.size : 1;
  }

  add(message: InvalidationMessage): void {
    if (this.#everything !== undefined || isFence(message)) return;
    const type = typeOf(message);
    if (type !== undefined && this.#types.has(type)) return;
    if (type === undefined || this.#types.size >= TYPES_MAX) {
      this.#everything = this.#widen('*', []);
    } else {
      const collection = collectionTag(type);
      this.#types.set(type, this.#widen(`${collection}:*`, [collection]));
    }
  }

  /** The messages that say it all; afterwards nothing remains. */
  take(): readonly Widened[] {
    const types = [...this.#types.values()];
    const everything = this.#everything;
    this.#types.clear();
    this.#everything = undefined;
    if (everything === undefined) return types;
    const settled: Widened['settled'] = (position) => {
      for (const one of [everything, ...types]) one.settled(position);
    };
    return [{ message: everything.message, settled }];
  }

  #widen(pattern: string, cascade: readonly string[]): Widened {
    const reason = 'the outbox overflowed';
    const metadata = { reason, ...(cascade.length > 0 && { cascade }) };
    const message = this.#maker.pattern(pattern, metadata);
    return { message, settled: this.#onWidened(message) };
  }
}

/** Undefined for keys and patterns, which may belong to any: what they mean is decided later. */
function typeOf(message: InvalidationMessage): string | undefined {
  const isOfOneType = message.action === 'Delete' || message.action === 'Update';
  if (!isOfOneType || cascadeOf(message.metadata).length > 0) return undefined;
  return entityTypeName(message.entity_type).toLowerCase();
}
