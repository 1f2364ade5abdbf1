/** A subscriber for `invalidation.ts`, in a process of its own: tells when it was called back. */
import { createSubscriber } from '../src/invalidation/index.ts';

const subscriber = createSubscriber({
  redis: process.argv[2] ?? '',
  onBatch: (deliveries) => {
    const at = String(process.hrtime.bigint());
    process.send?.(deliveries.map(({ message }) => [message.entity_id, at]));
  },
});
await subscriber.ready();
process.send?.([]);
