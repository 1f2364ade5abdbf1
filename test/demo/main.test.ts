/** The services as processes of their own, with real Redis and real PostgreSQL. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { end, freePort, printed, spawnBound } from '../support/process.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { askAt, type Json } from './world.ts';

const MAIN = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url));

let redis: RedisServer;
let postgres: PostgresServer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => end(child, 'SIGTERM')));
});
afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()]);
});

function run(...args: string[]): ChildProcess {
  const child = spawnBound(process.execPath, [MAIN, ...args]);
  children.push(child);
  return child;
}

interface RunningProcess {
  readonly child: ChildProcess;
  readonly url: string;
}

async function service(name: string, ...args: string[]): Promise<RunningProcess> {
  const own = ['--redis', redis.url, '--database', postgres.url, '--port', '0'];
  const child = run('--service', name, ...own, ...args);
  const output = await printed(child, /is ready at \S+\n/, { name });
  return { child, url: /is ready at (\S+)/.exec(output)?.[1] ?? '' };
}

const CREATE = `mutation ($title: String!) {
  createPost(input: { authorId: "2", title: $title, body: "B" }) { id }
}`;

async function createPost(url: string, title: string): Promise<string> {
  const { data } = await askAt(url, CREATE, { variables: { title } });
  return data.createPost.id;
}

async function feedOf(url: string): Promise<string[]> {
  const query = '{ feed(userId: "1", first: 5) { posts { edges { node { id } } } } }';
  const { data } = await askAt(url, query);
  return data.feed.posts.edges.map(({ node }: Json) => node.id);
}

test('services learn from each other by Redis, also of what they missed', async () => {
  const [content, twin, feed] = await Promise.all([
    service('content'), service('content'), service('feed'),
  ]);
  await askAt(feed.url, 'mutation { follow(userId: "1", targetId: "2") { userId } }');
  const listener = new Redis(redis.url);
  const heard: Json[] = [];
  await listener.subscribe('cache:invalidate');
  listener.on('message', (_, payload) => heard.push(JSON.parse(payload)));

  const first = await createPost(content.url, 'First');
  await until(async () => (await feedOf(feed.url)).includes(first), { what: 'the post is there' });
  await until(() => heard.length >= 2, { what: 'both services have published' });
  expect(heard[0]).toMatchObject({
    entity_type: 'Post', entity_id: first, action: 'Update', source_service: 'content-service',
    pattern: null, entity_ids: null, metadata: { created: true, author_id: '2' },
  });
  expect(heard[1].source_service).toBe('feed-service');
  expect(heard[1].entity_ids).toContain('feed:1:home');

  feed.child.kill('SIGTERM');
  expect(await once(feed.child, 'exit')).toEqual([0, null]);
  const second = await createPost(twin.url, 'Second');
  expect(second).not.toBe(first);
  const again = await service('feed');
  await until(async () => (await feedOf(again.url)).includes(second), { what: 'it caught up' });
  listener.disconnect();
});

test('a private field asks auth, over HTTP, who is calling', async () => {
  const auth = await service('auth');
  const users = await service('users', '--auth', auth.url.replace('/graphql', ''));
  const login = 'mutation { login(login: "ada.diallo", password: "freshet") { token } }';
  const { token } = (await askAt(auth.url, login)).data.login;
  const query = '{ user(id: "1") { name email } }';
  const { data } = await askAt(users.url, query, { token });
  expect(data.user.email).toBe('ada.diallo@example.org');
  await end(auth.child, 'SIGTERM');
  const without = await askAt(users.url, query, { token });
  expect(without.data.user).toEqual({ name: data.user.name, email: null });
  expect(without.errors?.[0]?.extensions.code).toBe('UNAVAILABLE');
});

test('without Redis a service starts and works', async () => {
  const nowhere = `redis://127.0.0.1:${await freePort()}`;
  const child = run('--service', 'content', '--redis', nowhere, '--database', postgres.url,
    '--port', '0');
  const output = await printed(child, /is ready at \S+\n/, { name: 'content' });
  const url = /is ready at (\S+)/.exec(output)?.[1] ?? '';
  expect(await createPost(url, 'Alone')).toMatch(/^\d+$/);
});

test('arguments that are of no use end it with 2, and say how it is used', async () => {
  const { code, errors } = await ended(run('--service', 'users'));
  expect(code).toBe(2);
  expect(errors).toMatch(/^--redis: a URL was required, got none\.\n\nUsage: /);
});

test('what makes it impossible to start ends it with 1 and one line', async () => {
  const own = ['--service', 'users', '--database', postgres.url];
  const bad = await ended(run(...own, '--redis', 'http://x'));
  expect(bad.code).toBe(1);
  expect(bad.errors).toContain('redis://host:port');
  const users = await service('users');
  const { port } = new URL(users.url);
  const taken = await ended(run(...own, '--redis', redis.url, '--port', port));
  expect(taken.code).toBe(1);
  expect(taken.errors).toContain('EADDRINUSE');
  expect(taken.errors.trim().split('\n')).toHaveLength(1);
});

async function ended(child: ChildProcess): Promise<{ code: number; errors: string }> {
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const [code] = await once(child, 'close') as [number];
  return { code, errors };
}
