/** What a channel makes of a connection on which messages come and answers do not. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Channel } from '../../src/invalidation/channel.ts';
import { systemClock, systemRandom, type Clock } from '../../src/invalidation/clock.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { someMessage } from './log-contract.ts';

const CHANNEL = 'cache:invalidate';
const HEARTBEAT_MS = 250;
const TIMEOUT_MS = 2_000;
/** The answer to PING, in RESP3. */
const PONG = '+PONG\r\n';

let redis: RedisServer;
let plain: Redis;

beforeAll(async () => {
  redis = await startRedis();
  plain = new Redis(redis.url);
});
afterAll(async () => {
  plain.disconnect();
  await redis.stop();
});

it('is not given up while messages come, though the proof lies behind them', async () => {
  const wire = await startDeafWire(redis.port);
  const clock = new ManualClock();
  let [heard, listened] = [0, 0];
  const channel = new Channel({
    redis: `redis://127.0.0.1:${wire.port}`, channel: CHANNEL, clock, random: systemRandom,
    heartbeatMs: HEARTBEAT_MS, commandTimeoutMs: TIMEOUT_MS, hearingTimeoutMs: TIMEOUT_MS,
    onMessages: (messages) => (heard += messages.length),
    onRejected: (reason) => expect.unreachable(reason),
    onListening: () => (listened += 1),
  });
  try {
    channel.start();
    await channel.listening();
    for (let round = 1; round <= 5; round += 1) {
      const asked = wire.heldBack;
      await clock.advanceAsync(HEARTBEAT_MS);
      await until(() => wire.heldBack > asked, { what: 'a proof is asked for, and held back' });
      await plain.publish(CHANNEL, JSON.stringify(someMessage()));
      await until(() => heard === round, { what: 'the message is heard' });
      await clock.advanceAsync(TIMEOUT_MS);
    }
    expect([listened, channel.hears(clock.now())]).toEqual([1, false]);
    await until(async () => {
      await clock.advanceAsync(HEARTBEAT_MS);
      return listened > 1;
    }, { what: 'another connection is made, since nothing comes any more' });
  } finally {
    await channel.close();
    await wire.stop();
  }
});

it('is not given up where the process stands still, and the answer lies there unread', async () => {
  let [asked, listened] = [0, 0];
  const timeoutMs = 300;
  const clock: Clock = {
    ...systemClock,
    after(delayMs, task) {
      if (delayMs === timeoutMs) asked += 1;
      return systemClock.after(delayMs, task);
    },
  };
  const channel = new Channel({
    redis: redis.url, channel: CHANNEL, clock, random: systemRandom,
    heartbeatMs: 10, commandTimeoutMs: timeoutMs, hearingTimeoutMs: TIMEOUT_MS,
    onMessages: () => undefined,
    onRejected: (reason) => expect.unreachable(reason),
    onListening: () => (listened += 1),
  });
  try {
    channel.start();
    await channel.listening();
    const connection = await listener();
    await plain.client('PAUSE', timeoutMs / 2);
    const before = asked;
    await until(() => asked > before, { what: 'a proof is asked for', everyMs: 1 });
    // From here timers come before sockets.
    await turn();
    const end = performance.now() + 3 * timeoutMs;
    while (performance.now() < end);
    await until(() => asked > before + 2, { what: 'proofs are asked for again' });
    expect(await listener()).toBe(connection);
    expect(listened).toBe(1);
  } finally {
    await channel.close();
  }
});

/** What Redis calls the connection of the channel. */
async function listener(): Promise<string | undefined> {
  const clients = String(await plain.client('LIST')).split('\n');
  const own = clients.find((line) => line.includes(' name=freshet-listen '));
  return /^id=\d+/.exec(own ?? '')?.[0];
}

/** Passes everything on to Redis and back, but for the proofs that a listener asks for. */
async function startDeafWire(target: number) {
  const sockets = new Set<Socket>();
  let heldBack = 0;
  const server: Server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined).once('close', () => [near, far].forEach((one) => {
        sockets.delete(one);
        one.destroy();
      }));
    }
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      const parts = chunk.toString('latin1').split(PONG);
      heldBack += parts.length - 1;
      near.write(parts.join(''), 'latin1');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get heldBack() {
      return heldBack;
    },
    stop: () => new Promise<unknown>((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
    }),
  };
}
