/**
 * What the messages of a broker make stale: those of the channel's own shape as they are, others
 * as a mapping of the configuration says. It promises: what cannot be read is refused with a
 * reason that shows nothing of the payload.
 */
import { fault } from '../../../invalidation/errors.ts';
import type { MessageMaker } from '../../../invalidation/message-maker.ts';
import {
  BATCH_LENGTH_MAX, readMessage, type InvalidationMessage,
} from '../../../invalidation/message.ts';
import { collectionTag, entityTag, type Tag } from '../../../invalidation/tag.ts';
import { messageOfType } from '../postgres/stale-keys.ts';
import { WordPattern } from './word-pattern.ts';

export interface BrokerMapping {
  /** Which messages, by their subject or routing key. */
  readonly pattern: string;
  /** A name, a JSON pointer (RFC 6901), or `$2` for the second word of the subject. */
  readonly type: string;
  /**
   * The entity's key, in the order of its fields in the schema: pointers and words. A pointer that
   * stands alone may lead to a list: each of it is an entity.
   */
  readonly id: readonly string[];
  /** The lists of its type may have changed as well. */
  readonly lists: boolean;
}

export interface BrokerMessagesOptions {
  readonly mappings: readonly BrokerMapping[];
  readonly maker: MessageMaker;
}

/** As of a message of the channel. */
const BYTES_MAX = 2 ** 20;
/** A batch that is longer purges all of the type instead: messages are at most 1 MiB. */
const CHARACTERS_MAX = 250_000;
const WORD = /^\$(\d+)$/;

export class BrokerMessages {
  readonly #mappings: readonly (BrokerMapping & { readonly words: WordPattern })[];
  readonly #maker: MessageMaker;

  constructor({ mappings, maker }: BrokerMessagesOptions) {
    this.#mappings = mappings.map((one) => ({ ...one, words: new WordPattern(one.pattern) }));
    this.#maker = maker;
  }

  /** Throws `MESSAGE_INVALID` with the reason, or `MESSAGE_TOO_LARGE`. */
  read(subject: string, payload: Uint8Array): readonly InvalidationMessage[] {
    const words = subject.split('.');
    const mappings = this.#mappings.filter((one) => one.words.matches(words));
    if (mappings.length === 0) return [readMessage(payload)];
    const body = new Body(words, payload);
    return mappings.map((mapping) => this.#mapped(mapping, body));
  }

  #mapped(mapping: BrokerMapping, body: Body): InvalidationMessage {
    const type = typeOf(mapping, body);
    const keys = keysOf(type, mapping, body);
    const characters = keys.reduce((sum, key) => sum + key.length, 0);
    const isMany = keys.length > BATCH_LENGTH_MAX || characters > CHARACTERS_MAX;
    return isMany ? messageOfType(type, this.#maker) : this.#maker.batch(keys);
  }
}

function typeOf({ type }: BrokerMapping, body: Body): string {
  const isName = !type.startsWith('/') && !type.startsWith('$');
  const [name, ...others] = isName ? [type] : body.textsAt(type);
  if (name === undefined || others.length > 0) throw unreadable(`${type}: one type was required`);
  return name;
}

function keysOf(name: string, { id, lists }: BrokerMapping, body: Body): Tag[] {
  const parts = id.map((place) => body.textsAt(place));
  const [first = []] = parts;
  if (parts.length > 1 && parts.some((part) => part.length !== 1)) {
    throw unreadable(`${id.join(' ')}: one value each was required`);
  }
  const ids = parts.length > 1 ? [parts.flat()] : first.map((one) => [one]);
  return [...lists ? [collectionTag(name)] : [], ...ids.map((one) => entityTag(name, ...one))];
}

/** A message that is parsed where somebody points into it. */
class Body {
  readonly #words: readonly string[];
  readonly #payload: Uint8Array;
  #parsed: { readonly value: unknown } | undefined;

  constructor(words: readonly string[], payload: Uint8Array) {
    this.#words = words;
    this.#payload = payload;
  }

  /** The texts and numbers at a place, at least one. */
  textsAt(place: string): string[] {
    const [, word] = WORD.exec(place) ?? [];
    const found = word === undefined ? this.#at(place) : this.#words[Number(word) - 1];
    const values: unknown[] = Array.isArray(found) ? found : [found];
    const texts = values.filter((value) => typeof value === 'string');
    if (texts.length === 0 || texts.length < values.length) {
      throw unreadable(`${place}: a text or a number was required`);
    }
    return texts;
  }

  #at(pointer: string): unknown {
    this.#parsed ??= { value: parse(this.#payload) };
    let { value } = this.#parsed;
    for (const token of pointer.split('/').slice(1)) {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~');
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
        return undefined;
      }
      value = (value as Record<string, unknown>)[name];
    }
    return value;
  }
}

/** With numbers as their texts. */
function parse(payload: Uint8Array): unknown {
  if (payload.length > BYTES_MAX) {
    throw fault('MESSAGE_TOO_LARGE', { bytesMax: BYTES_MAX, bytes: payload.length });
  }
  try {
    return JSON.parse(UTF_8.decode(payload), textOfNumber);
  } catch {
    // The error of the parser quotes the text.
    throw unreadable('JSON in UTF-8 was required');
  }
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true });

function textOfNumber(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value;
  return Number.isSafeInteger(value) ? String(value) : context?.source ?? String(value);
}

function unreadable(reason: string): Error {
  return fault('MESSAGE_INVALID', { reason });
}
