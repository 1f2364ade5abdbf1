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

  /** `types` where more is known of the message than it says. */
  add(message: InvalidationMessage, types = typesOf(message)): void {
    if (this.#everything !== undefined || isFence(message)) return;
    const added = types?.filter((type) => !this.#types.has(type));
    if (added === undefined || this.#types.size + added.length > TYPES_MAX) {
      this.#everything = this.#widen('*', []);
      return;
    }
    for (const type of added) this.#types.set(type, this.#widen(`${type}:*`, [type]));
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

/** Undefined where not every type can be told. */
function typesOf(message: InvalidationMessage): readonly string[] | undefined {
  const { action, entity_type, entity_ids, pattern, metadata } = message;
  if (cascadeOf(metadata).length > 0) return undefined;
  switch (action) {
    case 'Delete':
    case 'Update':
      return [collectionTag(entityTypeName(entity_type))];
    case 'Batch':
      // What a key is mapped to decides of which type something was created.
      return metadata?.created === true ? undefined : headsOf(entity_ids ?? []);
    case 'Pattern':
      return pattern === null ? undefined : headsOf([pattern]);
    default:
      return action satisfies never;
  }
}

/** What stands before the colon, as it is written: all below it is mapped as the key itself is. */
const HEAD = /^([A-Za-z][\w.-]*):/;

function headsOf(texts: readonly string[]): readonly string[] | undefined {
  const heads = new Set<string>();
  for (const text of texts) {
    const head = HEAD.exec(text)?.[1];
    if (head === undefined) return undefined;
    heads.add(head);
  }
  return [...heads];
}
