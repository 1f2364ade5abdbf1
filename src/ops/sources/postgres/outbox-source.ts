/**
 * Reads the table in which services write down what their transactions invalidate, or triggers do
 * it for them: the relay of the library, as a source of the gateway.
 */
import { OutboxRelay } from '../../../invalidation/postgres/relay.ts';
import type { InvalidationSource, SourceStats, SourceSurroundings } from '../source.ts';
import { postgresClient } from './connection.ts';

export interface OutboxSourceOptions extends SourceSurroundings {
  readonly url: string;
  readonly outbox: string;
}

export class OutboxSource implements InvalidationSource {
  readonly #name: string;
  readonly #relay: OutboxRelay;

  /** Throws `OUTBOX_INVALID` for a table's name that is none. */
  constructor({ name, url, outbox, sink, warn, clock, random }: OutboxSourceOptions) {
    this.#name = name;
    this.#relay = new OutboxRelay({
      connect: () => postgresClient(url),
      log: sink,
      table: outbox,
      warn: (text) => warn(`source ${name}: ${text}`),
      clock, random,
    });
  }

  start(): void {
    this.#relay.start();
  }

  get stats(): SourceStats {
    const { isWorking, delivered, refused, failures } = this.#relay.stats;
    return { name: this.#name, isWorking, delivered, refused, failures };
  }

  close(): Promise<void> {
    return this.#relay.close();
  }
}
