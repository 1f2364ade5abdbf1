/**
 * How long from PUBLISH until two nodes, each a process of its own, have purged: once as a foreign
 * service publishes (a plain PUBLISH), once by this project's publisher.
 *
 *     npm run bench:propagation -- --messages 5000 --rate 500
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { createPublisher } from '../src/invalidation/index.ts';
import { pause, systemClock } from '../src/invalidation/clock.ts';
import { startRedis } from '../test/support/redis.ts';
import { percentiles } from './percentiles.ts';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '500' },
  },
});
const messages = Number(values.messages);
const everyMs = 1_000 / Number(values.rate);
const warmUp = 200;

const redis = await startRedis();
const nodes = await Promise.all([startNode(redis.url), startNode(redis.url)]);
const client = new Redis(redis.url);
const publisher = createPublisher({ redis: redis.url, source: 'bench' });

console.log(`PUBLISH to purged on both nodes, ${messages} messages, ${values.rate}/s, loopback`);
await measure('plain PUBLISH', (id) => client.publish('cache:invalidate', message(id)));
await measure("this project's publisher", (id) => publisher.invalidateUser(id));

for (const node of nodes) node.kill();
await publisher.close();
client.disconnect();
await redis.stop();

async function measure(name: string, publish: (id: string) => Promise<unknown>): Promise<void> {
  const sentAt = new Map<string, bigint>();
  const seen = new Map<string, number>();
  const took: number[] = [];
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const onPurged = ({ id, at }: { id: string; at: string }): void => {
    const start = sentAt.get(id);
    if (start === undefined) return;
    const count = (seen.get(id) ?? 0) + 1;
    seen.set(id, count);
    if (count < nodes.length) return;
    took.push(Number(BigInt(at) - start) / 1e6);
    if (took.length === messages) resolve();
  };
  for (const node of nodes) node.on('message', onPurged);
  const beganAt = systemClock.now();
  for (let n = 0; n < messages; n += 1) {
    const id = `${name.length}-${n}`;
    sentAt.set(id, process.hrtime.bigint());
    void publish(id);
    const aheadMs = beganAt + (n + 1) * everyMs - systemClock.now();
    if (aheadMs > 0) await pauseActively(aheadMs);
  }
  await Promise.race([done, pause(systemClock, 10_000)]);
  for (const node of nodes) node.off('message', onPurged);
  const lost = messages - took.length;
  console.log(`${name.padEnd(26)} ${percentiles(took.slice(warmUp), 'ms')}  lost ${lost}`);
}

/** A timer keeps no process alive that waits for nothing else. */
async function pauseActively(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

async function startNode(url: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('propagation-node.ts', import.meta.url));
  const child = fork(file, [url], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(child, 'message');
  return child;
}

function message(id: string): string {
  return JSON.stringify({
    message_id: `bench-${id}`, entity_type: 'User', entity_id: id, pattern: null,
    entity_ids: null, action: 'Update', timestamp: new Date().toISOString(),
    source_service: 'bench', metadata: null,
  });
}
