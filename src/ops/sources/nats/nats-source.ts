/**
 * Reads a stream of NATS JetStream with a durable pull consumer.
 *
 * It promises what every source does. A message is acknowledged when the log has it; what was not
 * acknowledged comes again after 10 s, or soon where it was given back. Several processes share
 * the consumer, and the server deals the messages out among them: no lock is needed, since purges
 * come to the same in any order. One process appends in the order of the stream, but for what is
 * delivered again; strictly one after the other only with one process and `inFlightMax` 1.
 */
import { randomUUID } from 'node:crypto';
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../invalidation/clock.ts';
import { MessageMaker } from '../../../invalidation/message-maker.ts';
import { within } from '../../../invalidation/within.ts';
import { BrokerMessages, type BrokerMapping } from '../broker/broker-messages.ts';
import { Deliveries, type Delivery } from '../broker/deliveries.ts';
import { SourceLoop } from '../source-loop.ts';
import type { InvalidationSource, SourceStats, SourceSurroundings } from '../source.ts';
import { bindConsumer } from './durable-consumer.ts';
import { connectNats } from './nats-connection.ts';

export interface NatsSourceOptions extends SourceSurroundings {
  /** `nats://user:password@host:4222`, `nats://token@host`, or `tls://...`. */
  readonly urls: readonly string[];
  /** A `.creds` file. */
  readonly credentialsFile?: string | undefined;
  readonly stream: string;
  readonly consumer: string;
  /** What a new consumer reads; none is all of the stream. */
  readonly subjects: readonly string[];
  /** Messages that are read and not yet acknowledged, in all processes together and in each. */
  readonly inFlightMax: number;
  readonly mappings: readonly BrokerMapping[];
}

/** An append takes at most two seconds. */
const ACK_WAIT_MS = 10_000;
/** A request for messages is made anew this often; half of it without a sign is too long. */
const PULL_MS = 10_000;
/** What is given back comes after this long: not to the session that ends for it. */
const GIVEN_BACK_MS = 500;
const CLOSE_MS = 2_000;

/** What the server says of a consumer that will bring nothing any more. */
const ENDS: ReadonlySet<string> = new Set([
  'heartbeats_missed', 'consumer_not_found', 'stream_not_found', 'consumer_deleted',
  'no_responders',
]);

export class NatsSource implements InvalidationSource {
  readonly #options: NatsSourceOptions;
  readonly #clock: Clock;
  readonly #maker: MessageMaker;
  readonly #messages: BrokerMessages;
  readonly #loop: SourceLoop;

  /** Nothing is connected before `start`. */
  constructor(options: NatsSourceOptions) {
    const { name, clock, mappings } = options;
    this.#options = options;
    this.#clock = clock;
    this.#maker = new MessageMaker({ sourceService: name, clock, newId: () => randomUUID() });
    this.#messages = new BrokerMessages({ mappings, maker: this.#maker });
    this.#loop = new SourceLoop({ ...options, work: (signal) => this.#work(signal) });
  }

  start(): void {
    this.#loop.start();
  }

  get stats(): SourceStats {
    return this.#loop.counts;
  }

  close(): Promise<void> {
    return this.#loop.close();
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { urls, credentialsFile, stream, consumer, subjects, inFlightMax } = this.#options;
    const connection = await connectNats({ urls, credentialsFile });
    try {
      await bindConsumer(connection, {
        stream, consumer, subjects, inFlightMax, ackWaitMs: ACK_WAIT_MS,
        forget: (reason) => this.#forget(reason),
      });
      await this.#read(connection, signal);
    } finally {
      // What is on its way is given back, and what was acknowledged last is sent.
      await within(connection.drain(), { timeoutMs: CLOSE_MS, clock: this.#clock })
        .catch(() => void connection.close().catch(() => undefined));
    }
  }

  async #read(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    const { jetstream } = await import('@nats-io/jetstream');
    const { sink, stream, consumer, inFlightMax } = this.#options;
    const deliveries = new Deliveries({ messages: this.#messages, sink, loop: this.#loop });
    const { consumers } = jetstream(connection);
    const reading = await (await consumers.get(stream, consumer)).consume({
      max_messages: inFlightMax,
      expires: PULL_MS,
      abort_on_missing_resource: true,
      callback: (message) => deliveries.take(deliveryOf(message)),
    });
    void watch(reading, deliveries);
    void connection.closed().then((error) => deliveries.fail(error ?? new Error(CLOSED)));
    this.#loop.isWorking = true;
    try {
      await deliveries.until(signal);
    } finally {
      await deliveries.end();
    }
  }

  async #forget(reason: string): Promise<void> {
    this.#loop.warn('begin', `everything is purged: ${reason}`);
    await this.#options.sink.append(this.#maker.pattern('*'));
  }
}

const CLOSED = 'the connection was closed';

async function watch(reading: ConsumerMessages, deliveries: Deliveries): Promise<void> {
  void reading.closed().then((error) => deliveries.fail(error ?? new Error('it was ended')));
  for await (const { type } of reading.status()) {
    if (ENDS.has(type)) deliveries.fail(new Error(`the consumer brings nothing: ${type}`));
  }
}

function deliveryOf(message: JsMsg): Delivery {
  return {
    subject: message.subject,
    payload: message.data,
    acknowledge: () => message.ack(),
    refuse: () => message.term(),
    giveBack: () => message.nak(GIVEN_BACK_MS),
  };
}
