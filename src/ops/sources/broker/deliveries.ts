/**
 * Puts what a broker delivers in the log, and settles each delivery when that is done.
 *
 * It promises: a delivery is acknowledged when the log has its message, refused when nobody can
 * read it, and given back where the log cannot be reached, after which nothing more is taken.
 * Appends begin in the order of the deliveries.
 */
import { FreshetError } from '../../../invalidation/errors.ts';
import type { SourceLoop } from '../source-loop.ts';
import type { Sink } from '../source.ts';
import type { BrokerMessages } from './broker-messages.ts';

export interface Delivery {
  /** Or the routing key. */
  readonly subject: string;
  readonly payload: Uint8Array;
  acknowledge(): void;
  /** It is acknowledged as what nobody can read. */
  refuse(): void;
  /** It is delivered again, once the session has ended. */
  giveBack(): void;
}

export interface DeliveriesOptions {
  readonly messages: BrokerMessages;
  readonly sink: Sink;
  readonly loop: SourceLoop;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #underWay = new Set<Promise<void>>();
  readonly #failed = Promise.withResolvers<never>();
  #isOver = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    // Whoever has ended the session already does not wait for it.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects when the log cannot be reached, or with what `fail` was told. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Resolves when `signal` aborts; rejects as `failed`. */
  async until(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    await Promise.race([aborted.promise, this.failed])
      .finally(() => signal.removeEventListener('abort', onAbort));
  }

  take(delivery: Delivery): void {
    if (this.#isOver) {
      quietly(() => delivery.giveBack());
      return;
    }
    const taken = this.#append(delivery).catch((error: unknown) => {
      quietly(() => delivery.giveBack());
      this.fail(error);
    });
    this.#underWay.add(taken);
    void taken.then(() => this.#underWay.delete(taken));
  }

  /** Ends it for a reason that lies in the session. */
  fail(error: unknown): void {
    this.#isOver = true;
    this.#failed.reject(error);
  }

  /** Takes nothing more; resolves when all is settled, which the log's append timeout bounds. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#underWay);
  }

  async #append(delivery: Delivery): Promise<void> {
    const { messages, sink, loop } = this.#options;
    try {
      const read = messages.read(delivery.subject, delivery.payload);
      await Promise.all(read.map((message) => sink.append(message)));
    } catch (error) {
      if (!(error instanceof FreshetError) || isTrouble(error)) throw error;
      loop.refused(error.message);
      quietly(() => delivery.refuse());
      return;
    }
    loop.delivered(1);
    quietly(() => delivery.acknowledge());
  }
}

/** A session that is broken takes no answer, and then the message comes again. */
function quietly(answer: () => void): void {
  try {
    answer();
  } catch {
    // Whoever owns the session is told of it by the session.
  }
}

function isTrouble({ code }: FreshetError): boolean {
  return code === 'LOG_UNAVAILABLE' || code === 'LOG_CLOSED';
}
