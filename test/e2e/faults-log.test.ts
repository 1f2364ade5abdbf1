/**
 * What becomes of the log while nodes read it, under load: flushed, deleted, trimmed, cut off. What
 * a node may have missed it treats as invalidated; nothing else is to be seen of it. Each test has
 * its servers to itself and mostly waits, so they run at the same time.
 */
import { Redis } from 'ioredis';
import { describe, expect, test, type TestContext } from 'vitest';
import { startProxy, type Proxy } from '../support/proxy.ts';
import type { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { deaf, expectUnharmed, fleetOver, redisFor } from './fault-fleet.ts';

const LOG = 'cache:invalidate:log';

function clientOf({ url }: RedisServer, { onTestFinished }: TestContext): Redis {
  const client = new Redis(url);
  onTestFinished(() => client.disconnect());
  return client;
}

describe.concurrent('under load', () => {
  test.for<[string, (client: Redis) => Promise<unknown>]>([
    ['Redis is flushed', (client) => client.flushall()],
    ['the log is deleted', (client) => client.del(LOG)],
    ['the log is emptied', (client) => client.xtrim(LOG, 'MAXLEN', 0)],
  ])('%s, three times', async ([, make], context) => {
    const redis = await redisFor(context);
    const client = clientOf(redis, context);
    const fleet = await fleetOver(redis, context);
    const load = fleet.startLoad();
    await fleet.underLoad(load);
    for (let time = 0; time < 3; time += 1) {
      const gaps = fleet.nodes.map((node) => node.gateway.status().invalidation.gaps);
      await make(client);
      await until(
        () => fleet.nodes.every((node, at) =>
          node.gateway.status().invalidation.gaps > (gaps[at] ?? 0)),
        { what: 'both nodes notice' },
      );
      await fleet.underLoad(load);
    }
    await fleet.healed();
    await expectUnharmed(load);
  });

  test.for<[string, (wire: Proxy) => void]>([
    ['with a reset', (wire) => wire.cut()],
    ['in silence', (wire) => wire.freeze()],
  ])('a node is cut off %s while the log is trimmed past it', async ([, cutOff], context) => {
    const redis = await redisFor(context);
    const client = clientOf(redis, context);
    const proxy = await startProxy(redis.port);
    context.onTestFinished(() => proxy.stop());
    const secondRedisUrl = `redis://127.0.0.1:${proxy.port}`;
    const fleet = await fleetOver(redis, context, { secondRedisUrl });
    const [whole, cut] = fleet.nodes;
    const load = fleet.startLoad();
    await fleet.underLoad(load);
    cutOff(proxy);
    await deaf([cut]);
    load.deaf([1]);
    await fleet.underLoad(load);
    expect(whole.gateway.status().hears).toBe(true);
    const { gaps } = cut.gateway.status().invalidation;
    await client.xtrim(LOG, 'MAXLEN', 1);
    load.deaf([]);
    proxy.restore();
    await fleet.healed();
    expect(cut.gateway.status().invalidation.gaps).toBeGreaterThan(gaps);
    await expectUnharmed(load);
  });

  test('connections are killed, each of them, one after the other', async (context) => {
    const redis = await redisFor(context);
    const client = clientOf(redis, context);
    const fleet = await fleetOver(redis, context);
    const load = fleet.startLoad();
    await fleet.underLoad(load);
    for (const name of NAMES) {
      const ids = await clientsNamed(client, name);
      expect(ids.length, name).toBeGreaterThanOrEqual(fleet.nodes.length);
      for (const id of ids) {
        await client.call('client', 'kill', 'id', id);
        const { reads } = load.progress;
        await until(() => load.progress.reads > reads + 5, { what: 'the load goes on' });
      }
      await fleet.underLoad(load);
    }
    await fleet.healed();
    await expectUnharmed(load);
  });

  test.for(['normal', 'pubsub'])(
    'connections are killed, all of type %s, at once, three times',
    async (type, context) => {
      const redis = await redisFor(context);
      const client = clientOf(redis, context);
      const fleet = await fleetOver(redis, context);
      const load = fleet.startLoad();
      await fleet.underLoad(load);
      for (let time = 0; time < 3; time += 1) {
        const killed = await client.call('client', 'kill', 'type', type, 'skipme', 'yes');
        expect(killed).toBeGreaterThanOrEqual(fleet.nodes.length);
        await fleet.underLoad(load);
      }
      await fleet.healed();
      await expectUnharmed(load);
    },
  );
});

const NAMES = ['freshet-append', 'freshet-follow', 'freshet-listen', 'freshet-cache'];

async function clientsNamed(client: Redis, name: string): Promise<readonly string[]> {
  const list = String(await client.call('client', 'list'));
  return list.split('\n')
    .filter((line) => line.includes(` name=${name} `))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '');
}
