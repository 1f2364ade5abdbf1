/**
 * A subscriber for `invalidation.ts`, in a process of its own: tells at the end when it was called
 * back, since to tell it each time would take more processor than the call. As `bare` it is nothing
 * but a client of Redis that reads the Stream.
 */
import { Redis } from 'ioredis';
import { createSubscriber } from '../src/invalidation/index.ts';

export type CalledBack = readonly [id: string, at: string];

const [how = '', redis = '', count = '0'] = process.argv.slice(2);
const called: CalledBack[] = [];

function hear(ids: readonly string[]): void {
  const at = String(process.hrtime.bigint());
  for (const id of ids) called.push([id, at]);
  if (called.length >= Number(count)) process.send?.(called);
}

if (how === 'bare') {
  void readBare();
} else {
  const subscriber = createSubscriber({
    redis,
    onBatch: (deliveries) => hear(deliveries.map(({ message }) => message.entity_id ?? '')),
  });
  await subscriber.ready();
}
process.send?.('ready');

async function readBare(): Promise<void> {
  const client = new Redis(redis);
  for (let last = '0'; ;) {
    const streams = await client.xread('COUNT', 100, 'BLOCK', 1_000, 'STREAMS', 'bare', last);
    const entries = streams?.[0]?.[1] ?? [];
    last = entries.at(-1)?.[0] ?? last;
    hear(entries.map(([, fields]) => (JSON.parse(fields[1] ?? '') as { id: string }).id));
  }
}
