/** Redis lets its users do what docs/operators.md says, and no more: that is all they need. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createPublisher, type Publisher } from '../../../src/invalidation/publisher.ts';
import { RedisPositionStore } from '../../../src/invalidation/position-redis.ts';
import { createSubscriber } from '../../../src/invalidation/subscriber.ts';
import { end, freePort, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

/** Whole processes start here, on a machine that may be busy with other tests. */

const ROOT = new URL('../../../', import.meta.url);
const BIN = fileURLToPath(new URL('src/ops/cli/bin.ts', ROOT));
const directory = temporaryDirectory('redis-user');

let server: RedisServer;
let admin: Redis;
let users: TestSubgraph;

beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
  for (const line of documented()) await admin.call('ACL', 'SETUSER', ...line);
  // Whoever says no user may do nothing; this connection is there already.
  await admin.call('ACL', 'SETUSER', 'default', 'nopass', 'on', '-@all', '+acl', '+auth');
  users = await startSubgraph({
    name: 'users',
    sdl: `type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! name: String }`,
    resolvers: { Query: { user: (_, { id }) => ({ id, name: 'Ada' }) } },
    entities: { User: ({ id }) => ({ id, name: 'Ada' }) },
  });
});
beforeEach(() => admin.call('ACL', 'LOG', 'RESET'));
afterAll(async () => {
  admin.disconnect();
  await users.stop();
  await server.stop();
});

/** The arguments of ACL SETUSER, by line. */
function documented(): string[][] {
  const page = readFileSync(new URL('docs/operators.md', ROOT), 'utf8');
  const [, block = ''] = /```redis-acl\n([\s\S]*?)```/.exec(page) ?? [];
  return block.trim().split('\n').map((line) => line.split(' ').slice(1));
}

const urlOf = (user: string): string => `redis://${user}:PASSWORD@127.0.0.1:${server.port}`;

/** What a user was kept from. */
async function denied(): Promise<unknown> {
  return admin.call('ACL', 'LOG');
}

async function freshet(...args: string[]): Promise<{ code: unknown; out: string }> {
  const child = spawnBound(process.execPath, [BIN, ...args], { cwd: directory });
  let out = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [code] = await once(child, 'close') as [unknown];
  return { code, out };
}

it('lets a node cache, coordinate and purge', async () => {
  const adminPort = await freePort();
  writeFileSync(join(directory, 'freshet.config.json'), JSON.stringify({
    host: '127.0.0.1', port: 0, adminPort, workers: 1, rehearsal: false,
    redis: { url: urlOf('freshet'), keyPrefix: 'freshet:' },
    cache: { rules: { User: { lockMs: 1_000 } } },
    subgraphs: { users: { url: users.url } },
  }));
  const node = spawnBound(process.execPath, [BIN, 'start', '--json'], { cwd: directory });
  try {
    const name = 'freshet start';
    const line = await printed(node, /.*"msg":"listening".*/, { name });
    const { url } = JSON.parse(/\{.*"msg":"listening".*/.exec(line)?.[0] ?? '') as { url: string };
    const asked = async (): Promise<string | null> => {
      const headers = { 'content-type': 'application/json' };
      const body = '{"query":"{ user(id: 1) { name } }"}';
      return (await fetch(url, { method: 'POST', headers, body })).headers.get('cache-status');
    };
    await until(async () => (await asked())?.includes('hit'), { what: 'it is cached' });
    const at = `http://127.0.0.1:${adminPort}`;
    await until(async () => {
      const nodes = await (await fetch(`${at}/admin/nodes`)).json() as { nodes: unknown[] };
      return nodes.nodes.length === 1;
    }, { what: 'it has told of itself' });
    expect(await freshet('purge', 'user:1', '--url', at)).toMatchObject({ code: 0 });
    expect(await freshet('purge', 'user:*', '--redis', urlOf('freshet')))
      .toMatchObject({ code: 0 });
    await until(async () => {
      const stats = await (await fetch(`${at}/stats`)).json() as {
        gateway: { invalidation: { received: number } };
      };
      return stats.gateway.invalidation.received >= 2;
    }, { what: 'it has heard of both' });
    expect(await freshet('doctor')).toMatchObject({ code: 0 });
  } finally {
    await end(node, 'SIGTERM');
  }
  expect(await denied()).toEqual([]);
});

it('lets a service publish, subscribe and remember its place', async () => {
  const redis = urlOf('service');
  const publisher: Publisher = createPublisher({ redis, source: 'users' });
  const positions = new RedisPositionStore({ redis, name: 'users-1' });
  const heard: (string | null)[] = [];
  const subscriber = createSubscriber({
    redis, positions, onMessage: ({ entity_id: id }) => void heard.push(id),
  });
  try {
    await subscriber.ready();
    await publisher.invalidateUser('1', { action: 'Update' });
    await until(() => heard.includes('1'), { what: 'it is told' });
  } finally {
    await subscriber.close();
    await publisher.close();
    await positions.close();
  }
  expect(await denied()).toEqual([]);
  const other = new Redis(redis);
  await expect(other.get('freshet:user:1')).rejects.toThrow(/NOPERM/);
  other.disconnect();
});
