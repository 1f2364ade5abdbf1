import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fault } from '../../../../src/invalidation/errors.ts';
import { temporaryDirectory } from '../../../support/process.ts';
import { startRabbitmq, type RabbitmqServer } from '../../../support/rabbitmq.ts';
import { until } from '../../../support/until.ts';
import { describeBroker } from '../broker/broker-contract.ts';
import { loneSource } from '../broker/lone-source.ts';
import { describeSource, usersIn } from '../source-contract.ts';
import { EXCHANGE, QUEUE, RabbitmqWorld } from './rabbitmq-world.ts';

let server: RabbitmqServer;

beforeAll(async () => {
  server = await startRabbitmq();
});
afterAll(() => server.stop());

describeSource('RabbitMQ', () => RabbitmqWorld.open(server));
describeBroker('RabbitMQ', () => RabbitmqWorld.open(server));

describe('a source that reads RabbitMQ alone', () => {
  const lone = loneSource(() => RabbitmqWorld.open(server));

  describe('a queue', () => {
    it('that the source makes is read by one process, in its order', async () => {
      const sources = [await lone.started(), await lone.started()];
      const ids = Array.from({ length: 50 }, (_, at) => `u${at}`);
      for (const id of ids) await lone.world.change([id]);
      await lone.areTold(ids);
      expect(usersIn(lone.messages)).toEqual(ids);
      expect(sources.filter(({ stats }) => stats.delivered > 0)).toHaveLength(1);
    });

    it('gets what its bindings say, and no more', async () => {
      await lone.started({ bindings: [{ exchange: EXCHANGE, key: 'shop.#' }] });
      await lone.world.publish('other.user', 'no message');
      await lone.world.change(['1']);
      await lone.areTold(['1']);
      expect(lone.warnings).toHaveLength(1);
    });

    it('that is there already is read as it is, and dead-letters what nobody reads', async () => {
      const channel = await lone.world.channel();
      const { queue: dead } = await channel.assertQueue('', { exclusive: true });
      await channel.assertQueue(QUEUE, {
        durable: true, deadLetterExchange: '', deadLetterRoutingKey: dead,
      });
      const source = await lone.started();
      await lone.world.publish('shop.user', 'no message');
      await until(() => source.stats.refused === 1, { what: 'it is passed over' });
      const found = await until(() => channel.get(dead, { noAck: true }), { what: 'it is kept' });
      expect(found.content.toString()).toBe('no message');
      expect(lone.messages).toMatchObject([{ pattern: '*' }]);
    });

    it('that nobody reads is taken for one that was not bound: everything is purged', async () => {
      const channel = await lone.world.channel();
      // As a gateway leaves it that ends before it binds it.
      await channel.assertQueue(QUEUE, {
        durable: true, arguments: { 'x-single-active-consumer': true },
      });
      await lone.world.change(['1']);
      const source = await lone.started();
      expect(lone.messages).toMatchObject([{ pattern: '*' }]);
      await lone.world.cutOff();
      await until(() => source.stats.failures > 0, { what: 'it was cut off' });
      await until(() => source.stats.isWorking, { what: 'it goes on' });
      await lone.started();
      await lone.world.change(['2']);
      await lone.areTold(['2']);
      expect(lone.messages).toHaveLength(2);
    });

    it('that nobody reads is not read while the log does not take the purge', async () => {
      const channel = await lone.world.channel();
      await channel.assertQueue(QUEUE, { durable: true });
      const source = lone.start({
        sink: { append: () => Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' })) },
      });
      await until(() => source.stats.failures > 1, { what: 'it tries' });
      expect(await channel.checkQueue(QUEUE)).toMatchObject({ consumerCount: 0 });
    });

    it('is not made while the log is away', async () => {
      const source = lone.start({
        sink: { append: () => Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' })) },
      });
      await until(() => source.stats.failures > 0, { what: 'it fails' });
      await source.close();
      const channel = await lone.world.channel();
      await expect(channel.checkQueue(QUEUE)).rejects.toThrow(/no queue/);
    });

    it('is not read where its exchange is missing', async () => {
      const source = lone.start({ bindings: [{ exchange: 'nowhere', key: '#' }] });
      await until(() => source.stats.failures > 1, { what: 'it tries' });
      expect(lone.warnings.some((text) => /no exchange 'nowhere'/.test(text))).toBe(true);
      await source.close();
      const channel = await lone.world.channel();
      // Else nobody would know, once the exchange is there, that the queue has missed something.
      await expect(channel.checkQueue(QUEUE)).rejects.toThrow(/no queue/);
    });
  });

  describe('a connection', () => {
    it('is made with the password of a file, at the next server where one is away', async () => {
      const passwordFile = join(temporaryDirectory('password'), 'password');
      writeFileSync(passwordFile, 'guest\n');
      const { port } = server;
      const source = await lone.started({
        urls: ['amqp://guest@127.0.0.1:1', `amqp://guest@127.0.0.1:${port}/%2F`], passwordFile,
      });
      expect(source.stats.failures).toBe(1);
    });
  });
});
