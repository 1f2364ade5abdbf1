/** docs/runbook.md, run again: what its commands print has the shape that the page shows. */
import { execFile, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { COMMANDS } from '../../src/ops/cli/commands.ts';
import { end, freePort, printed, spawnBound, temporaryDirectory } from '../support/process.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';

const PAGE = fileURLToPath(new URL('../../docs/runbook.md', import.meta.url));
const BIN = fileURLToPath(new URL('../../src/ops/cli/bin.ts', import.meta.url));
const QUERY = '{ product(id: 9) { name price } }';
const directory = temporaryDirectory('runbook');

let redis: RedisServer;
let shop: TestSubgraph;
let reviews: TestSubgraph;
let node: ChildProcess;
let [port, adminPort] = [0, 0];
let price = 1900;

const LINK = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
  import: ["@key"])`;
const SHOP = `${LINK}
  directive @cacheControl(maxAge: Int) on FIELD_DEFINITION | OBJECT
  type Query { product(id: ID!): Product products: [Product!]! }
  type Product @key(fields: "id") @cacheControl(maxAge: 3600) { id: ID! name: String price: Int }`;
const REVIEWS = `${LINK}
  type Query { stars: Int }
  type Product @key(fields: "id") { id: ID! stars: Int }`;

beforeAll(async () => {
  const product = (id: string) => ({ id, name: id === '9' ? 'Lamp' : 'Chair', price });
  shop = await startSubgraph({
    name: 'shop', sdl: SHOP,
    resolvers: {
      Query: { product: (_, { id }) => product(id), products: () => [product('8'), product('9')] },
    },
    entities: { Product: ({ id }) => product(id) },
  });
  reviews = await startSubgraph({
    name: 'reviews', sdl: REVIEWS,
    resolvers: { Query: { stars: () => 4 }, Product: { stars: () => 5 } },
    entities: { Product: ({ id }) => ({ id }) },
  });
  redis = await startRedis();
  [port, adminPort] = [await freePort(), await freePort()];
  writeFileSync(join(directory, 'freshet.config.json'), JSON.stringify({
    host: '127.0.0.1', port, adminPort, workers: 1, rehearsal: false, redis: redis.url,
    subgraphs: { shop: { url: shop.url }, reviews: { url: reviews.url } },
    audit: { enabled: true },
  }));
  mkdirSync(join(directory, 'bin'));
  const program = join(directory, 'bin', 'freshet');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`);
  chmodSync(program, 0o755);
  node = spawnBound(process.execPath, [BIN, 'start'], { cwd: directory, env: environment() });
  await printed(node, /listening/, { name: 'freshet start' });
  await until(async () => (await statusOf()).hears, { what: 'the log is heard' });
});
afterAll(async () => {
  await end(node, 'SIGKILL');
  await Promise.all([shop.stop(), reviews.stop(), redis.stop()]);
});

function environment() {
  const PATH = `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`;
  return { PATH, FRESHET_ADMIN_URL: `http://127.0.0.1:${adminPort}` };
}

async function statusOf(): Promise<{ hears: boolean }> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/stats`);
  return ((await response.json()) as { gateway: { hears: boolean } }).gateway;
}

async function ask(query: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  expect(response.status).toBe(200);
  await response.text();
}

async function explained(): Promise<{ would: string; entry: { state: string } | null }> {
  const response = await fetch(`http://127.0.0.1:${adminPort}/admin/cache/explain`, {
    method: 'POST', headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: QUERY }),
  });
  return await response.json() as { would: string; entry: { state: string } | null };
}

/** What happens between the commands. */
const STAGES: Readonly<Record<string, () => Promise<void>>> = {
  async 'the price changes, and nobody is told'() {
    await ask(QUERY);
    await ask('{ products { name price stars } }');
    await until(async () => (await redisEntries()) >= 7, { what: 'Redis has the entries' });
    price = 1700;
  },
  async 'the page is asked for, then Redis stops'() {
    await ask(QUERY);
    redis.pause();
    const isUnheard = async () => (await explained()).entry?.state === 'unheard';
    await until(isUnheard, { what: 'nothing is served from the cache' });
  },
  async 'Redis goes on'() {
    redis.resume();
    const isForgotten = async () => (await explained()).entry?.state === 'invalidated'
      && (await statusOf()).hears;
    await until(isForgotten, { what: 'the node hears the log again' });
  },
};

/** Answers and entities that another node could find, the log, and its limits. */
async function redisEntries(): Promise<number> {
  const [count = '0'] = /\d+/.exec(await run(`redis-cli -u ${redis.url} dbsize`)) ?? [];
  return Number(count);
}

function run(command: string): Promise<string> {
  const ported = command
    .replaceAll('localhost:4000', `127.0.0.1:${port}`);
  return new Promise((resolve) => {
    const options = { cwd: directory, env: environment(), timeout: 60_000 };
    execFile('/bin/sh', ['-c', ported], options, (_error, out, err) => resolve(`${out}${err}`));
  });
}

/** The audit is written a moment after the log. */
async function audited(): Promise<void> {
  const found = async (): Promise<boolean> =>
    (await run('freshet audit --pattern product:9 --json')).includes('"total_count": 1');
  await until(found, { what: 'the audit has the record' });
}

/** A machine that is busy with other tests may hold a node up, which then says so. */
async function outputOf(command: string, isCutOff: boolean): Promise<string> {
  for (let attempt = 1; ; attempt += 1) {
    const hears = async (): Promise<boolean> => (await statusOf()).hears;
    if (!isCutOff) await until(hears, { what: 'the log is heard' });
    const out = (await run(command)).trimEnd();
    if (isCutOff || attempt === ATTEMPTS_MAX || !out.includes('NOT HEARD')) return out;
  }
}

const ATTEMPTS_MAX = 10;

/** The page with what its commands print now. */
async function runAgain(page: string): Promise<string> {
  const pieces = page.split(/(<!-- stage: .* -->|```console\n[^]*?\n```)/);
  const told: string[] = [];
  let isCutOff = false;
  for (const piece of pieces) {
    const [, stage] = /^<!-- stage: (.*) -->$/.exec(piece) ?? [];
    const [, command] = /^```console\n\$ (.*)\n/.exec(piece) ?? [];
    if (stage !== undefined) {
      await (STAGES[stage] as () => Promise<void>)();
      isCutOff = stage.includes('stops');
    }
    if (command?.startsWith('freshet audit')) await audited();
    const out = command === undefined ? undefined : await outputOf(command, isCutOff);
    told.push(out === undefined ? piece : `\`\`\`console\n$ ${command}\n${out}\n\`\`\``);
  }
  return told.join('');
}

/** Without what is another one each time: places, times, names of keys, figures of a process. */
function shapeOf(page: string): string {
  return page
    .replaceAll(/```console\n\$ freshet stats\n[^]*?\n```/g, withoutFigures)
    .replaceAll(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b\d{13}-\d+\b/g, 'POSITION')
    .replaceAll(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'ID')
    .replaceAll(/response:[\w-]{32}/g, 'response:HASH')
    .replaceAll(/field [\w-]{32}/g, 'field HASH')
    .replaceAll(/-?\d+\.\d s/g, 'N s')
    .replaceAll(/ +/g, ' ');
}

function withoutFigures(block: string): string {
  return block.replaceAll(/[\d,.]+/g, 'N');
}

it('prints what docs/runbook.md shows', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const now = await runAgain(page);
  await expect(shapeOf(now) === shapeOf(page) ? page : now).toMatchFileSnapshot(PAGE);
});

it('names commands and flags that there are', () => {
  const page = readFileSync(PAGE, 'utf8');
  const lines = [...page.matchAll(/(?:^\$? ?|`)freshet ([a-z-]+)([^`\n|]*)/gm)];
  expect(lines.length).toBeGreaterThan(15);
  for (const [line, name, rest = ''] of lines) {
    const command = COMMANDS.find((one) => one.name === name);
    const flags = command?.flags.map((flag) => flag.name) ?? [];
    expect(command, line).toBeDefined();
    for (const [, flag] of rest.matchAll(/ --([a-z-]+)/g)) expect(flags, line).toContain(flag);
  }
});
