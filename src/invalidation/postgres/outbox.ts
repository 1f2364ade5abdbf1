/**
 * Writes down what a transaction invalidates, in that transaction: it is published if the
 * transaction commits, even where the process ends the moment after, and never if it does not.
 */
import { randomUUID } from 'node:crypto';
import { systemClock, type Clock } from '../clock.ts';
import { messageOf, type Invalidation } from '../invalidation.ts';
import { MessageMaker } from '../message-maker.ts';
import { writeMessage } from '../message.ts';
import type { Queryable } from './client.ts';
import { checkedTable, DEFAULT_TABLE } from './table.ts';

export interface PostgresOutboxOptions {
  /** The name of the service: the `source_service` of its messages. */
  readonly source: string;
  /** Default `freshet_outbox`. */
  readonly table?: string;
  readonly clock?: Clock;
}

export class PostgresOutbox {
  readonly #maker: MessageMaker;
  readonly #insert: string;

  /** Throws `OUTBOX_INVALID` for a table's name that is none. */
  constructor({ source, table = DEFAULT_TABLE, clock = systemClock }: PostgresOutboxOptions) {
    this.#maker = new MessageMaker({ sourceService: source, clock, newId: () => randomUUID() });
    this.#insert = `INSERT INTO ${checkedTable(table)} (message) SELECT unnest($1::text[])`;
  }

  /**
   * `client` is the one on which the caller's transaction runs, between its BEGIN and its COMMIT;
   * on a pool it would be a transaction of its own. Resolves when the rows are written. Rejects
   * with `MESSAGE_INVALID` or `PATTERN_INVALID` before anything is, and as the client does.
   */
  async enqueue(
    client: Queryable,
    invalidation: Invalidation | readonly Invalidation[],
  ): Promise<void> {
    const all = 'length' in invalidation ? invalidation : [invalidation];
    const messages = all.map((each) => writeMessage(messageOf(each, this.#maker)));
    if (messages.length > 0) await client.query(this.#insert, [messages]);
  }
}
