/** A node as a process of its own that is told to end, or that cannot begin. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { end, printed, spawnBound, temporaryDirectory } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { startSubgraph } from '../support/subgraph.ts';
import { until } from '../support/until.ts';
import { askAt, startTestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

const BIN = fileURLToPath(new URL('../../src/ops/cli/bin.ts', import.meta.url));
const PORTS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0'];
const TEST_MS_MAX = 60_000;

const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
});

async function world(): Promise<World> {
  const started = await startWorld();
  stops.push(() => started.stop());
  return started;
}

function spawnNode(
  subgraphs: Readonly<Record<string, string>>,
  environment: Record<string, string> = {},
): ChildProcess {
  const named = Object.entries(subgraphs).map(([name, url]) => `${name}=${url}`);
  const flags = [...PORTS, ...named.flatMap((one) => ['--subgraph', one])];
  const { PATH = '' } = process.env;
  const child = spawnBound(process.execPath, [BIN, 'start', ...flags], {
    cwd: temporaryDirectory('drain'),
    env: {
      PATH, NODE_ENV: 'production', FRESHET_WORKERS: '1', FRESHET_REHEARSAL: 'false',
      ...environment,
    },
  });
  stops.push(() => end(child, 'SIGKILL'));
  return child;
}

async function urlOf(child: ChildProcess): Promise<string> {
  const output = await printed(child, /"msg":"listening".*\n/, {
    name: 'a node',
  });
  const line = output.split('\n').find((one) => one.includes('"listening"')) ?? '';
  return (JSON.parse(line) as { url: string }).url;
}

describe('a node that is told to end', () => {
  it('ends a mutation under way: it is in the log, others hear of it, and who wrote is answered', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const { users, people, subgraphs } = await world();
    const redis = await startRedis();
    stops.push(() => redis.stop());
    const other = await startTestNode({ subgraphs, redis: redis.url });
    stops.push(() => other.stop());
    const child = spawnNode(subgraphs, { FRESHET_REDIS: redis.url });
    const url = await urlOf(child);
    const query = '{ user(id: "1") { name } }';
    await other.ask(query);
    expect((await other.ask(query)).cache).toBe('hit');

    const gate = users.hold({ when: (call) => call.query.includes('mutation') });
    const writing = askAt(url, 'mutation { rename(id: "1", name: "late") { name } }');
    await gate.arrived;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await until(async () => askAt(url, query).then(() => false, () => true), {
      what: 'it lets nobody in any more',
    });
    expect(people.get('1')?.name).toBe('late');
    gate.release();
    const wrote = await writing;
    expect([wrote.status, wrote.data]).toEqual([200, { rename: { name: 'late' } }]);
    expect(wrote.headers.get('connection')).toBe('close');
    expect(await exited).toEqual([0, null]);

    const position = wrote.headers.get('freshet-position') ?? '';
    const client = new Redis(redis.url);
    const [record] = await client.xrange('cache:invalidate:log', position, position);
    client.disconnect();
    expect(JSON.stringify(record)).toContain('user:1');
    const read = await other.ask(query, { headers: { 'freshet-position': position } });
    expect(read.data.user.name).toBe('late');
  });

  it('waits no longer than drainMs for a subgraph that does not answer, and exits 0', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const { users, subgraphs } = await world();
    const child = spawnNode(subgraphs, { FRESHET_DRAIN_MS: '300' });
    const url = await urlOf(child);
    const gate = users.hold();
    const asking = askAt(url, '{ users { id } }').then(() => 'answered', () => 'cut');
    await gate.arrived;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
    expect(await asking).toBe('cut');
    gate.release();
  });
});

describe('a node that cannot begin', () => {
  it('says which subgraphs do not compose, and why, and exits 1 without a stack', {
    timeout: TEST_MS_MAX,
  }, async () => {
    const started = await Promise.all(['String', 'Int'].map((type, index) => startSubgraph({
      name: `s${index}`,
      sdl: `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3",
        import: ["@key", "@shareable"])
        type Query { q${index}: T } type T @key(fields: "id") { id: ID! a: ${type} @shareable }`,
    })));
    stops.push(() => Promise.all(started.map((subgraph) => subgraph.stop())));
    const child = spawnNode(Object.fromEntries(started.map(({ name, url }) => [name, url])));
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = await once(child, 'close') as [number];
    expect(code).toBe(1);
    expect(err).toMatch(/^freshet: The subgraphs do not compose into a supergraph\.\n/);
    expect(err).toContain('T.a');
    expect(err + out).not.toMatch(/^ +at |node_modules/m);
  });
});
