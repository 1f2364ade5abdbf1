import { jetstreamManager, AckPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { connect, nkeys } from '@nats-io/transport-node';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startNats } from '../../../support/nats.ts';
import { temporaryDirectory } from '../../../support/process.ts';
import { until } from '../../../support/until.ts';
import { loneSource } from '../broker/lone-source.ts';
import { usersIn } from '../source-contract.ts';
import { CONSUMER, NatsWorld, STREAM } from './nats-world.ts';

const lone = loneSource(() => NatsWorld.open());

async function consumerConfig(): Promise<ConsumerConfig> {
  const manager = await jetstreamManager(await lone.world.connection());
  return (await manager.consumers.info(STREAM, CONSUMER)).config;
}

const purges = (): number => lone.messages.filter(({ pattern }) => pattern === '*').length;

describe('a stream', () => {
  it('is not read from its beginning, since everything is purged instead', async () => {
    await lone.world.change(['before']);
    await lone.started();
    await lone.world.change(['after']);
    await lone.areTold(['after']);
    expect(purges()).toBe(1);
    expect(usersIn(lone.messages)).toEqual(['after']);
  });

  it('that has dropped what was not read makes everything stale', async () => {
    await lone.world.prepare({ max_msgs: 5 });
    await lone.world.change(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await (await lone.started()).close();
    await (await lone.started()).close();
    await lone.world.change(['1', '2', '3', '4', '5']);
    const source = await lone.started();
    await lone.areTold(['1', '2', '3', '4', '5']);
    await source.close();
    expect(purges()).toBe(1);
    await lone.world.change(['6', '7', '8', '9', '10', '11']);
    await lone.started();
    await lone.areTold(['11']);
    expect(purges()).toBe(2);
    expect(lone.warnings.at(-1))
      .toContain('stream changes has dropped messages that were not read');
  });

  it('that is a queue of work is read from its beginning', async () => {
    await lone.world.prepare({ retention: 'workqueue' });
    await lone.world.change(['waiting']);
    await lone.started();
    await lone.areTold(['waiting']);
  });

  it('is read as far as its subjects are asked for', async () => {
    await lone.started({ subjects: ['shop.user'] });
    await lone.world.publish('shop.other', 'no message');
    await lone.world.change(['1']);
    await lone.areTold(['1']);
    expect((await consumerConfig()).filter_subject).toBe('shop.user');
    expect(lone.warnings).toHaveLength(1);
  });

  it('that is not there is waited for', async () => {
    const manager = await jetstreamManager(await lone.world.connection());
    await manager.streams.delete(STREAM);
    const source = lone.start();
    await until(() => source.stats.failures > 1, { what: 'it tries' });
    expect(lone.warnings).toEqual([expect.stringContaining('stream not found')]);
    await lone.world.prepare();
    await until(() => source.stats.isWorking, { what: 'it works' });
  });
});

describe('a durable consumer', () => {
  it('is bounded by what the source may hold, as that is changed', async () => {
    await (await lone.started({ inFlightMax: 7 })).close();
    expect(await consumerConfig()).toMatchObject({ ack_policy: 'explicit', max_ack_pending: 7 });
    await (await lone.started({ inFlightMax: 9 })).close();
    expect((await consumerConfig()).max_ack_pending).toBe(9);
  });

  it('of another kind is refused', async () => {
    const manager = await jetstreamManager(await lone.world.connection());
    await manager.consumers.add(STREAM, { durable_name: CONSUMER, ack_policy: AckPolicy.None });
    const source = lone.start();
    await until(() => source.stats.failures > 0, { what: 'it is refused' });
    expect(lone.warnings[0])
      .toContain('a pull consumer with explicit acknowledgements was required');
  });
});

describe('a connection', () => {
  it('is made with the user and the password of the URL', async () => {
    const { guarded } = lone.world;
    const connection = await connect({
      servers: `127.0.0.1:${guarded.port}`, user: 'shop', pass: 'p@ss:w/rd',
    });
    lone.open.add(connection);
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: STREAM, subjects: ['shop.>'] });
    await lone.started({ urls: [guarded.url] });
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
    lone.open.add({ close: () => server.stop() });
    const urls = [server.url];
    const refused = lone.start({ urls });
    const source = lone.start({ urls, credentialsFile });
    await until(() => source.stats.failures > 0 && refused.stats.failures > 0, {
      what: 'both have asked',
    });
    expect(lone.warnings.toSorted()).toEqual([
      expect.stringContaining('uthorization'), expect.stringContaining('stream not found'),
    ]);
  });

  it('tells where a file with credentials is missing', async () => {
    const source = lone.start({ credentialsFile: '/nowhere/shop.creds' });
    await until(() => source.stats.failures > 0, { what: 'it fails' });
    expect(lone.warnings[0]).toContain("open '/nowhere/shop.creds'");
  });
});
