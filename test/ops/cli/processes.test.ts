/** The commands as they are run: a node and a command line, each in a process of its own. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { end, freePort, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

/** A whole process starts here, on a machine that may be busy with other tests. */

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));
const TOKEN = 'a-token-that-may-purge';
const directory = temporaryDirectory('cli');

let redis: RedisServer;
let users: TestSubgraph;
let node: ChildProcess;
let url: string;

beforeAll(async () => {
  redis = await startRedis();
  users = await startSubgraph({
    name: 'users',
    sdl: `type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! name: String }`,
    resolvers: { Query: { user: (_, { id }) => ({ id, name: 'Ada' }) } },
    entities: { User: ({ id }) => ({ id, name: 'Ada' }) },
  });
  const adminPort = await freePort();
  url = `http://127.0.0.1:${adminPort}`;
  const hash = createHash('sha256').update(TOKEN).digest('hex');
  writeFileSync(join(directory, 'token'), TOKEN);
  writeFileSync(join(directory, 'freshet.config.json'), JSON.stringify({
    host: '127.0.0.1', port: 0, adminPort, workers: 2, rehearsal: false, redis: redis.url,
    subgraphs: { users: { url: users.url } },
    adminTokens: [{ name: 'ann', role: 'purge', hash }],
  }));
  node = freshet(['start', '--json']);
  await printed(node, /"msg":"listening"/, { name: 'freshet start' });
});
afterAll(async () => {
  await end(node, 'SIGKILL');
  await users.stop();
  await redis.stop();
});

function freshet(args: readonly string[]): ChildProcess {
  const { PATH } = process.env;
  return spawnBound(process.execPath, [BIN, ...args], {
    cwd: directory, env: { PATH, FRESHET_ADMIN_URL: url },
  });
}

async function outcome(child: ChildProcess): Promise<{ code: unknown; out: string; err: string }> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = await once(child, 'close') as [unknown];
  return { code, out, err };
}

const asked = (...args: string[]) => outcome(freshet([...args, '--token-file', 'token']));

it('watches in one process what another purges, by the node and past it', async () => {
  const watching = freshet(['watch', '--json', '--count', '2', '--token-file', 'token']);
  let seen = '';
  watching.stdout?.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  await printed(watching, /"begin"/, { name: 'freshet watch' });
  const ended = once(watching, 'close');
  expect(await asked('purge', 'user:1', '--reason', 'wrong name'))
    .toMatchObject({ code: 0, err: '' });
  const alone = await outcome(freshet(['purge', 'user:*', '--redis', redis.url]));
  expect(alone).toMatchObject({ code: 0, err: '' });
  expect(await ended).toEqual([0, null]);
  const [, ...events] = seen.trim().split('\n').map((line) => JSON.parse(line) as object);
  expect(events).toMatchObject([
    { keys: ['user:1'], actor: 'ann', reason: 'wrong name' }, { pattern: 'user:*' },
  ]);
});

it('shows figures of the node, and that there is no audit', async () => {
  const stats = await until(async () => {
    const shown = await asked('stats');
    // The first worker starts alone.
    return shown.out.includes('1 process,') ? undefined : shown;
  }, { what: 'all workers are there' });
  expect(stats).toMatchObject({
    code: 0, out: expect.stringMatching(/^node +version .*, 2 processes/), err: '',
  });
  expect(await asked('audit')).toMatchObject({
    code: 1, err: expect.stringContaining('An audit was required, got none'),
  });
});

it('reads the configuration of the node, and finds no fault in it', async () => {
  const { code, out, err } = await outcome(freshet(['doctor']));
  expect([code, err]).toEqual([0, '']);
  expect(out).toContain('subgraph users');
});

it('ends the watchers before the node ends', async () => {
  const watching = freshet(['watch', '--json', '--token-file', 'token']);
  await printed(watching, /"begin"/, { name: 'freshet watch' });
  const told = printed(watching, /freshet: the node has ended/, { name: 'freshet watch' });
  // After its last words, which may come later than its end.
  const closed = once(node, 'close');
  let said = '';
  node.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  node.kill('SIGTERM');
  const [code] = await closed as [number | null];
  const faults = said.split('\n').filter((line) => /"level":"(error|fatal)"/.test(line));
  expect({ code, faults }).toEqual({ code: 0, faults: [] });
  await told;
  await end(watching, 'SIGKILL');
});
