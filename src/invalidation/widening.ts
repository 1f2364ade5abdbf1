/**
 * What remains of invalidations that there was no room to keep one by one: for each type all of its
 * entities and its collection, and where even that does not say enough, everything. It promises:
 * what it gives back purges all that went in.
 */
import { isFence } from './fence.ts';
import type { MessageMaker } from './message-maker.ts';
import { cascadeOf, entityTypeName, type InvalidationMessage } from './message.ts';
import { collectionTag } from './tag.ts';

/** More types than a schema is likely to have: then everything is purged at once. */
const TYPES_MAX = 64;

export class Widening {
  readonly #maker: MessageMaker;
  readonly #types = new Set<string>();
  #everything = false;

  constructor(maker: MessageMaker) {
    this.#maker = maker;
  }

  /** How many messages `take` would give. */
  get size(): number {
    return this.#everything ? 1 : this.#types.size;
  }

  add(message: InvalidationMessage): void {
    if (this.#everything || isFence(message)) return;
    const isOfOneType = message.action === 'Delete' || message.action === 'Update';
    // Keys and patterns may belong to any type: what they mean is decided where they are read.
    if (!isOfOneType || cascadeOf(message.metadata).length > 0) {
      this.#everything = true;
      return;
    }
    this.#types.add(entityTypeName(message.entity_type).toLowerCase());
    if (this.#types.size > TYPES_MAX) this.#everything = true;
  }

  /** The messages that say it all; afterwards nothing remains. */
  take(): readonly InvalidationMessage[] {
    const reason = 'the outbox overflowed';
    const messages = this.#everything
      ? [this.#maker.pattern('*', { reason })]
      : Array.from(this.#types, (type) => {
        const collection = collectionTag(type);
        return this.#maker.pattern(`${collection}:*`, { reason, cascade: [collection] });
      });
    this.#types.clear();
    this.#everything = false;
    return messages;
  }
}
