/** An exchange of a RabbitMQ server, at which services tell of their users. */
import { connect, type ChannelModel, type ConfirmChannel } from 'amqplib';
import { systemClock } from '../../../../src/invalidation/clock.ts';
import { MessageMaker } from '../../../../src/invalidation/message-maker.ts';
import { writeMessage } from '../../../../src/invalidation/message.ts';
import {
  RabbitmqSource, type RabbitmqSourceOptions,
} from '../../../../src/ops/sources/rabbitmq/rabbitmq-source.ts';
import type { SourceSurroundings } from '../../../../src/ops/sources/source.ts';
import { startProxy, type Proxy } from '../../../support/proxy.ts';
import type { RabbitmqServer } from '../../../support/rabbitmq.ts';
import type { BrokerWorld } from '../broker/broker-contract.ts';

export const QUEUE = 'freshet_shop';
export const EXCHANGE = 'changes';

let ids = 0;
export const maker = new MessageMaker({
  sourceService: 'shop', clock: systemClock, newId: () => `shop-${ids += 1}`,
});

export class RabbitmqWorld implements BrokerWorld {
  readonly isShared = true;
  /** The queue may have been made anew, and not been bound at once. */
  readonly beginsAnewAlone = true;
  readonly server: RabbitmqServer;
  readonly #proxy: Proxy;
  #isKilled = false;
  #session: Promise<{ model: ChannelModel; channel: ConfirmChannel }> | undefined;

  private constructor(server: RabbitmqServer, proxy: Proxy) {
    this.server = server;
    this.#proxy = proxy;
  }

  /** The server stays whoever's it is: it takes so long to start that tests share one. */
  static async open(server: RabbitmqServer): Promise<RabbitmqWorld> {
    return new RabbitmqWorld(server, await startProxy(server.port));
  }

  async prepare(): Promise<void> {
    const channel = await this.channel();
    await channel.deleteQueue(QUEUE);
    await channel.assertExchange(EXCHANGE, 'topic', { durable: true });
  }

  create(
    surroundings: SourceSurroundings,
    more: Partial<RabbitmqSourceOptions> = {},
  ): RabbitmqSource {
    return new RabbitmqSource({
      urls: [`amqp://127.0.0.1:${this.#proxy.port}`],
      queue: QUEUE, bindings: [{ exchange: EXCHANGE, key: '#' }], inFlightMax: 100, mappings: [],
      ...surroundings, ...more,
    });
  }

  async change(users: readonly string[]): Promise<void> {
    await Promise.all(users.map((id) =>
      this.publish('shop.user', writeMessage(maker.updated('User', id)))));
  }

  /** Resolves when the server has it. */
  async publish(key: string, payload: string): Promise<void> {
    const channel = await this.channel();
    await new Promise<void>((resolve, reject) => {
      const onClose = (): void => reject(new Error('the channel was closed'));
      channel.once('close', onClose);
      channel.publish(EXCHANGE, key, Buffer.from(payload), { persistent: true }, (error) => {
        channel.off('close', onClose);
        if (error === null) resolve();
        else reject(new Error('the server did not take it'));
      });
    });
  }

  async cutOff(): Promise<void> {
    this.#proxy.cut();
    this.#proxy.restore();
  }

  /** For the source: nobody takes its connections, as where the server is not there. */
  async stopServer(): Promise<void> {
    this.#proxy.cut();
  }

  /** Also after `killServer`, and then with its queues. */
  async startServer(): Promise<void> {
    if (this.#isKilled) await this.server.restart();
    this.#isKilled = false;
    this.#proxy.restore();
  }

  async killServer(): Promise<void> {
    this.#isKilled = true;
    await this.server.kill();
  }

  async forgetReader(): Promise<void> {
    await (await this.channel()).deleteQueue(QUEUE);
  }

  /** Those that were delivered to a source that ended are among them when the server knows it. */
  async waiting(): Promise<number> {
    return (await (await this.channel()).checkQueue(QUEUE)).messageCount;
  }

  urlWith(password: string): string {
    return `amqp://guest:${password}@127.0.0.1:${this.server.port}`;
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    await session?.model.close().catch(() => undefined);
    await this.#proxy.stop();
  }

  /** Another one where the server was away meanwhile. */
  async channel(): Promise<ConfirmChannel> {
    this.#session ??= this.#connect();
    try {
      return (await this.#session).channel;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  async #connect(): Promise<{ model: ChannelModel; channel: ConfirmChannel }> {
    const model = await connect(this.server.url);
    const forget = (): void => void (this.#session = undefined);
    model.on('error', forget);
    model.on('close', forget);
    const channel = await model.createConfirmChannel();
    channel.on('error', forget);
    channel.setMaxListeners(0);
    return { model, channel };
  }
}
