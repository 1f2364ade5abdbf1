/**
 * What this process has appended of late, as text and as messages, so that it need not parse what
 * it then reads in the log. It promises: only a text that is the same to the letter is taken for
 * one of these, so what it gives is what parsing would; its memory is bounded; and where nobody
 * reads, as in a service that only publishes, nothing is remembered.
 */
import assert from 'node:assert/strict';
import { FifoMap } from './fifo-map.ts';
import type { InvalidationMessage } from './message.ts';

export interface OwnEntry {
  /** Of the last of the messages, as in the entry of the Stream. */
  readonly messageId: string;
  /** The entry's `message` or `messages`. */
  readonly text: string;
  /** What parsing the text would give. */
  readonly messages: readonly InvalidationMessage[];
}

/** Characters of all texts together: a tenth of a second of the fastest storm. */
const LENGTH_MAX = 4 * 2 ** 20;

export class OwnEntries {
  readonly #lengthMax: number;
  /** In the order in which they were added. */
  readonly #entries = new FifoMap<string, OwnEntry>();
  #length = 0;
  #readers = 0;

  constructor(lengthMax = LENGTH_MAX) {
    assert(lengthMax >= 1, 'own entries have room for something');
    this.#lengthMax = lengthMax;
  }

  /** How many are remembered. */
  get size(): number {
    return this.#entries.size;
  }

  get isRead(): boolean {
    return this.#readers > 0;
  }

  /** Somebody reads the log from here on, until the returned function is called, once. */
  readBy(): () => void {
    this.#readers += 1;
    return () => {
      this.#readers -= 1;
      if (this.isRead) return;
      this.#entries.clear();
      this.#length = 0;
    };
  }

  add(entry: OwnEntry): void {
    if (!this.isRead) return;
    this.#drop(entry.messageId);
    this.#entries.set(entry.messageId, entry);
    this.#length += entry.text.length;
    while (this.#length > this.#lengthMax) {
      const [, { text }] = this.#entries.takeOldest();
      this.#length -= text.length;
    }
    this.assertInvariants();
  }

  /** The messages in `text`, once; undefined where it has to be parsed. */
  take(messageId: string, text: string): readonly InvalidationMessage[] | undefined {
    const entry = this.#entries.get(messageId);
    if (entry === undefined || entry.text !== text) return undefined;
    this.#drop(messageId);
    return entry.messages;
  }

  assertInvariants(): void {
    assert(this.#length >= 0 && this.#length <= this.#lengthMax, 'its memory is bounded');
  }

  #drop(messageId: string): void {
    const entry = this.#entries.get(messageId);
    if (entry === undefined) return;
    this.#entries.delete(messageId);
    this.#length -= entry.text.length;
  }
}
