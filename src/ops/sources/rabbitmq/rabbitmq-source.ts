/**
 * Reads a queue of RabbitMQ (AMQP 0-9-1), with acknowledgements.
 *
 * It promises what every source does. A message is acknowledged when the log has it, given back
 * only where the log cannot be reached, and rejected where nobody can read it, so that a queue with
 * a dead-letter exchange keeps it. The server gives the messages of a queue that this source has
 * made to one of several consumers, and to the next one when that ends; a queue that was there
 * before, without a single active consumer, is shared. Appends begin in the order of the queue.
 */
import { randomUUID } from 'node:crypto';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import type { Clock } from '../../../invalidation/clock.ts';
import { MessageMaker } from '../../../invalidation/message-maker.ts';
import { within } from '../../../invalidation/within.ts';
import { BrokerMessages, type BrokerMapping } from '../broker/broker-messages.ts';
import { Deliveries, type Delivery } from '../broker/deliveries.ts';
import { SourceLoop } from '../source-loop.ts';
import type { InvalidationSource, SourceStats, SourceSurroundings } from '../source.ts';
import { bindQueue, openChannel } from './queue.ts';
import { connectRabbitmq } from './rabbitmq-connection.ts';

export interface RabbitmqSourceOptions extends SourceSurroundings {
  /** `amqp://user:password@host:5672/vhost`; each attempt takes the next. */
  readonly urls: readonly string[];
  readonly passwordFile?: string | undefined;
  readonly queue: string;
  /** What the queue is bound to. */
  readonly bindings: readonly { readonly exchange: string; readonly key: string }[];
  /** Messages that are read and not yet acknowledged: the prefetch count. */
  readonly inFlightMax: number;
  readonly mappings: readonly BrokerMapping[];
}

/** Of all that is asked before messages come; an append is in it. */
const SET_UP_MS = 10_000;
const CLOSE_MS = 2_000;

export class RabbitmqSource implements InvalidationSource {
  readonly #options: RabbitmqSourceOptions;
  readonly #clock: Clock;
  readonly #maker: MessageMaker;
  readonly #messages: BrokerMessages;
  readonly #loop: SourceLoop;
  #sessions = 0;
  #hasBound = false;

  /** Nothing is connected before `start`. */
  constructor(options: RabbitmqSourceOptions) {
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
    const { urls, passwordFile, sink } = this.#options;
    const url = urls[this.#sessions % urls.length] ?? '';
    this.#sessions += 1;
    const model = await connectRabbitmq({ url, passwordFile });
    const deliveries = new Deliveries({ messages: this.#messages, sink, loop: this.#loop });
    model.on('error', (error) => deliveries.fail(error));
    model.on('close', () => deliveries.fail(new Error('the connection was closed')));
    const bounded = <T>(wait: Promise<T>, timeoutMs: number): Promise<T> =>
      within(wait, { timeoutMs, clock: this.#clock });
    try {
      const channel = await bounded(
        Promise.race([this.#consume(model, deliveries), deliveries.failed]), SET_UP_MS);
      this.#loop.isWorking = true;
      await deliveries.until(signal);
      await deliveries.end();
      await bounded(channel.close(), CLOSE_MS);
    } finally {
      await deliveries.end();
      await bounded(model.close(), CLOSE_MS).catch(() => undefined);
    }
  }

  async #consume(model: ChannelModel, deliveries: Deliveries): Promise<Channel> {
    const { queue, bindings, inFlightMax } = this.#options;
    const forget = (reason: string): Promise<void> => this.#forget(reason);
    await bindQueue(model, { queue, bindings, isKnown: this.#hasBound, forget });
    this.#hasBound = true;
    const channel = await openChannel(model);
    channel.on('error', (error) => deliveries.fail(error));
    channel.on('close', () => deliveries.fail(new Error('the channel was closed')));
    await channel.prefetch(inFlightMax);
    await channel.consume(queue, (message) => {
      if (message === null) deliveries.fail(new Error('the server has ended the consumer'));
      else deliveries.take(deliveryOf(message, channel));
    });
    return channel;
  }

  async #forget(reason: string): Promise<void> {
    this.#loop.warn('begin', `everything is purged: ${reason}`);
    await this.#options.sink.append(this.#maker.pattern('*'));
  }
}

function deliveryOf(message: ConsumeMessage, channel: Channel): Delivery {
  return {
    subject: message.fields.routingKey,
    payload: message.content,
    acknowledge: () => channel.ack(message),
    refuse: () => channel.reject(message, false),
    // The session ends for it, and all that it holds goes back to its place in the queue.
    giveBack: () => undefined,
  };
}
