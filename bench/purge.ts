/**
 * What a purge costs, by kind and by how much is cached, and what readers notice of it: in this
 * process on the classes of the cache, and over HTTP on a gateway that hears of it by Redis.
 *
 *     npm run bench:purge
 *     npm run bench:purge -- --quick --entries 1000,100000 --no-http
 */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import type { CacheKey } from '../src/cache/key.ts';
import { startRedis } from '../test/support/redis.ts';
import { CacheInProcess, keyOf } from './cache-in-process.ts';
import { startFreshet, startSubgraph } from './contestants.ts';
import { keep } from './machine.ts';
import { pin, requirePrograms } from './server.ts';
import { bodyOf, idOf } from './workload.ts';
import { load, type Request } from './wrk.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    quick: { type: 'boolean', default: false },
    entries: { type: 'string', default: '' },
    http: { type: 'boolean', default: true },
  },
});
const { quick } = values;
const sizes = (values.entries || (quick ? '1000,100000' : '1000,10000,100000,1000000'))
  .split(',').map(Number);
const PURGES = quick ? 200 : 1_000;
/** Reads between two purges, as many as a busy node has in a few ms. */
const READS = 200;

/** A text as an operator writes it; `n` makes it another one each time. */
const KINDS: Readonly<Record<string, (n: number, entries: number) => string>> = {
  tag: (n, entries) => `account:${n % entries}`,
  prefix: (n) => `list:${n % 1_000}:*`,
  type: () => 'account:*',
  all: () => '*',
  regex: (n) => `/^account:\\d*${n % 100}7$/`,
};

const results: object[] = [];
await warmUp();
for (const entries of sizes) await measureInProcess(entries);
if (values.http) await measureOverHttp(quick ? 5_000 : 100_000);
keep('purge', { quick, purges: PURGES, results });

/** What the engine compiles when it is first used is no property of a purge. */
async function warmUp(): Promise<void> {
  const cache = new CacheInProcess({ entries: 100, bytes: 200 });
  await cache.fill();
  for (let n = 0; n < 3_000; n += 1) {
    for (const kind of ['tag', 'prefix', 'type', 'all']) cache.purge(KINDS[kind]?.(n, 100) ?? '*');
  }
}

async function measureInProcess(entries: number): Promise<void> {
  console.log(`\n${entries} entries with 10 tags each, in this process (us)`);
  console.log(row(['', 'purge p50', 'p99', 'max', 'read p50', 'p99', 'max', 'refilled']));
  const cache = new CacheInProcess({ entries, bytes: 200 });
  const keys = Array.from({ length: entries }, (_, n) => keyOf(n));
  await cache.fill();
  for (let seed = 0; seed < 3; seed += 1) await reads(cache, { keys, seed, count: 20_000 });
  const quiet = await reads(cache, { keys, seed: 7, count: PURGES * READS });
  show(entries, 'none', { purge: [], ...quiet });
  for (const [kind, textOf] of Object.entries(KINDS)) {
    const purge: number[] = [];
    const read: number[] = [];
    let refilled = 0;
    for (let n = 0; n < PURGES; n += 1) {
      purge.push(purgeOnce(cache, textOf(n, entries)));
      const after = await reads(cache, { keys, seed: n, count: READS });
      read.push(...after.read);
      refilled += after.refilled;
      if (n % 20 === 0) await turn();
    }
    show(entries, kind, { purge, read, refilled });
  }
}

/** The time that nothing else runs in, in us. */
function purgeOnce(cache: CacheInProcess, pattern: string): number {
  const beganAt = performance.now();
  cache.purge(pattern);
  return (performance.now() - beganAt) * 1_000;
}

/** What is found stale is read anew, which does not count. */
async function reads(
  cache: CacheInProcess,
  { keys, seed, count }: { keys: readonly CacheKey[]; seed: number; count: number },
): Promise<{ read: number[]; refilled: number }> {
  const read: number[] = [];
  let refilled = 0;
  for (let n = 0; n < count; n += 1) {
    const at = ((n + seed * 7_919) * 2_654_435_761) % keys.length;
    const beganAt = performance.now();
    const isThere = cache.holds(keys[at] as CacheKey);
    read.push((performance.now() - beganAt) * 1_000);
    if (isThere) continue;
    refilled += 1;
    await cache.load(at);
  }
  return { read, refilled };
}

interface Taken {
  readonly purge: readonly number[];
  readonly read: readonly number[];
  readonly refilled: number;
}

function show(entries: number, kind: string, { purge, read, refilled }: Taken): void {
  const figures = { purge: percentilesOf(purge), read: percentilesOf(read) };
  const cells = [...Object.values(figures.purge), ...Object.values(figures.read)];
  console.log(row([kind, ...cells.map((us) => us.toFixed(1)), String(refilled)]));
  results.push({ where: 'process', entries, kind, ...figures, refilled });
}

/** Purges 20 times a second, of each kind, while 4 connections read what is hot. */
async function measureOverHttp(entries: number): Promise<void> {
  requirePrograms('wrk', 'taskset', 'redis-server');
  const [redis, subgraph] = [await startRedis(), await startSubgraph('accounts')];
  pin(redis.pid, 'other');
  const gateway = await startFreshet({
    config: {
      subgraphs: { accounts: subgraph.url }, redis: redis.url,
      cache: {
        defaultTtlSeconds: 3_600, l1: { entriesMax: entries, bytesMax: 4 * 1024 ** 3 },
      },
    },
  });
  const client = new Redis(redis.url);
  const hot = Array.from({ length: 100 }, (_, n) => requestOf(idOf(n)));
  const read = (requests: readonly Request[]) => load({
    port: gateway.port, connections: 4, seconds: quick ? 2 : 10, requests,
  });
  let [firstId, asked] = [1_000_000, 0];
  while ((await gateway.stats()).gateway.l1.entries < entries * 0.99) {
    const fill = { port: gateway.port, connections: 64, seconds: 5, firstId };
    const filled = await load({ ...fill, requests: [requestOf('{id}')] });
    firstId = filled.nextId + 1;
    asked += filled.requests;
    assert(asked < entries * 3, `${asked} answers, and fewer than ${entries} entries`);
  }
  console.log(`\n${entries} entries in a gateway, 20 purges/s by Redis, 4 readers (us)`);
  console.log(row(['', 'reads/s', 'p50', 'p99', 'max', 'entries', 'gaps']));
  for (const kind of ['none', ...Object.keys(KINDS)]) {
    await read(hot);
    let n = 0;
    const purging = setInterval(() => {
      n += 1;
      if (kind !== 'none') void client.publish('cache:invalidate', message(kind, n, entries));
    }, 50);
    const { perSecond, p50, p99, max } = await read(hot);
    clearInterval(purging);
    const { gateway: { l1, invalidation } } = await gateway.stats();
    assert.equal(invalidation.rejected, 0, 'every purge was understood');
    const figures = [perSecond, p50, p99, max, l1.entries, invalidation.gaps];
    console.log(row([kind, ...figures.map((one) => one.toFixed(0))]));
    results.push({ where: 'http', entries, kind, perSecond, p50, p99, max });
  }
  client.disconnect();
  await Promise.all([gateway.stop(), subgraph.stop(), redis.stop()]);
}

function requestOf(id: string): Request {
  return { method: 'POST', path: '/graphql', body: bodyOf({ id, bytes: 300 }) };
}

function message(kind: string, n: number, entries: number): string {
  return JSON.stringify({
    message_id: `bench-${kind}-${n}-${process.hrtime.bigint()}`, entity_type: 'User',
    entity_id: null, pattern: KINDS[kind]?.(n, entries), entity_ids: null, action: 'Pattern',
    timestamp: new Date().toISOString(), source_service: 'bench', metadata: null,
  });
}

function percentilesOf(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function row([name = '', ...cells]: readonly string[]): string {
  return [name.padEnd(8), ...cells.map((cell) => cell.padStart(10))].join('');
}
