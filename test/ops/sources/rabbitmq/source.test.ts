import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { fault } from '../../../../src/invalidation/errors.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../../../src/invalidation/message.ts';
import type {
  RabbitmqSource, RabbitmqSourceOptions,
} from '../../../../src/ops/sources/rabbitmq/rabbitmq-source.ts';
import { temporaryDirectory } from '../../../support/process.ts';
import { startRabbitmq, type RabbitmqServer } from '../../../support/rabbitmq.ts';
import { until } from '../../../support/until.ts';
import { describeBroker } from '../broker/broker-contract.ts';
import { collect, describeSource, OpenThings, usersIn } from '../source-contract.ts';
import { EXCHANGE, QUEUE, RabbitmqWorld } from './rabbitmq-world.ts';

let server: RabbitmqServer;

beforeAll(async () => {
  server = await startRabbitmq();
}, 90_000);
afterAll(() => server.stop());

describeSource('RabbitMQ', () => RabbitmqWorld.open(server));
describeBroker('RabbitMQ', () => RabbitmqWorld.open(server));

describe('a source that reads RabbitMQ alone', () => {
  let world: RabbitmqWorld;
  let log: MemoryLog;
  let messages: InvalidationMessage[];
  const warnings: string[] = [];
  const open = new OpenThings();

  beforeAll(async () => {
    world = await RabbitmqWorld.open(server);
  });
  afterAll(() => world.close());
  beforeEach(async () => {
    await world.prepare();
    log = open.add(new MemoryLog({ heartbeatMs: 10 }));
    messages = collect(log, open);
  });
  afterEach(async () => {
    await open.closeAll();
    warnings.splice(0);
  });

  function start(options: Partial<RabbitmqSourceOptions> = {}): RabbitmqSource {
    const source = open.add(world.create({
      name: 'shop', sink: log, clock: systemClock, random: systemRandom,
      warn: (text) => warnings.push(text),
    }, options));
    source.start();
    return source;
  }

  async function started(options?: Partial<RabbitmqSourceOptions>): Promise<RabbitmqSource> {
    const source = start(options);
    await until(() => source.stats.isWorking, { what: 'it works', deadlineMs: 10_000 });
    return source;
  }

  const areTold = (ids: readonly string[]): Promise<unknown> =>
    until(() => ids.every((id) => usersIn(messages).includes(id)), {
      what: `${ids.join()} are told`, deadlineMs: 10_000,
    });

  describe('a queue', () => {
    it('that the source makes is read by one process, in its order', async () => {
      const sources = [await started(), await started()];
      const ids = Array.from({ length: 50 }, (_, at) => `u${at}`);
      for (const id of ids) await world.change([id]);
      await areTold(ids);
      expect(usersIn(messages)).toEqual(ids);
      expect(sources.filter(({ stats }) => stats.delivered > 0)).toHaveLength(1);
    });

    it('gets what its bindings say, and no more', async () => {
      await started({ bindings: [{ exchange: EXCHANGE, key: 'shop.#' }] });
      await world.publish('other.user', 'no message');
      await world.change(['1']);
      await areTold(['1']);
      expect(warnings).toHaveLength(1);
    });

    it('that is there already is read as it is, and dead-letters what nobody reads', async () => {
      const channel = await world.channel();
      const { queue: dead } = await channel.assertQueue('', { exclusive: true });
      await channel.assertQueue(QUEUE, {
        durable: true, deadLetterExchange: '', deadLetterRoutingKey: dead,
      });
      const source = await started();
      await world.publish('shop.user', 'no message');
      await until(() => source.stats.refused === 1, { what: 'it is passed over' });
      const found = await until(() => channel.get(dead, { noAck: true }), { what: 'it is kept' });
      expect(found.content.toString()).toBe('no message');
      expect(messages).toEqual([]);
    });

    it('is not made while the log is away', async () => {
      const source = start({
        sink: { append: () => Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'a test' })) },
      });
      await until(() => source.stats.failures > 0, { what: 'it fails' });
      await source.close();
      const channel = await world.channel();
      await expect(channel.checkQueue(QUEUE)).rejects.toThrow(/no queue/);
    });

    it('is not read where its exchange is missing', async () => {
      const source = start({ bindings: [{ exchange: 'nowhere', key: '#' }] });
      await until(() => source.stats.failures > 1, { what: 'it tries' });
      expect(warnings.some((text) => /no exchange 'nowhere'/.test(text))).toBe(true);
      await source.close();
      const channel = await world.channel();
      // Else nobody would know, once the exchange is there, that the queue has missed something.
      await expect(channel.checkQueue(QUEUE)).rejects.toThrow(/no queue/);
    });
  });

  describe('a connection', () => {
    it('is made with the password of a file, at the next server where one is away', async () => {
      const passwordFile = join(temporaryDirectory('password'), 'password');
      writeFileSync(passwordFile, 'guest\n');
      const { port } = server;
      const source = await started({
        urls: ['amqp://guest@127.0.0.1:1', `amqp://guest@127.0.0.1:${port}/%2F`], passwordFile,
      });
      expect(source.stats.failures).toBe(1);
    });
  });
});
