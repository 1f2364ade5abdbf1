import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createSchema, createYoga } from 'graphql-yoga';
import { afterEach, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/gateway/http/http-server.ts';
import { useRefusals } from '../../../src/gateway/http/use-refusals.ts';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const { limits } = resolveConfig({ supergraph: 'unused', limits: { bodyBytesMax: 10_000 } });
const MIB = 1024 * 1024;

const yoga = createYoga({
  schema: createSchema({ typeDefs: 'type Query { b: String }' }),
  logging: false,
  maxRequestBodySize: false,
  plugins: [useRefusals({ path: '/graphql' })],
});

const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ drainMs: 0 })));
});

interface Started {
  readonly server: HttpServer;
  readonly port: number;
  readonly url: string;
  readonly errors: unknown[];
}

async function start(options: Partial<HttpServerOptions> = {}): Promise<Started> {
  const errors: unknown[] = [];
  const server = new HttpServer({
    handler: yoga,
    path: '/graphql',
    limits,
    clock: systemClock,
    onError: (error) => errors.push(error),
    ...options,
  });
  servers.push(server);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { server, port, url: `http://127.0.0.1:${port}/graphql`, errors };
}

function post(body: BodyInit, headers: Record<string, string> = {}): RequestInit {
  return { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
}

const QUERY = '{"query":"{ b }"}';

async function codeOf(response: Response): Promise<string> {
  const { errors } = await response.json() as { errors: [{ extensions: { code: string } }] };
  return errors[0].extensions.code;
}

/** All that the server sends until it closes the connection. */
async function received(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  // A connection that is cut ends with an error; what came before it counts.
  socket.on('error', () => undefined);
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

describe('HttpServer', () => {
  it('answers POST, chunked POST and GET through Yoga', async () => {
    const { url } = await start();
    const chunked = new Blob([QUERY.slice(0, 5), QUERY.slice(5)]).stream();
    const requests = [
      fetch(url, post(QUERY)),
      fetch(url, { ...post(chunked), duplex: 'half' } as RequestInit),
      fetch(`${url}?query={b}`),
    ];
    for (const response of await Promise.all(requests)) {
      expect(await response.json()).toEqual({ data: { b: null } });
    }
  });

  it('asks its listeners in order, with the whole body, before the handler', async () => {
    const seen: string[] = [];
    const { url } = await start({
      listeners: [
        (request) => {
          seen.push(`first ${request.rawBody.toString()}`);
          return false;
        },
        (request, response) => {
          seen.push('second');
          if (request.rawBody.length > 0) response.end('from the second');
          return request.rawBody.length > 0;
        },
      ],
    });
    expect(await (await fetch(url, post(QUERY))).text()).toBe('from the second');
    expect(await (await fetch(`${url}?query={b}`)).json()).toEqual({ data: { b: null } });
    expect(seen).toEqual([`first ${QUERY}`, 'second', 'first ', 'second']);
  });

  it('waits for a listener that answers later, or leaves the request later', async () => {
    const { url } = await start({
      listeners: [
        async (request, response) => {
          await new Promise(setImmediate);
          if (request.rawBody.length > 0) response.end('later');
          return request.rawBody.length > 0;
        },
        (request, response) => {
          const isTaken = request.url?.includes('c') ?? false;
          if (isTaken) response.end('from the second');
          return isTaken;
        },
      ],
    });
    expect(await (await fetch(url, post(QUERY))).text()).toBe('later');
    expect(await (await fetch(`${url}?query={c}`)).text()).toBe('from the second');
    expect(await (await fetch(`${url}?query={b}`)).json()).toEqual({ data: { b: null } });
  });

  it('reports a listener that fails later and tells the client nothing of it', async () => {
    const boom = new Error('a secret of ours');
    const { url, errors } = await start({ listeners: [() => Promise.reject(boom)] });
    const response = await fetch(url, post(QUERY));
    expect([response.status, (await response.text()).includes('secret')]).toEqual([500, false]);
    expect(errors).toEqual([boom]);
  });

  it('reports a handler that throws and tells the client nothing of it', async () => {
    const boom = new Error('a secret of ours');
    const { url, errors } = await start({
      handler: () => {
        throw boom;
      },
    });
    const response = await fetch(url, post(QUERY));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(errors).toEqual([boom]);
  });

  it('rejects with PORT_IN_USE, or LISTEN_FAILED for what is no address of ours', async () => {
    const { port } = await start();
    const other = new HttpServer({
      handler: yoga,
      path: '/',
      limits,
      clock: systemClock,
      onError: () => undefined,
    });
    await expect(other.listen({ host: '127.0.0.1', port })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: `Port ${port} was required to be free, got one that is in use.`,
    });
    await expect(other.listen({ host: '192.0.2.1', port: 0 }))
      .rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  });
});

describe('HttpServer, of bad requests', () => {
  it.each([
    ['a declared body that is too large', post('x'.repeat(10_001)), 413, 'BODY_TOO_LARGE'],
    ['broken JSON', post('{"query":'), 400, 'REQUEST_INVALID'],
    ['an empty body', post(''), 400, 'REQUEST_INVALID'],
    ['raw NUL in the body', post('{"query":"{ \0 }"}'), 400, 'REQUEST_INVALID'],
    ['no query', post('{}'), 400, 'REQUEST_INVALID'],
    ['null', post('null'), 400, 'BAD_REQUEST'],
    ['a batch', post('[]'), 400, 'BAD_REQUEST'],
    ['text', post(QUERY, { 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['a wrong method', { ...post(QUERY), method: 'PUT' }, 405, 'BAD_REQUEST'],
    ['nothing that it can offer', post(QUERY, { accept: 'image/png' }), 406, 'NOT_ACCEPTABLE'],
  ])('answers %s in the error format of GraphQL', async (_, init, status, code) => {
    const { url } = await start();
    const response = await fetch(url, init);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('json');
    expect(await codeOf(response)).toBe(code);
    expect((await fetch(url, post(QUERY))).status).toBe(200);
  });

  it.each(['/', '/other', '/graphqlx', '/graphql%00', '/health'])('knows no %s', async (path) => {
    const { port } = await start();
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    expect([response.status, await codeOf(response)]).toEqual([404, 'PATH_UNKNOWN']);
  });

  it.each(['variables', 'extensions'])('answers broken %s in a URL 400', async (name) => {
    const { url } = await start();
    const response = await fetch(`${url}?query={b}&${name}={`);
    expect([response.status, await codeOf(response)]).toEqual([400, 'REQUEST_INVALID']);
  });

  it('refuses a streamed body of 10 MB when it is too large, and keeps serving', async () => {
    let handled = 0;
    const { url } = await start({
      handler: () => {
        handled += 1;
      },
      limits: { ...limits, bodyBytesMax: MIB },
    });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 64 * 1024;
        if (sent > 10_000_000) controller.close();
        else controller.enqueue(new Uint8Array(64 * 1024));
      },
    });
    const response = await fetch(url, { ...post(body), duplex: 'half' } as RequestInit);
    expect([response.status, await codeOf(response)]).toEqual([413, 'BODY_TOO_LARGE']);
    expect(handled).toBe(0);
  });

  it('cuts a connection that goes on sending a refused body without end', async () => {
    const { port } = await start();
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n');
    const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
    const send = (): void => {
      while (!socket.destroyed && socket.write(chunk));
    };
    socket.on('drain', send);
    send();
    expect(await received(socket)).toContain('413');
  });

  it('does not invite a body that it would refuse', async () => {
    const { port } = await start();
    const socket = connect({ port, host: '127.0.0.1' });
    const ask = (length: number): string => `POST /graphql HTTP/1.1\r\nhost: a\r\n` +
      `content-length: ${length}\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n`;
    socket.write(ask(20_000));
    const [answer] = await once(socket, 'data') as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /);
    socket.destroy();
    const invited = connect({ port, host: '127.0.0.1' });
    invited.write(ask(2));
    const [go] = await once(invited, 'data') as [Buffer];
    expect(go.toString()).toMatch(/^HTTP\/1.1 100 /);
    invited.destroy();
  });

  it.each([
    ['no HTTP', 'hello\0\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['NUL in a header', 'GET /graphql HTTP/1.1\r\nx: \0\r\n\r\n', 400, 'REQUEST_INVALID'],
    [
      'headers that are too long',
      `GET /graphql HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
  ])('answers %s and closes the connection', async (_, text, status, code) => {
    const { port } = await start();
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(text);
    const answer = await received(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
  });

  it('answers 408 to a request that does not arrive in time', async () => {
    const { port } = await start({ limits: { ...limits, requestTimeoutMs: 50 } });
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write('POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{');
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 [^]*REQUEST_TIMEOUT/);
  });
});

/** A handler that answers only when told to. */
function heldHandler(): {
  handler: HttpServerOptions['handler'];
  entered: Promise<void>;
  release: () => void;
} {
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const handler: HttpServerOptions['handler'] = async (_, response) => {
    enter();
    await held;
    response.end('done');
  };
  return { handler, entered, release };
}

describe('HttpServer.close', () => {
  it('lets the request under way end, and no new connection in', async () => {
    const { handler, entered, release } = heldHandler();
    const { server, url } = await start({ handler });
    const answer = fetch(url, post(QUERY));
    await entered;
    expect(server.open).toBe(true);
    const closed = server.close({ drainMs: 10_000 });
    expect(server.open).toBe(false);
    await expect(fetch(url, post(QUERY))).rejects.toThrow();
    release();
    const response = await answer;
    expect(await response.text()).toBe('done');
    expect(response.headers.get('connection')).toBe('close');
    await closed;
  });

  it('answers 503 to what arrives on a kept connection while another request ends', async () => {
    const { handler, entered, release } = heldHandler();
    const { server, port } = await start({ handler });
    const held = fetch(`http://127.0.0.1:${port}/graphql`);
    await entered;
    const socket = connect({ port, host: '127.0.0.1' });
    // The beginning of a request: the connection is neither idle nor has it been let in.
    socket.write('GET /graphql HTTP/1.1\r\n');
    await once(socket, 'connect');
    await reached(server, socket);
    const closed = server.close({ drainMs: 10_000 });
    socket.write('host: a\r\n\r\n');
    expect(await received(socket))
      .toMatch(/^HTTP\/1.1 503 [^]*connection: close[^]*SHUTTING_DOWN/i);
    release();
    expect(await (await held).text()).toBe('done');
    await closed;
  });

  it('closes idle and silent connections at once', async () => {
    const { server, port } = await start();
    const agent = new Agent({ keepAlive: true });
    const idle = httpRequest({ port, path: '/graphql?query={b}', agent }).end();
    const [response] = await once(idle, 'response') as [IncomingMessage];
    response.resume();
    await once(response, 'end');
    const silent = connect({ port, host: '127.0.0.1' });
    await once(silent, 'connect');
    await server.close({ drainMs: 60_000 });
    agent.destroy();
    await received(silent);
  });

  it('cuts what has not ended after drainMs', async () => {
    const clock = new ManualClock();
    const { handler, entered } = heldHandler();
    const { server, url } = await start({ handler, clock });
    const answer = fetch(url, post(QUERY)).then(() => 'answered', () => 'cut');
    await entered;
    const closed = server.close({ drainMs: 10_000 });
    clock.advance(9_999);
    expect(await Promise.race([closed.then(() => 'closed'), Promise.resolve('open')])).toBe('open');
    clock.advance(1);
    await closed;
    expect(await answer).toBe('cut');
    expect(clock.pending).toBe(0);
  });
});

/** Resolves when the server's side of `socket` has read something, seen by a later request. */
async function reached(server: HttpServer, socket: Socket): Promise<void> {
  expect(server.open).toBe(true);
  // The server reads in the order of arrival: when it has answered this, it has read the other.
  const { remotePort } = socket;
  const response = await fetch(`http://127.0.0.1:${remotePort}/elsewhere`);
  await response.body?.cancel();
}
