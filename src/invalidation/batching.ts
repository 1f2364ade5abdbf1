/**
 * Joins what a service publishes in one turn of the event loop: a loop over a thousand users costs
 * one message instead of a thousand.
 *
 * It promises: a message is joined with others only where the `Batch` that comes of it purges what
 * each of them would have: entities with the same action and the same metadata, whose ids need no
 * escape. Anything else goes by itself, and nothing waits for longer than the turn it came in.
 */
import type { MessageMaker } from './message-maker.ts';
import { entityTypeName, type InvalidationMessage } from './message.ts';
import { entityTag } from './tag.ts';

/** What is sent in the place of one message or of many. */
export interface Joined {
  readonly message: InvalidationMessage;
  /** The types that it is about, in lower case; undefined where the message tells by itself. */
  readonly types?: readonly string[];
}

export interface BatchingOptions<Result> {
  readonly maker: MessageMaker;
  readonly send: (joined: Joined) => Promise<Result>;
  /** Keys in one message: it takes its place among others, so it should be small. Default 1,000. */
  readonly keysMax?: number;
}

interface Group<Result> {
  readonly messages: InvalidationMessage[];
  readonly result: PromiseWithResolvers<Result>;
}

/** What belongs to one entity, or to one message, and so cannot be said of several. */
const OF_ONE = ['version', 'position', 'cascade'];

export class Batching<Result> {
  readonly #maker: MessageMaker;
  readonly #send: (joined: Joined) => Promise<Result>;
  readonly #keysMax: number;
  readonly #groups = new Map<string, Group<Result>>();

  constructor({ maker, send, keysMax = 1_000 }: BatchingOptions<Result>) {
    this.#maker = maker;
    this.#send = send;
    this.#keysMax = keysMax;
  }

  /** Settles as sending the message does, or the one that it was joined into. */
  add(message: InvalidationMessage): Promise<Result> {
    if (keyOf(message) === undefined) return this.#send({ message });
    if (this.#groups.size === 0) this.#flushAfterTurn();
    const likeness = JSON.stringify([message.action, message.metadata]);
    let group = this.#groups.get(likeness);
    if (group === undefined || group.messages.length >= this.#keysMax) {
      if (group !== undefined) this.#sendGroup(group);
      group = { messages: [], result: Promise.withResolvers<Result>() };
      this.#groups.set(likeness, group);
    }
    group.messages.push(message);
    return group.result.promise;
  }

  /** Sends what was added in this turn. */
  flush(): void {
    const groups = [...this.#groups.values()];
    this.#groups.clear();
    for (const group of groups) this.#sendGroup(group);
  }

  /** When all promises that this turn has settled were acted upon: these may publish as well. */
  #flushAfterTurn(): void {
    void Promise.resolve().then(() => process.nextTick(() => this.flush()));
  }

  #sendGroup({ messages, result }: Group<Result>): void {
    result.resolve(this.#send(joined(messages, this.#maker)));
  }
}

function joined(messages: readonly InvalidationMessage[], maker: MessageMaker): Joined {
  const [first] = messages;
  if (first !== undefined && messages.length === 1) return { message: first };
  const keys = [...new Set(messages.flatMap((message) => keyOf(message) ?? []))];
  const message = maker.batch(keys, first?.metadata ?? undefined);
  return { message, types: [...new Set(messages.map(typeOf))] };
}

/** The key that names the entity to every reader; undefined for what cannot be joined. */
function keyOf(message: InvalidationMessage): string | undefined {
  const { action, entity_id: id, metadata } = message;
  if (action !== 'Delete' && action !== 'Update') return undefined;
  if (id === null || (metadata !== null && OF_ONE.some((name) => name in metadata))) {
    return undefined;
  }
  const key = `${typeOf(message)}:${id}`;
  return key === entityTag(entityTypeName(message.entity_type), id) ? key : undefined;
}

function typeOf({ entity_type: type }: InvalidationMessage): string {
  return entityTypeName(type).toLowerCase();
}
