import { jetstreamManager, AckPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { connect, nkeys } from '@nats-io/transport-node';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../../../src/invalidation/message.ts';
import type {
  NatsSource, NatsSourceOptions,
} from '../../../../src/ops/sources/nats/nats-source.ts';
import { startNats } from '../../../support/nats.ts';
import { temporaryDirectory } from '../../../support/process.ts';
import { until } from '../../../support/until.ts';
import { collect, OpenThings, usersIn } from '../source-contract.ts';
import { CONSUMER, NatsWorld, STREAM } from './nats-world.ts';

let world: NatsWorld;
let log: MemoryLog;
let messages: InvalidationMessage[];
const warnings: string[] = [];
const open = new OpenThings();

beforeAll(async () => {
  world = await NatsWorld.open();
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

function start(options: Partial<NatsSourceOptions> = {}): NatsSource {
  const source = open.add(world.create({
    name: 'shop', sink: log, clock: systemClock, random: systemRandom,
    warn: (text) => warnings.push(text),
  }, options));
  source.start();
  return source;
}

async function started(options?: Partial<NatsSourceOptions>): Promise<NatsSource> {
  const source = start(options);
  await until(() => source.stats.isWorking, { what: 'it works', deadlineMs: 10_000 });
  return source;
}

async function consumerConfig(): Promise<ConsumerConfig> {
  const manager = await jetstreamManager(await world.connection());
  return (await manager.consumers.info(STREAM, CONSUMER)).config;
}

const areTold = (ids: readonly string[]): Promise<unknown> =>
  until(() => ids.every((id) => usersIn(messages).includes(id)), {
    what: `${ids.join()} are told`, deadlineMs: 10_000,
  });
const purges = (): number => messages.filter(({ pattern }) => pattern === '*').length;

describe('a stream', () => {
  it('is not read from its beginning, since everything is purged instead', async () => {
    await world.change(['before']);
    await started();
    await world.change(['after']);
    await areTold(['after']);
    expect(purges()).toBe(1);
    expect(usersIn(messages)).toEqual(['after']);
  });

  it('that has dropped what was not read makes everything stale', async () => {
    await world.prepare({ max_msgs: 5 });
    await world.change(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await (await started()).close();
    await (await started()).close();
    await world.change(['1', '2', '3', '4', '5']);
    const source = await started();
    await areTold(['1', '2', '3', '4', '5']);
    await source.close();
    expect(purges()).toBe(1);
    await world.change(['6', '7', '8', '9', '10', '11']);
    await started();
    await areTold(['11']);
    expect(purges()).toBe(2);
    expect(warnings.at(-1)).toContain('stream changes has dropped messages that were not read');
  });

  it('that is a queue of work is read from its beginning', async () => {
    await world.prepare({ retention: 'workqueue' });
    await world.change(['waiting']);
    await started();
    await areTold(['waiting']);
  });

  it('is read as far as its subjects are asked for', async () => {
    await started({ subjects: ['shop.user'] });
    await world.publish('shop.other', 'no message');
    await world.change(['1']);
    await areTold(['1']);
    expect((await consumerConfig()).filter_subject).toBe('shop.user');
    expect(warnings).toHaveLength(1);
  });

  it('that is not there is waited for', async () => {
    const manager = await jetstreamManager(await world.connection());
    await manager.streams.delete(STREAM);
    const source = start();
    await until(() => source.stats.failures > 1, { what: 'it tries' });
    expect(warnings).toEqual([expect.stringContaining('stream not found')]);
    await world.prepare();
    await until(() => source.stats.isWorking, { what: 'it works', deadlineMs: 10_000 });
  });
});

describe('a durable consumer', () => {
  it('is bounded by what the source may hold, as that is changed', async () => {
    await (await started({ inFlightMax: 7 })).close();
    expect(await consumerConfig()).toMatchObject({ ack_policy: 'explicit', max_ack_pending: 7 });
    await (await started({ inFlightMax: 9 })).close();
    expect((await consumerConfig()).max_ack_pending).toBe(9);
  });

  it('of another kind is refused', async () => {
    const manager = await jetstreamManager(await world.connection());
    await manager.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: AckPolicy.None });
    const source = start();
    await until(() => source.stats.failures > 0, { what: 'it is refused' });
    expect(warnings[0]).toContain('a pull consumer with explicit acknowledgements was required');
  });
});

describe('a connection', () => {
  it('is made with the user and the password of the URL', async () => {
    const { guarded } = world;
    const connection = await connect({
      servers: `127.0.0.1:${guarded.port}`, user: 'shop', pass: 'p@ss:w/rd',
    });
    open.add(connection);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: ['shop.>'] });
    await started({ urls: [guarded.url] });
  });

  it('is made with the key of a file, to a server that knows that', async () => {
    const key = nkeys.createUser();
    const credentialsFile = join(temporaryDirectory('nats-key'), 'shop.creds');
    const [part, end] = [(name: string) => `-----BEGIN ${name}-----`, '------END-----'];
    writeFileSync(credentialsFile, [
      part('NATS USER JWT'), 'a.b.c', end, '',
      part('USER NKEY SEED'), new TextDecoder().decode(key.getSeed()), end, '',
    ].join('\n'));
    const server = await startNats({ publicKey: key.getPublicKey() });
    open.add({ close: () => server.stop() });
    const urls = [server.url];
    const refused = start({ urls });
    const source = start({ urls, credentialsFile });
    await until(() => source.stats.failures > 0 && refused.stats.failures > 0, {
      what: 'both have asked',
    });
    expect(warnings.toSorted()).toEqual([
      expect.stringContaining('uthorization'), expect.stringContaining('stream not found'),
    ]);
  });

  it('tells where a file with credentials is missing', async () => {
    const source = start({ credentialsFile: '/nowhere/shop.creds' });
    await until(() => source.stats.failures > 0, { what: 'it fails' });
    expect(warnings[0]).toContain("open '/nowhere/shop.creds'");
  });
});
