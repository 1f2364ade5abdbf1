/** Connections that read into one buffer: nothing that one is sent reaches another. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { shareReadBuffer } from '../../../src/gateway/http/read-buffer.ts';
import { until } from '../../support/until.ts';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
});

const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const UPGRADE = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n';
const CLIENTS = 5;

/** Answers requests, and echoes what comes behind an upgrade. */
async function world(prepare: (server: Server) => void = () => undefined) {
  const server = createServer((_, response) => response.end('answer'));
  const accepted: Socket[] = [];
  /** Pieces that were not copied. */
  const pieces = new Set<ArrayBufferLike>();
  prepare(server);
  shareReadBuffer(server, (socket) => {
    accepted.push(socket);
    return (piece) => {
      pieces.add(piece.buffer);
      return socket.push(Buffer.from(piece));
    };
  });
  server.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(chunk));
    socket.on('end', () => socket.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.closeAllConnections();
    for (const socket of accepted) socket.destroy();
    server.close();
  };
  opened.push(close);
  const { port } = server.address() as AddressInfo;
  const open = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client = { socket, received: '' };
    socket.on('data', (chunk: Buffer) => (client.received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return client;
  };
  return { server, accepted, pieces, open };
}

type World = Awaited<ReturnType<typeof world>>;

async function received(client: Awaited<ReturnType<World['open']>>, end: string) {
  await until(async () => client.received.endsWith(end), { what: `what ends with ${end}` });
}

async function upgraded(open: World['open']) {
  const client = await open();
  client.socket.write(UPGRADE);
  await received(client, '\r\n\r\n');
  client.received = '';
  return client;
}

const connections = (server: Server): Promise<number> => new Promise((resolve, reject) => {
  server.getConnections((error, count) => error === null ? resolve(count) : reject(error));
});

describe('a shared buffer to read into', () => {
  it('leaves it to the parser what the parser reads itself', async () => {
    const { open, pieces } = await world();
    const client = await open();
    for (let n = 0; n < 3; n += 1) {
      client.received = '';
      client.socket.write(REQUEST);
      await received(client, 'answer');
    }
    expect(pieces.size).toBe(0);
  });

  it('is one for all connections, each of which gets what was sent on it', async () => {
    const { open, pieces } = await world();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => upgraded(open)));
    const texts = clients.map((_, n) => `${String(n).repeat(200_000)}end`);
    for (const [n, { socket }] of clients.entries()) socket.write(texts[n] ?? '');
    await Promise.all(clients.map((client) => received(client, 'end')));
    expect(clients.map((client, n) => client.received === texts[n])).not.toContain(false);
    expect(pieces.size).toBe(1);
  });

  it('is not read into for a connection that is paused, and is when it goes on', async () => {
    const { open, accepted } = await world();
    const client = await upgraded(open);
    const [socket] = accepted;
    socket?.pause();
    client.socket.write('later');
    const other = await upgraded(open);
    other.socket.write('now');
    await received(other, 'now');
    expect([socket?.readableLength, client.received]).toEqual([0, '']);
    socket?.resume();
    await received(client, 'later');
  });

  it('passes an end on', async () => {
    const { open } = await world();
    const client = await upgraded(open);
    const ended = once(client.socket, 'end');
    client.socket.end('last');
    await ended;
    expect(client.received).toBe('last');
  });
});

describe('a server whose connections share a buffer', () => {
  it('counts them, until they have gone', async () => {
    const { server, open, accepted } = await world();
    const [one, two] = [await open(), await open()];
    await until(async () => accepted.length === 2, { what: 'two connections' });
    expect(await connections(server)).toBe(2);
    one.socket.destroy();
    await until(async () => await connections(server) === 1, { what: 'one connection' });
    two.socket.destroy();
    await until(async () => await connections(server) === 0, { what: 'no connection' });
  });

  it('closes when the last of them has gone', async () => {
    const { server, open } = await world();
    const client = await open();
    client.socket.write(REQUEST);
    await received(client, 'answer');
    const closed = once(server, 'close');
    server.close();
    await closed;
  });

  it('lets no more in than it may have', async () => {
    const { server, open } = await world((made) => (made.maxConnections = 1));
    const first = await open();
    await until(async () => await connections(server) === 1, { what: 'a connection' });
    const second = await open();
    await once(second.socket, 'close');
    first.socket.write(REQUEST);
    await received(first, 'answer');
  });

  it('serves its sockets as they are where Node begins to read them at once', async () => {
    const { open, pieces, accepted } = await world((made) => {
      Object.defineProperty(made, 'pauseOnConnect', { get: () => false, set: () => undefined });
    });
    const client = await upgraded(open);
    client.socket.write('plain');
    await received(client, 'plain');
    expect([pieces.size, accepted.length]).toEqual([0, 1]);
  });
});
