/** A NATS server with a stream of what services tell of their users. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { systemClock } from '../../../../src/invalidation/clock.ts';
import { MessageMaker } from '../../../../src/invalidation/message-maker.ts';
import { writeMessage } from '../../../../src/invalidation/message.ts';
import {
  NatsSource, type NatsSourceOptions,
} from '../../../../src/ops/sources/nats/nats-source.ts';
import type { SourceSurroundings } from '../../../../src/ops/sources/source.ts';
import { startNats, type NatsServer } from '../../../support/nats.ts';
import { startProxy, type Proxy } from '../../../support/proxy.ts';
import type { BrokerWorld } from '../broker/broker-contract.ts';

export const STREAM = 'changes';
export const CONSUMER = 'freshet_shop';

let ids = 0;
export const maker = new MessageMaker({
  sourceService: 'shop', clock: systemClock, newId: () => `shop-${ids += 1}`,
});

export class NatsWorld implements BrokerWorld {
  readonly isShared = true;
  /** The server keeps what is not acknowledged, whoever reads. */
  readonly beginsAnewAlone = false;
  readonly server: NatsServer;
  /** Another one, that asks for a user and a password. */
  readonly guarded: NatsServer;
  readonly #proxy: Proxy;
  #connection: NatsConnection | undefined;

  private constructor(servers: readonly [NatsServer, NatsServer], proxy: Proxy) {
    [this.server, this.guarded] = servers;
    this.#proxy = proxy;
  }

  static async open(): Promise<NatsWorld> {
    const server = await startNats();
    const guarded = await startNats({ user: 'shop', password: 'p@ss:w/rd' });
    return new NatsWorld([server, guarded], await startProxy(server.port));
  }

  async prepare(config: object = {}): Promise<void> {
    const manager = await jetstreamManager(await this.connection());
    await manager.streams.delete(STREAM).catch(() => undefined);
    await manager.streams.add({ name: STREAM, subjects: ['shop.>', 'crm.>'], ...config });
  }

  create(surroundings: SourceSurroundings, more: Partial<NatsSourceOptions> = {}): NatsSource {
    return new NatsSource({
      urls: [`nats://127.0.0.1:${this.#proxy.port}`],
      stream: STREAM, consumer: CONSUMER, subjects: [], inFlightMax: 100, mappings: [],
      ...surroundings, ...more,
    });
  }

  async change(users: readonly string[]): Promise<void> {
    await Promise.all(users.map((id) =>
      this.publish('shop.user', writeMessage(maker.updated('User', id)))));
  }

  /** Resolves when the stream has it. */
  async publish(subject: string, payload: string): Promise<void> {
    await jetstream(await this.connection(), { timeout: 2_000 }).publish(subject, payload);
  }

  async cutOff(): Promise<void> {
    this.#proxy.cut();
    this.#proxy.restore();
  }

  stopServer(): Promise<void> {
    return this.server.stop();
  }

  startServer(): Promise<void> {
    return this.server.restart();
  }

  killServer(): Promise<void> {
    return this.server.kill();
  }

  async forgetReader(): Promise<void> {
    const manager = await jetstreamManager(await this.connection());
    await manager.consumers.delete(STREAM, CONSUMER);
  }

  async waiting(): Promise<number> {
    const manager = await jetstreamManager(await this.connection());
    const { num_pending, num_ack_pending } = await manager.consumers.info(STREAM, CONSUMER);
    return num_pending + num_ack_pending;
  }

  urlWith(password: string): string {
    return `nats://anyone:${password}@127.0.0.1:${this.guarded.port}`;
  }

  async close(): Promise<void> {
    await this.#connection?.close();
    await this.#proxy.stop();
    await this.guarded.stop();
    await this.server.stop();
  }

  /** Another one where the server was away meanwhile. */
  async connection(): Promise<NatsConnection> {
    if (this.#connection === undefined || this.#connection.isClosed()) {
      this.#connection = await connect({ servers: this.server.url, reconnect: false });
    }
    return this.#connection;
  }
}
