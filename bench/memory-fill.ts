/**
 * Fills L1 as `memory.ts` asks, and tells what that took.
 *
 *     node --expose-gc bench/memory-fill.ts <entries> <bytes>
 */
import { CacheInProcess } from './cache-in-process.ts';

const [entries = 0, bytes = 0] = process.argv.slice(2).map(Number);
const cache = new CacheInProcess({ entries, bytes });
const before = memory();
await cache.fill();
const after = memory();
process.send?.({
  rssBytes: after.rss,
  rssGrownBytes: after.rss - before.rss,
  reckonedBytes: cache.store.bytes,
  heapBytes: after.heapUsed + after.external - before.heapUsed - before.external,
});

function memory(): NodeJS.MemoryUsage {
  for (let time = 0; time < 3; time += 1) globalThis.gc?.();
  return process.memoryUsage();
}
