/**
 * Makes objects of which some live for a while, and tells how large V8 has let the space for these
 * grow, how often all of it was collected, and how often without having been marked before. With
 * `busy` few live longer than a moment, but there is much that is always there, and some memory
 * outside the heap: as with a gateway. With `caching` half of what lives is outside of it.
 */
import { constants, PerformanceObserver, type PerformanceEntry } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';
import { systemClock, type Clock } from '../../src/invalidation/clock.ts';
import { boundHeapGrowth, lendHeapRoom } from '../../src/ops/heap-growth.ts';

const [how, load] = process.argv.slice(2);
if (how === 'growth alone') setFlagsFromString('--heap-growing-percent=16');
if (how === 'bound' || how === 'lent') boundHeapGrowth();
// It looks once: what it would see later is a matter of when V8 has collected what.
const once: Clock = { ...systemClock, after: () => () => undefined };
if (how === 'lent') lendHeapRoom({ clock: once, bytesMax: 2 ** 30 });

let [collections, markings] = [0, 0];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as PerformanceEntry & { detail: { kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections += 1;
    if (kind === constants.NODE_PERFORMANCE_GC_INCREMENTAL) markings += 1;
  }
}).observe({ entryTypes: ['gc'] });

// Not by the function below: V8 puts what one place makes among the old at once, where much of it
// has become old.
const always = Array.from({ length: load === 'busy' ? 400_000 : 0 }, (_, n) => ({ text: `${n}` }));
const ring: unknown[] = [];
let oldBytesMax = 0;
for (let round = 0; round < 700; round += 1) {
  if (load === 'busy') {
    ring[round % 64] = Buffer.alloc(2 ** 16);
    for (let part = 0; part < 6; part += 1) ring[64 + (round % 8)] = objects(10_000);
  } else if (load === 'caching') {
    ring[round % 256] = Array.from({ length: 100 }, () => [Buffer.alloc(8_192), objects(128)]);
  } else {
    ring[round % 64] = objects(20_000);
  }
  const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space');
  oldBytesMax = Math.max(oldBytesMax, space?.space_used_size ?? 0);
  await turn();
}
// Those that are observed are told of in turns to come.
await turn();
const unmarked = Math.max(0, collections - markings);
process.stdout.write(JSON.stringify({ oldBytesMax, collections, unmarked, always: always.length }));

function objects(length: number): object[] {
  return Array.from({ length }, (_, n) => ({ n, length }));
}
