/**
 * The library for services on one machine, with a real Redis and PostgreSQL: what a call to the
 * publisher takes, what it takes until another process is called back, how many messages one
 * subscriber and one gateway node take in, and how many rows the outbox's relay delivers.
 *
 *     npm run bench:invalidation -- --messages 41000 --rate 1000 --backlog 200000
 *     npm run bench:invalidation -- --quick
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { createPublisher, createSubscriber, RedisLog } from '../src/invalidation/index.ts';
import { Histogram } from '../src/invalidation/histogram.ts';
import { ORIGIN, parsePosition, type Position } from '../src/invalidation/position.ts';
import { OutboxRelay, outboxSql, PostgresOutbox } from '../src/invalidation/postgres/index.ts';
import { startNodeProcess } from '../test/e2e/node-process.ts';
import { someMessage } from '../test/invalidation/log-contract.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { startRedis, type RedisServer } from '../test/support/redis.ts';
import { startSubgraph } from '../test/support/subgraph.ts';
import { until } from '../test/support/until.ts';
import { BySecond } from './by-second.ts';
import type { CalledBack } from './invalidation-subscriber.ts';
import { keep } from './machine.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    messages: { type: 'string' },
    rate: { type: 'string', default: '1000' },
    backlog: { type: 'string' },
    rows: { type: 'string' },
    /** That alone. */
    'round-trip': { type: 'boolean', default: false },
  },
});
const { quick } = values;
const rate = Number(values.rate);
/** Until the functions that it takes are compiled, in all three processes. */
const warmUpSeconds = quick ? 2 : 10;
const messages = Number(values.messages ?? rate * (quick ? 5 : 41));
const backlog = Number(values.backlog ?? (quick ? 50_000 : 200_000));
const rows = Number(values.rows ?? (quick ? 5_000 : 50_000));
const MINUTES = 60_000 * 10;

interface Way {
  publish(id: string): Promise<unknown>;
  close(): unknown;
}

/** By the library; or as a client writes to the Stream that does nothing else, to compare. */
const WAYS = {
  library(redis: string): Way {
    const publisher = createPublisher({ redis, source: 'bench', batch: false });
    return {
      publish: (id) => publisher.invalidateUser(id, { action: 'Update' }),
      close: () => publisher.close(),
    };
  },
  bare(redis: string): Way {
    const client = new Redis(redis);
    const text = 'x'.repeat(250);
    return {
      publish: (id) => client.xadd('bare', '*', 'message', JSON.stringify({ id, text })),
      close: () => client.disconnect(),
    };
  },
};

const results = {
  loadAtStart: loadavg()[0],
  bare: await roundTrip('bare'),
  roundTrip: await roundTrip('library'),
  ...(values['round-trip'] ? {} : { ...await intake(), relay: await relayRate() }),
};
console.log(JSON.stringify(results, undefined, 2));
keep('invalidation', { quick, ...results });

/** At a steady rate, with the subscriber in a process of its own. */
async function roundTrip(how: keyof typeof WAYS): Promise<object> {
  const redis = await startRedis();
  const way = WAYS[how](redis.url);
  const file = fileURLToPath(new URL('invalidation-subscriber.ts', import.meta.url));
  const child = fork(file, [how, redis.url, String(messages)]);
  await once(child, 'message');
  const told = once(child, 'message');
  const sentAt = new Map<string, bigint>();
  const [called, published]: [number[], number[]] = [[], []];
  const bySecond = new BySecond(rate);
  const beganAt = performance.now();
  for (let n = 0; n < messages; n += 1) {
    bySecond.began(n);
    const id = String(n);
    const startedAt = process.hrtime.bigint();
    sentAt.set(id, startedAt);
    void way.publish(id).then(() => {
      published[n] = Number(process.hrtime.bigint() - startedAt) / 1e6;
    });
    // At rest meanwhile: to wait on the processor would take it from Redis and the subscriber.
    while (performance.now() < beganAt + (n + 1) * (1_000 / rate)) await sleep(1);
  }
  const [all] = await told as [readonly CalledBack[]];
  for (const [id, at] of all) {
    called[Number(id)] = Number(BigInt(at) - (sentAt.get(id) ?? 0n)) / 1e6;
  }
  child.kill();
  await way.close();
  await redis.stop();
  return {
    perSecond: rate,
    publish: bySecond.tell(published, warmUpSeconds),
    callback: bySecond.tell(called, warmUpSeconds),
  };
}

/** A backlog of single entities, read by a subscriber, then by a gateway node under load. */
async function intake(): Promise<object> {
  const redis = await startRedis();
  const users = await startSubgraph({
    name: 'users',
    sdl: 'type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! name: String }',
    resolvers: { Query: { user: (_, { id }) => ({ id, name: 'a name' }) } },
    entities: { User: ({ id }) => ({ id, name: 'a name' }) },
  });
  const node = await startNodeProcess({ subgraphs: { users: users.url }, redis: redis.url });
  const query = JSON.stringify({ query: '{ user(id: "1") { name } }' });
  const load = hits(node.url, query);
  await until(() => load.count() > 2_000, { what: 'the node serves', deadlineMs: 30_000 });
  const alone = await rateOf(load.count);
  node.pause();
  const { end, tookMs } = await fill(redis);
  const subscriber = await subscriberRate(redis, end);
  const before = load.count();
  node.resume();
  const startedAt = performance.now();
  await until(async () => positionOf((await node.status()).invalidation.position) >= end, {
    what: 'the node has read it', deadlineMs: MINUTES, everyMs: 5,
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const served = (load.count() - before) / seconds;
  await load.stop();
  await Promise.all([node.stop(), users.stop()]);
  await redis.stop();
  return {
    appendsPerSecond: Math.round(backlog / tookMs * 1_000),
    subscriber,
    gatewayNode: {
      messagesPerSecond: Math.round(backlog / seconds),
      answersPerSecondMeanwhile: Math.round(served),
      answersPerSecondBefore: Math.round(alone),
    },
  };
}

async function fill(redis: RedisServer): Promise<{ end: Position; tookMs: number }> {
  const log = new RedisLog({ redis: redis.url, appendTimeoutMs: 30_000 });
  const startedAt = performance.now();
  let end = ORIGIN;
  for (let n = 0; n < backlog; n += 1_000) {
    const appended = Array.from({ length: 1_000 }, () => log.append(someMessage()));
    end = (await Promise.all(appended)).at(-1) ?? end;
  }
  await log.close();
  return { end, tookMs: performance.now() - startedAt };
}

async function subscriberRate(redis: RedisServer, end: Position): Promise<object> {
  const log = new RedisLog({ redis: redis.url });
  const abort = new AbortController();
  let from = ORIGIN;
  for await (const event of log.follow({ signal: abort.signal })) {
    if (event.kind !== 'records') continue;
    from = event.records[0]?.position ?? from;
    abort.abort();
  }
  await log.close();
  const [startedAt, used] = [performance.now(), process.cpuUsage()];
  let heard = 0;
  const subscriber = createSubscriber({
    redis: redis.url, from,
    onBatch: (deliveries) => {
      heard += deliveries.length;
    },
  });
  await subscriber.reached(end, MINUTES);
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(used);
  await subscriber.close();
  return {
    messagesPerSecond: Math.round(heard / seconds),
    // Says more than the rate where the machine has other things to do.
    processorMicrosecondsEach: Number(((user + system) / heard).toFixed(1)),
  };
}

async function relayRate(): Promise<object> {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const connect = (): Client => new Client({ connectionString: postgres.url });
  const client = connect();
  await client.connect();
  await client.query(outboxSql());
  const outbox = new PostgresOutbox({ source: 'bench' });
  for (let n = 0; n < rows; n += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, at) => ({ type: 'User', id: n + at }));
    await outbox.enqueue(client, some);
  }
  const relay = new OutboxRelay({ connect, redis: redis.url });
  const startedAt = performance.now();
  relay.start();
  await until(() => relay.stats.delivered >= rows, { what: 'all is relayed', deadlineMs: MINUTES });
  const seconds = (performance.now() - startedAt) / 1_000;
  const wakeups = new Histogram();
  for (let n = 0; n < 500; n += 1) {
    const [before, sentAt] = [relay.stats.delivered, performance.now()];
    await outbox.enqueue(client, { type: 'Post', id: n });
    await until(() => relay.stats.delivered > before, { what: 'it is relayed', everyMs: 0 });
    wakeups.record(performance.now() - sentAt);
  }
  await relay.close();
  await client.end();
  await Promise.all([postgres.stop(), redis.stop()]);
  return { rowsPerSecond: Math.round(rows / seconds), commitToMarked: wakeups.percentiles() };
}

function positionOf(text: string): Position {
  return parsePosition(text) ?? (text as Position);
}

async function rateOf(count: () => number): Promise<number> {
  const [before, startedAt] = [count(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  return (count() - before) / (performance.now() - startedAt) * 1_000;
}

/** Eight connections that ask one query again and again. */
function hits(url: string, body: string): { count(): number; stop(): Promise<void> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  let [count, isStopped] = [0, false];
  const ask = (): Promise<void> => new Promise((resolve, reject) => {
    const asked = request(url, { agent, headers, method: 'POST' }, (answer) => {
      answer.on('end', resolve).resume();
    });
    asked.on('error', reject).end(body);
  });
  const loops = Array.from({ length: 8 }, async () => {
    while (!isStopped) {
      await ask();
      count += 1;
    }
  });
  return {
    count: () => count,
    stop: async () => {
      isStopped = true;
      await Promise.all(loops);
      agent.destroy();
    },
  };
}
