/**
 * A subscriber for `invalidation.ts`, in a process of its own: tells at the end when it was called
 * back, since to tell it each time would take more processor than the call.
 */
import { createSubscriber } from '../src/invalidation/index.ts';

export type CalledBack = readonly [id: string, at: string];

const [redis = '', count = '0'] = process.argv.slice(2);
const called: CalledBack[] = [];
const subscriber = createSubscriber({
  redis,
  onBatch: (deliveries) => {
    const at = String(process.hrtime.bigint());
    for (const { message } of deliveries) called.push([message.entity_id ?? '', at]);
    if (called.length >= Number(count)) process.send?.(called);
  },
});
await subscriber.ready();
process.send?.('ready');
