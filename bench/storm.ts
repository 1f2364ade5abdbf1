/**
 * Hits while 50,000 entities a second are invalidated by Redis, one message each: how many the node
 * takes in, whether one is lost, whether anything stale is served, and what readers notice.
 *
 *     npm run bench:storm
 *     npm run bench:storm -- --quick --rate 50000 --seconds 10 --by log --each 128
 *
 * By the channel, each message is a PUBLISH of its own. By the log, `each` of them are appended in
 * one call, as this project's publisher does with what comes in one turn of its event loop.
 *
 * First the storm comes alone, which tells what a message costs the node. Then reads run at 70 % of
 * what the node can do, and then at all it can do: without a storm, with one that comes to another
 * Redis, and with one that the node is to hear. Publisher, Redis and wrk take turns on one core, so
 * what the storm costs the node is what there is between the last two. Before it,
 * entries of some of the entities are cached: none of them may be a hit after it. During it an
 * entity changes again and again: after its own invalidation no answer may be old.
 */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createPublisher } from '../src/invalidation/index.ts';
import { formatPosition } from '../src/invalidation/position.ts';
import { end, spawnBound } from '../test/support/process.ts';
import { startRedis, type RedisServer } from '../test/support/redis.ts';
import { startFreshet, startSubgraph } from './contestants.ts';
import { keep } from './machine.ts';
import { percentiles } from './percentiles.ts';
import { percent } from './rounds.ts';
import { CORES, pin, requirePrograms } from './server.ts';
import type { Sent, Storm } from './storm-publisher.ts';
import { bodyOf, idOf } from './workload.ts';
import { load, type Load } from './wrk.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rate: { type: 'string', default: '50000' },
    seconds: { type: 'string', default: '' },
    by: { type: 'string', default: 'channel,log' },
    each: { type: 'string', default: '128' },
    'node-args': { type: 'string', default: '' },
  },
});
const { quick } = values;
const rate = Number(values.rate);
const seconds = Number(values.seconds || (quick ? 3 : 10));
const nodeArgs = values['node-args'].split(/[ ,]/).filter((arg) => arg !== '');
const CONNECTIONS = 64;
const BYTES = 2_000;
const SHARE = 0.7;
/** What is read is not what the storm is about, but for the witnesses. */
const HOT = 100;
const STORM = { firstId: 1_000_000, ids: 100_000 };
const WITNESSES = 200;
const PROBE = idOf(500);

requirePrograms('wrk', 'taskset', 'redis-server');
const results: object[] = [];
for (const by of values.by.split(',')) await measure(by as 'channel' | 'log');
keep('storm', { quick, rate, seconds, results });

async function measure(by: 'channel' | 'log'): Promise<void> {
  const [redis, subgraph] = [await startRedis(), await startSubgraph('accounts')];
  pin(redis.pid, 'other');
  const gateway = await startFreshet({
    nodeArgs,
    config: {
      subgraphs: { accounts: subgraph.url }, redis: redis.url, cache: { defaultTtlSeconds: 3_600 },
    },
  });
  const { port } = gateway;
  const elsewhere = await startRedis();
  pin(elsewhere.pid, 'other');
  const [publisher, other] = [await publisherTo(redis, by), await publisherTo(elsewhere, by)];
  const requests = Array.from({ length: HOT }, (_, n) => ({
    method: 'POST' as const, path: '/graphql', body: bodyOf({ id: idOf(n), bytes: BYTES }),
  }));
  const read = (delayMs = 0): Promise<Load> =>
    load({ port, requests, connections: CONNECTIONS, seconds, delayMs, mayTimeOut: true });
  const blow = async (from = publisher): Promise<Sent> => {
    const storm: Storm = { rate, seconds, ...STORM };
    from.send(storm);
    const [sent] = await once(from, 'message') as [Sent];
    return sent;
  };

  console.log(`\n${rate} invalidations/s for ${seconds} s, by ${by}`);
  await load({ port, requests, connections: CONNECTIONS, seconds: quick ? 1 : 3 });
  const alone = await read();
  const delayMs = (CONNECTIONS / (alone.perSecond * SHARE)) * 1_000 - alone.p50 / 1_000 / 2;
  const calm = await read(delayMs);
  const [calmBeside] = await Promise.all([read(delayMs), blow(other)]);
  const [aloneBeside] = await Promise.all([read(), blow(other)]);
  let cached = 0;
  for (let time = 0; cached < WITNESSES && time < 20; time += 1) {
    cached = await hitsAmongWitnesses();
  }
  assert.equal(cached, WITNESSES, 'all witnesses are cached');

  const counted = by === 'channel' ? 'foreign' : 'received';
  const before = (await gateway.stats()).gateway.invalidation;
  // The first messages are read by code that V8 has yet to compile.
  const sentFirst = await blow();
  await settled();
  const cpuMs = gateway.server.cpuMs();
  const sentAlone = await blow();
  await settled();
  const cpuEach = ((gateway.server.cpuMs() - cpuMs) * 1_000) / sentAlone.sent;
  const probing = probe({ port, redisUrl: redis.url, tell: subgraph.tell });
  const [stormy, sentCalmly] = await Promise.all([read(delayMs), blow()]);
  const probed = await probing.stop();
  const [full, sentFully] = await Promise.all([read(), blow()]);
  const storms = [sentFirst, sentAlone, sentCalmly, sentFully];
  const of = (name: keyof Sent): number => storms.reduce((sum, storm) => sum + storm[name], 0);
  const sent = of('sent');
  const beganAt = performance.now();
  const after = await settled();
  const settledMs = performance.now() - beganAt;
  // Its own invalidations are records of the log as well.
  const taken = after[counted] - before[counted] - (by === 'log' ? probed.changes : 0);
  const staleWitnesses = await hitsAmongWitnesses();

  const perSecond = sent / (of('tookMs') / 1_000);
  // A node that was cut off forgets what it has read: what it did not hear makes nothing stale.
  const forgot = after.floor !== before.floor;
  console.log(`published ${sent} (${perSecond.toFixed(0)}/s, ${of('failed')} refused by Redis), `
    + `taken in ${taken}, lost ${sent - taken}, gaps ${after.gaps - before.gaps}, `
    + `rejected ${after.rejected - before.rejected}, `
    + `all applied ${settledMs.toFixed(0)} ms after${forgot ? ', entries were forgotten' : ''}`);
  // Where the load has no core of its own, the storm slows it down as well.
  console.log(`each takes the node ${cpuEach.toFixed(1)} us of CPU: ${rate} a second leave `
    + `${percent(1 - (cpuEach * rate) / 1e6)} of its core to reads`);
  print('all it can do, no storm', alone);
  print('all it can do, storm elsewhere', aloneBeside, alone);
  print('all it can do, in the storm', full, aloneBeside);
  print('70 %, no storm', calm);
  print('70 %, storm elsewhere', calmBeside, calm);
  print('70 %, in the storm', stormy, calmBeside);
  console.log(`changed ${probed.changes} times in the storm, old after its invalidation `
    + `${probed.stale} times; new after ${percentiles(probed.tookMs, 'ms')}`);
  console.log(`of ${WITNESSES} invalidated entries ${staleWitnesses} are still hits`);
  results.push({
    by, published: sent, perSecond, cpuEach, taken, lost: sent - taken,
    gaps: after.gaps - before.gaps, rejected: after.rejected - before.rejected, settledMs, forgot,
    reads: { alone, aloneBeside, full, calm, calmBeside, stormy },
    changes: probed.changes, stale: probed.stale,
    staleWitnesses, keptOfRate: full.perSecond / aloneBeside.perSecond,
  });
  await Promise.all([end(publisher, 'SIGTERM'), end(other, 'SIGTERM')]);
  await Promise.all([gateway.stop(), subgraph.stop(), redis.stop(), elsewhere.stop()]);

  function ask(id: string, headers: Readonly<Record<string, string>> = {}) {
    return fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST', headers: { 'content-type': 'application/json', ...headers },
      body: bodyOf({ id, bytes: 300 }),
    });
  }

  /** Until the node has taken in all that it will: the counters stand still for a second. */
  async function settled() {
    let last = (await gateway.stats()).gateway.invalidation;
    for (let still = 0, time = 0; still < 4 && time < 240; time += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const { invalidation } = (await gateway.stats()).gateway;
      still = invalidation[counted] === last[counted] && invalidation.outbox === 0 ? still + 1 : 0;
      last = invalidation;
    }
    return last;
  }

  async function hitsAmongWitnesses(): Promise<number> {
    let hits = 0;
    for (let n = 0; n < WITNESSES; n += 1) {
      const answer = await ask(witness(n));
      assert.equal(answer.status, 200);
      await answer.text();
      if (/;\s*hit/.test(answer.headers.get('cache-status') ?? '')) hits += 1;
    }
    return hits;
  }
}

async function publisherTo({ port }: RedisServer, by: string): Promise<ChildProcess> {
  const file = fileURLToPath(new URL('storm-publisher.ts', import.meta.url));
  const publisher = spawnBound('taskset', [
    '-c', CORES.load, process.execPath, file, String(port), by, values.each,
  ], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await once(publisher, 'message');
  return publisher;
}

function witness(n: number): string {
  return idOf(STORM.firstId + Math.floor((n * STORM.ids) / WITNESSES / 10));
}

function print(title: string, { perSecond, p50, p99, max, timeouts }: Load, calm?: Load): void {
  const share = calm ? `, ${percent(perSecond / calm.perSecond)} of that without` : '';
  console.log(`${title.padEnd(31)} ${perSecond.toFixed(0).padStart(7)}/s  p50 ${p50} us  `
    + `p99 ${p99} us  max ${max} us${timeouts > 0 ? `  timed out ${timeouts}` : ''}${share}`);
}

/** Changes one entity, publishes, and reads it with the position of the invalidation. */
function probe({ port, redisUrl, tell }: {
  port: number;
  redisUrl: string;
  tell: (message: unknown) => void;
}) {
  const publisher = createPublisher({ redis: redisUrl, source: 'bench', appendTimeoutMs: 10_000 });
  const result = { changes: 0, stale: 0, tookMs: [] as number[] };
  let stopped = false;
  const running = (async () => {
    for (let version = 1; !stopped; version += 1) {
      const name = `Version ${version}`;
      tell({ id: PROBE, name });
      // The service has committed before it says so; another process takes a moment to.
      await new Promise((resolve) => setTimeout(resolve, 20));
      const { position } = await publisher.invalidateCustom('Account', PROBE);
      if (position === undefined) throw new Error('the probe was not appended within 10 s');
      result.changes += 1;
      const publishedAt = performance.now();
      const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
        method: 'POST', body: bodyOf({ id: PROBE, bytes: 300 }),
        headers: {
          'content-type': 'application/json', 'freshet-position': formatPosition(position),
        },
      });
      const text = await answer.text();
      assert.equal(answer.status, 200, text);
      if (!text.includes(name)) result.stale += 1;
      result.tookMs.push(performance.now() - publishedAt);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      await publisher.close();
      return result;
    },
  };
}
