import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { end, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startRedis } from '../../support/redis.ts';
import { startSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));
const WORKERS = 3;

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
});

function freshet(args: readonly string[]): ChildProcess {
  const child = spawnBound(process.execPath, [BIN, 'start', ...args], {
    cwd: temporaryDirectory('workers'),
    env: {
      PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', FRESHET_ADMIN_OPEN: 'true',
    },
  });
  stops.push(() => end(child, 'SIGKILL'));
  return child;
}

async function startNode() {
  const redis = await startRedis();
  stops.push(() => redis.stop());
  let name = 'Ada';
  const subgraph = await startSubgraph({
    name: 'users',
    sdl: `
      type Query { user(id: ID!): User }
      type Mutation { rename(id: ID!, name: String!): User }
      type User @key(fields: "id") { id: ID! name: String }`,
    resolvers: {
      Query: { user: (_, { id }) => ({ id, name }) },
      Mutation: {
        rename: (_, args) => {
          ({ name } = args as { name: string });
          return { id: args.id as string, name };
        },
      },
    },
    entities: { User: ({ id }) => ({ id, name }) },
  });
  stops.push(() => subgraph.stop());
  const child = freshet([
    '--subgraph', `users=${subgraph.url}`, '--redis', redis.url, '--workers', String(WORKERS),
    '--host', '127.0.0.1', '--port', '0', '--admin-port', '0',
  ]);
  const output = await printed(child, /"msg":"listening"/, { name: 'workers' });
  const line = output.split('\n').find((one) => one.includes('"msg":"listening"')) ?? '';
  const { url, adminUrl } = JSON.parse(line) as { url: string; adminUrl: string };
  await until(async () => (await processesOf(adminUrl)).size === WORKERS, {
    what: 'all workers are there',
  });
  return { child, url, adminUrl, subgraph };
}

/** On a connection of its own, which the primary hands to the next worker. */
function ask(url: string, query: string): Promise<{ data: Record<string, { name: string }> }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const agent = new Agent({ keepAlive: false });
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(JSON.parse(text) as { data: never }));
    });
    asked.on('error', reject);
    asked.end(JSON.stringify({ query }));
  });
}

/** Those that let clients in. */
async function processesOf(adminUrl: string): Promise<ReadonlySet<number>> {
  const stats = await (await fetch(`${adminUrl}/stats`)).json() as Process & {
    otherWorkers: readonly Process[];
  };
  const ready = [stats, ...stats.otherWorkers].filter((one) => one.ready);
  return new Set(ready.map(({ processId }) => processId));
}

interface Process {
  readonly processId: number;
  readonly ready: boolean;
}

describe('freshet start --workers', () => {
  it('lets every worker show what a mutation wrote, once it was answered', async () => {
    const { url } = await startNode();
    const query = '{ user(id: "1") { name } }';
    for (let round = 1; round <= 40; round += 1) {
      await ask(url, `mutation { rename(id: "1", name: "name ${round}") { id } }`);
      const reads = Array.from({ length: 2 * WORKERS }, () => ask(url, query));
      for (const { data } of await Promise.all(reads)) {
        expect(data['user']?.name).toBe(`name ${round}`);
      }
    }
  });

  it('lets any worker be asked for all: what is held, and whether it is to be', async () => {
    const { url, adminUrl } = await startNode();
    const order = async (path: string, body: object): Promise<Record<string, unknown>> => {
      const headers = { 'content-type': 'application/json' };
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const response = await fetch(`${adminUrl}${path}`, init);
      expect(response.status).toBe(200);
      return await response.json() as Record<string, unknown>;
    };
    const get = async (path: string): Promise<unknown> =>
      (await fetch(`${adminUrl}${path}`)).json();
    const query = '{ user(id: "1") { name } }';
    let asked = 0;
    const held = async (): Promise<unknown> =>
      (await order('/invalidate/pattern?dry_run=true', { pattern: 'user:1' }))['entries'];
    await until(async () => {
      await ask(url, query);
      asked += 1;
      // The response, in each of them; the one that has loaded it holds its root field as well.
      return Number(await held()) > WORKERS;
    }, { what: 'every worker holds the user' });
    expect(await get('/admin/dashboard/figures')).toMatchObject({
      workers: WORKERS, requests: { total: asked }, l2: { state: 'answering' },
    });
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    const counted = metrics.matchAll(/^freshet_requests_total\{.*\} (\d+)$/gm);
    expect([...counted].reduce((sum, [, count]) => sum + Number(count), 0)).toBe(asked);
    expect(await get('/admin/operations?sort=unsaved')).toMatchObject({
      operations: [{ requests: asked, types: ['User'] }],
    });
    expect((await get('/admin/tags/user:1') as { l1: number }).l1).toBe(await held());
    await until(async () => {
      const { nodes } = await get('/admin/nodes') as { nodes: { workers: number }[] };
      return nodes.length === 1 && nodes[0]?.workers === WORKERS;
    }, { what: 'the machine is one node' });

    const requests = Array.from({ length: 2 * WORKERS }, () =>
      order('/invalidate/key', { keys: ['user:2'], request_id: 'once' }));
    expect(new Set((await Promise.all(requests)).map(({ position }) => position)).size).toBe(1);

    for (const scope of ['node', 'fleet']) {
      await order('/admin/cache/switch', { caching: 'off', scope });
      const statuses = async (): Promise<string[]> => Promise.all(
        Array.from({ length: 2 * WORKERS }, async () => {
          const response = await fetch(`${adminUrl}/admin/cache/switch`);
          return (await response.json() as { caching: string }).caching;
        }),
      );
      await until(async () => (await statuses()).every((state) => state === 'off'), {
        what: `every worker is off by ${scope}`,
      });
      await order('/admin/cache/switch', { caching: 'on', scope });
      await until(async () => (await statuses()).every((state) => state === 'on'), {
        what: `every worker is on by ${scope}`,
      });
    }
  });

  it('replaces a worker that is killed, and answers meanwhile', async () => {
    const { url, adminUrl } = await startNode();
    const [victim = 0, ...others] = await processesOf(adminUrl);
    if (process.platform === 'linux') {
      // The flags of a process are told by the kernel alone.
      expect(readFileSync(`/proc/${victim}/cmdline`, 'utf8')).toContain('--max-semi-space-size=');
    }
    process.kill(victim, 'SIGKILL');
    await until(async () => {
      const now = await processesOf(adminUrl);
      return !now.has(victim) && now.size === WORKERS;
    }, { what: 'another worker has taken its place' });
    const left = await processesOf(adminUrl);
    expect(others.every((one) => left.has(one))).toBe(true);
    const answers = Array.from({ length: 10 }, () => ask(url, '{ user(id: "1") { name } }'));
    for (const { data } of await Promise.all(answers)) expect(data['user']?.name).toBe('Ada');
  });

  it('drains all of them at a signal, and exits 0', async () => {
    const { child, url, subgraph } = await startNode();
    const gate = subgraph.hold();
    const underWay = ask(url, '{ user(id: "2") { name } }');
    await gate.arrived;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    // Node lets a connection lie that was on its way to a worker that closed just then.
    const isRefused = () => Promise.race([
      ask(url, '{ user(id: "3") { name } }').then(() => false, () => true),
      once(AbortSignal.timeout(500), 'abort').then(() => false),
    ]);
    await until(isRefused, { what: 'nobody is let in any more' });
    gate.release();
    expect(await underWay).toEqual({ data: { user: { name: 'Ada' } } });
    expect(await exited).toEqual([0, null]);
  });

  it.each([
    {
      what: 'several workers without Redis',
      args: ['--subgraph', 'users=http://127.0.0.1:9/graphql', '--workers', '2'],
      code: 2,
      says: /workers .*required 1 where there is no redis, got 2/,
    },
    {
      what: 'what no worker can start with, once',
      args: ['--supergraph', 'missing.graphql', '--redis', 'redis://127.0.0.1:9', '--workers', '2'],
      code: 1,
      says: /missing\.graphql/,
    },
  ])('says $what, and ends', async ({ args, code, says }) => {
    const child = freshet([...args, '--host', '127.0.0.1', '--port', '0', '--admin-port', '0']);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    expect(await once(child, 'close')).toEqual([code, null]);
    expect(said).toMatch(says);
    expect(said.match(/freshet: /g)).toHaveLength(1);
  });
});
