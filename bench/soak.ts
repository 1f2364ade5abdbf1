/**
 * A gateway at full load, with purges, for ten minutes: does memory stay within the configured
 * limits? More different answers are asked for than fit, so that entries are evicted all the time.
 *
 *     npm run bench:soak -- --seconds 600
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { freePort, startRedis } from '../test/support/redis.ts';
import { startSubgraph } from '../test/support/subgraph.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '600' },
    connections: { type: 'string', default: '16' },
    purges: { type: 'string', default: '200' },
  },
});
const MIB = 1024 * 1024;
const L1_BYTES_MAX = 64 * MIB;
const IDS = 200_000;
const BIO = 'b'.repeat(1_500);
const endAt = performance.now() + Number(values.seconds) * 1_000;

const redis = await startRedis({
  args: ['--maxmemory', '256mb', '--maxmemory-policy', 'volatile-lru'],
});
const client = new Redis(redis.url);
const users = await startSubgraph({
  name: 'users',
  sdl: `type Query { user(id: ID!): User }
    type User @key(fields: "id") { id: ID! name: String bio: String }`,
  resolvers: { Query: { user: (_, { id }) => ({ id, name: `name of ${id}`, bio: BIO }) } },
  entities: { User: ({ id }) => ({ id, name: `name of ${id}`, bio: BIO }) },
});
const folder = mkdtempSync(path.join(tmpdir(), 'freshet-soak-'));
const [port, adminPort] = [await freePort(), await freePort()];
const gateway = startGateway();
const counts = { answers: 0, failed: 0, hits: 0, purges: 0 };
const agent = new Agent({ keepAlive: true, maxSockets: Number(values.connections) });

await ready();
const base = await sample();
console.log(`limits: L1 ${L1_BYTES_MAX / MIB} MiB, horizon 100,000 marks`);
console.log(`at rest RSS ${base.rss} MiB`);
console.log('  s   RSS MiB  heap of L1  entries     marks  answers/s  hits  failed  purges');
const purging = setInterval(purge, 10);
const clients = Array.from({ length: Number(values.connections) }, () => askOn());
let last = { at: performance.now(), answers: 0 };
const peak = { rss: 0 };
const reporting = setInterval(() => void report(), 15_000);
await Promise.all(clients);
clearInterval(reporting);
clearInterval(purging);
await report();
console.log(`peak RSS ${peak.rss} MiB: ${peak.rss - base.rss} MiB over rest, for an L1 of ` +
  `${L1_BYTES_MAX / MIB} MiB; ${counts.answers} answers, ${counts.failed} failed, ` +
  `${counts.purges} purges`);

gateway.kill('SIGTERM');
agent.destroy();
client.disconnect();
await users.stop();
await redis.stop();
rmSync(folder, { recursive: true });

function startGateway(): ChildProcess {
  const config = {
    port, adminPort, adminOpen: true, host: '127.0.0.1', logLevel: 'warn',
    subgraphs: { users: users.url },
    redis: redis.url,
    cache: { l1: { bytesMax: L1_BYTES_MAX, entriesMax: 100_000 }, horizon: { marksMax: 100_000 } },
  };
  const file = path.join(folder, 'freshet.config.json');
  writeFileSync(file, JSON.stringify(config));
  const bin = fileURLToPath(new URL('../src/ops/cli/bin.ts', import.meta.url));
  return spawn(process.execPath, [bin, 'start', '--config', file], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function ready(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the gateway did not become ready within 20 s');
}

async function askOn(): Promise<void> {
  while (performance.now() < endAt) {
    // Most requests are for few ids, as with real traffic; the rest for any.
    const hot = Math.random() < 0.7;
    const id = Math.floor(Math.random() * (hot ? 2_000 : IDS));
    await ask(`{"query":"query($id:ID!){user(id:$id){name bio}}","variables":{"id":"${id}"}}`);
  }
}

function ask(body: string): Promise<void> {
  return new Promise((resolve) => {
    const options = {
      agent, port, host: '127.0.0.1', method: 'POST', path: '/graphql',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    };
    const outgoing = request(options, (response) => {
      counts.answers += 1;
      if (response.statusCode !== 200) counts.failed += 1;
      if (String(response.headers['cache-status']).includes('hit')) counts.hits += 1;
      response.resume().once('end', resolve);
    });
    outgoing.once('error', () => {
      counts.failed += 1;
      resolve();
    });
    outgoing.end(body);
  });
}

function purge(): void {
  const batch = Math.ceil(Number(values.purges) / 100);
  for (let n = 0; n < batch; n += 1) {
    counts.purges += 1;
    void client.publish('cache:invalidate', JSON.stringify({
      message_id: crypto.randomUUID(), entity_type: 'User',
      entity_id: String(Math.floor(Math.random() * IDS)), pattern: null, entity_ids: null,
      action: 'Update', timestamp: new Date().toISOString(), source_service: 'soak', metadata: null,
    }));
  }
}

interface Sample {
  readonly rss: number;
  readonly bytes: number;
  readonly entries: number;
  readonly marks: number;
}

async function sample(): Promise<Sample> {
  const answer = await fetch(`http://127.0.0.1:${adminPort}/stats`);
  const { memoryBytes, gateway: status } = JSON.parse(await answer.text());
  const { l1: { bytes, entries }, invalidation: { marks } } = status;
  return { rss: Math.round(memoryBytes / MIB), bytes, entries, marks };
}

async function report(): Promise<void> {
  const { rss, bytes, entries, marks } = await sample();
  peak.rss = Math.max(peak.rss, rss);
  const now = performance.now();
  const rate = Math.round((counts.answers - last.answers) / ((now - last.at) / 1_000));
  last = { at: now, answers: counts.answers };
  const seconds = Math.round((now - (endAt - Number(values.seconds) * 1_000)) / 1_000);
  const share = `${Math.round((counts.hits / Math.max(1, counts.answers)) * 100)} %`;
  const l1 = `${Math.round(bytes / MIB)} MiB`;
  const row = [seconds, rss, l1, entries, marks, rate, share, counts.failed, counts.purges];
  const widths = [4, 8, 10, 8, 9, 9, 6, 6, 8];
  console.log(row.map((cell, at) => String(cell).padStart(widths[at] ?? 0)).join('  '));
}
