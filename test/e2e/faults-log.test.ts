/**
 * What becomes of the log while nodes read it, under load: flushed, deleted, trimmed, cut off. What
 * a node may have missed it treats as invalidated; nothing else is to be seen of it.
 */
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { deaf, expectUnharmed, startFaultFleet, type FaultFleet } from './fault-fleet.ts';

const LOG = 'cache:invalidate:log';

let redis: RedisServer;
let client: Redis;
let fleet: FaultFleet | undefined;
let proxy: Proxy | undefined;

beforeEach(async () => {
  redis = await startRedis();
  client = new Redis(redis.url);
});

afterEach(async () => {
  await fleet?.stop();
  await proxy?.stop();
  [fleet, proxy] = [undefined, undefined];
  client.disconnect();
  await redis.stop();
});

test.each([
  { fault: 'Redis is flushed', make: () => client.flushall() },
  { fault: 'the log is deleted', make: () => client.del(LOG) },
  { fault: 'the log is emptied', make: () => client.xtrim(LOG, 'MAXLEN', 0) },
])('$fault under load, three times', async ({ make }) => {
  fleet = await startFaultFleet(redis);
  const load = fleet.startLoad();
  await fleet.underLoad(load);
  for (let time = 0; time < 3; time += 1) {
    const gaps = fleet.nodes.map((node) => node.gateway.status().invalidation.gaps);
    await make();
    await until(
      () => fleet?.nodes.every((node, at) =>
        node.gateway.status().invalidation.gaps > (gaps[at] ?? 0)),
      { what: 'both nodes notice' },
    );
    await fleet.underLoad(load);
  }
  await fleet.healed();
  await expectUnharmed(load);
});

describe.each([
  { how: 'with a reset', cutOff: (wire: Proxy) => wire.cut() },
  { how: 'in silence', cutOff: (wire: Proxy) => wire.freeze() },
])('one node is cut off $how', ({ cutOff }) => {
  test('while the log is trimmed past its position', async () => {
    proxy = await startProxy(redis.port);
    fleet = await startFaultFleet(redis, {
      secondRedisUrl: `redis://127.0.0.1:${proxy.port}`,
    });
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
});

describe('connections are killed under load', () => {
  const NAMES = ['freshet-append', 'freshet-follow', 'freshet-listen', 'freshet-cache'];

  test('each of them, one after the other', async () => {
    fleet = await startFaultFleet(redis);
    const load = fleet.startLoad();
    await fleet.underLoad(load);
    for (const name of NAMES) {
      const ids = await clientsNamed(name);
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

  test.each(['normal', 'pubsub'])('all of type %s, at once, three times', async (type) => {
    fleet = await startFaultFleet(redis);
    const load = fleet.startLoad();
    await fleet.underLoad(load);
    for (let time = 0; time < 3; time += 1) {
      const killed = await client.call('client', 'kill', 'type', type, 'skipme', 'yes');
      expect(killed).toBeGreaterThanOrEqual(fleet.nodes.length);
      await fleet.underLoad(load);
    }
    await fleet.healed();
    await expectUnharmed(load);
  });
});

async function clientsNamed(name: string): Promise<readonly string[]> {
  const list = String(await client.call('client', 'list'));
  return list.split('\n')
    .filter((line) => line.includes(` name=${name} `))
    .map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '');
}
