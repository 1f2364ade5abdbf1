import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig, resolveConfig } from '../../../../src/gateway/config/config.ts';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import { createSources } from '../../../../src/ops/sources/sources.ts';
import { until } from '../../../support/until.ts';
import { NatsWorld } from '../nats/nats-world.ts';
import { collect, OpenThings } from '../source-contract.ts';

describe('brokers in the configuration', () => {
  let world: NatsWorld;
  const open = new OpenThings();
  beforeAll(async () => {
    world = await NatsWorld.open();
    await world.prepare();
  });
  afterAll(async () => {
    await open.closeAll();
    await world.close();
  });

  it('are read, each in its own way, and one that is away holds up no other', async () => {
    const config = resolveConfig({
      supergraph: 'unused',
      sources: {
        nats: { crm: {
          urls: [world.server.url], stream: 'changes',
          mappings: [{ pattern: 'crm.>', type: 'Customer', id: ['$2'] }],
        } },
        rabbitmq: { billing: { urls: ['amqp://127.0.0.1:1'] } },
      },
    });
    const log = open.add(new MemoryLog({ heartbeatMs: 10 }));
    const messages = collect(log, open);
    const sources = open.add(createSources(config, {
      log, clock: systemClock, random: systemRandom, warn: () => undefined,
    })!);
    sources.start();
    await until(() => sources.stats[0]?.isWorking && (sources.stats[1]?.failures ?? 0) > 0, {
      what: 'one works and the other tries',
    });
    expect(sources.stats.map(({ name }) => name)).toEqual(['crm', 'billing']);
    await world.publish('crm.17.changed', '');
    await until(() => messages.find((one) => one.entity_ids?.includes('customer:17')), {
      what: 'it is told',
    });
    expect(messages.at(-1)?.source_service).toBe('crm');
  });

  const faultsOf = (sources: object): string[] =>
    (checkConfig({ supergraph: 'a', sources }).faults ?? [])
      .map(({ path, required, got }) => `${path}: ${required}, got ${got}`);
  const nats = { urls: ['nats://a'], stream: 'x' };
  const rabbitmq = { urls: ['amqp://a'] };
  const mapping = { pattern: '>', type: 'User', id: ['/id'] };
  const at = 'sources.nats.a.mappings.0';

  it.each<[string, object, string]>([
    ['a secret that is shown', { nats: { a: { ...nats, urls: ['http://a:hunter2@b'] } } },
      'sources.nats.a.urls.0: a URL that begins with nats:// or tls://, ' +
        'got a value that is not shown'],
    ['no server', { rabbitmq: { a: { urls: [] } } },
      'sources.rabbitmq.a.urls: a list that is not empty, got a value that is not shown'],
    ['a stream whose name is a subject', { nats: { a: { ...nats, stream: 'a.b' } } },
      'sources.nats.a.stream: up to 200 letters, digits, - and _, got "a.b"'],
    ['a pattern of the other broker', { nats: { a: { ...nats, mappings: [
      { ...mapping, pattern: 'a.>.b' }] } } },
      `${at}.pattern: words between dots, * and >, got "a.>.b"`],
    ['an id without a pointer', { nats: { a: { ...nats, mappings: [
      { ...mapping, id: ['id'] }] } } },
      `${at}.id.0: a JSON pointer such as /user/id, or a word such as $2, got "id"`],
    ['a pattern with half a word', { rabbitmq: { a: { ...rabbitmq, mappings: [
      { ...mapping, pattern: 'a*' }] } } },
      'sources.rabbitmq.a.mappings.0.pattern: words between dots, * and #, got "a*"'],
  ])('refuses %s', (_, sources, message) => {
    expect(faultsOf(sources)).toEqual([message]);
  });
});
