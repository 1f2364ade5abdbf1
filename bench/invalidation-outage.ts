/**
 * Redis away for a minute while a service publishes 1,000 times a second: is every invalidation in
 * the log afterwards, or one that covers it; how long did callers wait; and how much memory did it
 * take? Ends with 1 where a promise was broken.
 *
 *     node bench/invalidation-outage.ts --seconds 60 --rate 1000 --fault pause
 *
 * `--fault kill` kills Redis instead, and starts it again with its data.
 */
import { parseArgs } from 'node:util';
import { createPublisher } from '../src/invalidation/index.ts';
import { Histogram } from '../src/invalidation/histogram.ts';
import { readCoverage } from '../test/invalidation/coverage.ts';
import { startRedis } from '../test/support/redis.ts';
import { until } from '../test/support/until.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '1000' },
    fault: { type: 'string', default: 'pause' },
  },
});
const outageMs = Number(values.seconds) * 1_000;
const perMs = Number(values.rate) / 1_000;
const APPEND_TIMEOUT_MS = 250;
/** What a busy machine may add to a timer. */
const LATE_MS = 250;
const MIB = 2 ** 20;

const redis = await startRedis({ persistence: true });
const publisher = createPublisher({
  redis: redis.url, source: 'bench', appendTimeoutMs: APPEND_TIMEOUT_MS,
});
const waits = new Histogram();
let [published, keptMax, rejected, heapMax] = [0, 0, 0, 0];

await publishFor(3_000);
const heapBefore = process.memoryUsage().heapUsed;
await (values.fault === 'kill' ? redis.kill() : redis.pause());
await publishFor(outageMs);
await (values.fault === 'kill' ? redis.restart() : redis.resume());
const backAt = performance.now();
await publishFor(3_000);
await until(() => publisher.stats.outbox === 0, { what: 'nothing is kept', deadlineMs: 60_000 });
const drainedMs = performance.now() - backAt;
const coverage = await readCoverage(redis.url);
const ids = Array.from({ length: published }, (_, id) => String(id));
const lost = ids.filter((id) => !coverage.covers(typeOf(Number(id)), id)).length;
const { maxMs } = waits.percentiles();
console.log(JSON.stringify({
  fault: values.fault, outageMs, published, lost, rejected,
  records: coverage.records, wide: coverage.wide, keptMax, waits: waits.percentiles(),
  heapMiB: { before: Math.round(heapBefore / MIB), max: Math.round(heapMax / MIB) },
  drainedMs: Math.round(drainedMs),
}, undefined, 2));
await publisher.close();
await redis.stop();
const isKept = lost === 0 && rejected === 0 && maxMs <= APPEND_TIMEOUT_MS + LATE_MS;
process.exit(isKept ? 0 : 1);

function typeOf(id: number): string {
  return ['User', 'Post', 'Feed'][id % 3] as string;
}

async function publishFor(durationMs: number): Promise<void> {
  const startedAt = performance.now();
  const first = published;
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startedAt) {
    while (published - first < elapsedMs * perMs) publish(published);
    keptMax = Math.max(keptMax, publisher.stats.outbox);
    heapMax = Math.max(heapMax, process.memoryUsage().heapUsed);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function publish(id: number): void {
  published += 1;
  const calledAt = performance.now();
  // A version, so that nothing is joined: each is a call, a record and a wait of its own.
  publisher.invalidateCustom(typeOf(id), id, { metadata: { version: id } }).then(
    () => waits.record(performance.now() - calledAt),
    () => (rejected += 1),
  );
}
