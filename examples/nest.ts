/**
 * A module for NestJS: it gives the publisher to whoever asks for it, hears what other services
 * change, and closes both with the application. The decorators are called as functions, so that
 * the file runs without a compiler; `@Module({ ... }) class` is the same.
 */
import { Injectable, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import {
  createPublisher, createSubscriber, Publisher, type Subscriber, type SubscriberOptions,
} from 'freshet-gateway/invalidation';

export interface InvalidationModuleOptions {
  readonly redis: string;
  readonly source: string;
  /** What to do when something of another service has changed. Default: nothing is subscribed. */
  readonly onBatch?: SubscriberOptions['onBatch'];
}

export class InvalidationModule {
  static forRoot(options: InvalidationModuleOptions): DynamicModule {
    const { redis, source } = options;
    return {
      module: InvalidationModule,
      global: true,
      providers: [
        { provide: Publisher, useFactory: () => createPublisher({ redis, source }) },
        {
          provide: Invalidations,
          useFactory: (publisher: Publisher) => new Invalidations(publisher, subscribe(options)),
          inject: [Publisher],
        },
      ],
      exports: [Publisher],
    };
  }
}

function subscribe({ redis, onBatch }: InvalidationModuleOptions): Subscriber | undefined {
  return onBatch === undefined ? undefined : createSubscriber({ redis, onBatch });
}

/** Lives as long as the application. */
class Invalidations implements OnApplicationShutdown {
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber | undefined;

  constructor(publisher: Publisher, subscriber: Subscriber | undefined) {
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  /** The application accepts requests once it is told of what is new. */
  async onApplicationBootstrap(): Promise<void> {
    await this.#subscriber?.ready();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#publisher.close();
    await this.#subscriber?.close();
  }
}
Injectable()(Invalidations);
