import { connect } from 'node:net';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { GraphQLError } from 'graphql';
import { afterEach, expect, test } from 'vitest';
import { serve, type RunningServer, type ServerOptions } from '../../src/demo/server.ts';

const running: RunningServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await serve({
    schema: makeExecutableSchema({
      typeDefs: 'type Query { word: String refused: String broken: String }',
      resolvers: {
        Query: {
          word: () => 'a word',
          refused() {
            throw new GraphQLError('No.', { extensions: { code: 'FORBIDDEN' } });
          },
          broken() {
            throw new Error('duplicate key: (email)=(ada@example.org)');
          },
        },
      },
    }),
    identity: { callerOf: () => Promise.resolve(undefined) },
    routes: { '/other': () => new Response('other') },
    host: '127.0.0.1',
    port: 0,
    slowMs: 0,
    onError: () => undefined,
    ...options,
  });
  running.push(server);
  return server;
}

function post(server: RunningServer, body: string, type = 'application/json') {
  const headers = { 'content-type': type };
  return fetch(`${server.origin}/graphql`, { method: 'POST', headers, body });
}

test('each path answers what it is for', async () => {
  const server = await start();
  const answer = await (await post(server, '{"query":"{ word }"}')).json();
  expect(answer).toEqual({ data: { word: 'a word' } });
  const got = await fetch(`${server.origin}/graphql?query=%7Bword%7D`, {
    headers: { accept: 'application/json' },
  });
  expect(await got.json()).toEqual({ data: { word: 'a word' } });
  expect(await (await fetch(`${server.origin}/health`)).json()).toEqual({ status: 'ok' });
  expect(await (await fetch(`${server.origin}/other`)).text()).toBe('other');
  for (const path of ['/', '/nothing', '//evil', '/constructor', '/%zz']) {
    expect((await fetch(`${server.origin}${path}`)).status, path).toBe(404);
  }
});

test('a resolver that rejects is told, one that fails is masked and reported', async () => {
  const errors: unknown[] = [];
  const server = await start({ onError: (error) => errors.push(error) });
  const response = await post(server, '{"query":"{ word refused broken }"}');
  expect(await response.json()).toEqual({
    data: { word: 'a word', refused: null, broken: null },
    errors: [
      expect.objectContaining({ message: 'No.', extensions: { code: 'FORBIDDEN' } }),
      expect.objectContaining({
        message: 'The service failed.', path: ['broken'],
        extensions: { code: 'INTERNAL_SERVER_ERROR' },
      }),
    ],
  });
  expect(errors.map(String)).toEqual(['Error: duplicate key: (email)=(ada@example.org)']);
});

test.each([
  ['broken JSON', '{"query":', 'application/json', 400],
  ['no query', '{}', 'application/json', 200],
  ['a document that does not parse', '{"query":"{ word"}', 'application/json', 200],
  ['another content type', '{"query":"{ word }"}', 'text/plain', 415],
])('%s is refused', async (_, body, type, status) => {
  const server = await start();
  const response = await post(server, body, type);
  expect(response.status).toBe(status);
  const text = await response.text();
  if (status < 415) expect(JSON.parse(text).errors[0].message).toBeTypeOf('string');
  expect((await post(server, '{"query":"{ word }"}')).status).toBe(200);
});

test('a body that is too large is refused, whether its length is said or not', async () => {
  const server = await start();
  const body = JSON.stringify({ query: `{ word } #${'x'.repeat(2 ** 20)}` });
  expect((await post(server, body)).status).toBe(413);
  const stream = new Blob([body]).stream();
  const chunked = await fetch(`${server.origin}/graphql`, {
    method: 'POST', body: stream, duplex: 'half', headers: { 'content-type': 'application/json' },
  } as RequestInit);
  expect(chunked.status).toBe(413);
});

test('another method is refused', async () => {
  const server = await start();
  for (const method of ['PUT', 'DELETE', 'TRACE']) {
    const { status, allow } = await raw(server, `${method} /graphql HTTP/1.1`);
    expect(status, method).toBe(405);
    expect(allow).toContain('POST');
  }
});

/** `fetch` will not send every method. */
function raw(server: RunningServer, line: string): Promise<{ status: number; allow: string }> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${line}\r\nHost: x\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => resolve({
      status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]),
      allow: /^allow: (.*)$/im.exec(text)?.[1] ?? '',
    }));
  });
}

test('a slow service answers late, but its health at once', async () => {
  const server = await start({ slowMs: 500 });
  const answered: string[] = [];
  await Promise.all([
    post(server, '{"query":"{ word }"}').then(() => answered.push('slow')),
    fetch(`${server.origin}/health`).then(() => answered.push('health')),
  ]);
  expect(answered).toEqual(['health', 'slow']);
});

test('a request under way is answered before the server is closed', async () => {
  let release = (): void => undefined;
  let entered = (): void => undefined;
  const inside = new Promise<void>((resolve) => (entered = resolve));
  const server = await start({
    routes: {
      '/held': () => new Promise((resolve) => {
        entered();
        release = () => resolve(new Response('done'));
      }),
    },
  });
  const held = fetch(`${server.origin}/held`);
  await inside;
  const closed = server.close();
  await expect(fetch(`${server.origin}/health`)).rejects.toThrow();
  release();
  expect(await (await held).text()).toBe('done');
  await closed;
});

test('a port that is in use is an error', async () => {
  const server = await start();
  await expect(start({ port: Number(new URL(server.origin).port) })).rejects.toThrow('EADDRINUSE');
});
