import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgres } from '../../src/demo/database-postgres.ts';
import { UserStorage } from '../../src/demo/users/storage.ts';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { freePort } from '../support/process.ts';
import { databaseContract } from './database-contract.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

describe('with PostgreSQL', () => {
  databaseContract(() => openPostgres({ url: server.url }));
});

test('two processes of a service that start at once fill the tables once', async () => {
  const databases = await Promise.all([1, 2].map(() => openPostgres({ url: server.url })));
  const storages = await Promise.all(databases.map((database) => UserStorage.open(database)));
  for (const storage of storages) {
    expect(await storage.page({ limit: 200, after: null })).toHaveLength(120);
  }
  await Promise.all(databases.map((database) => database.close()));
});

test('a server that went away is used again when it is back', async () => {
  const database = await openPostgres({ url: server.url });
  await server.stop();
  await expect(database.query('select 1 as one')).rejects.toThrow();
  await server.restart();
  expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  await database.close();
});

test('a server that is not there is waited for, for so long', async () => {
  const url = `postgres://freshet@127.0.0.1:${await freePort()}/postgres`;
  await expect(openPostgres({ url, startTimeoutMs: 300 })).rejects.toThrow('ECONNREFUSED');
});

test('a database that does not exist is refused at once', async () => {
  const url = server.url.replace(/postgres$/, 'elsewhere');
  await expect(openPostgres({ url })).rejects.toThrow('elsewhere');
});

test('a server that says nothing is given up', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const url = `postgres://freshet@127.0.0.1:${port}/postgres`;
  const options = { url, startTimeoutMs: 0, connectTimeoutMs: 200 };
  await expect(openPostgres(options)).rejects.toThrow(/timeout/i);
  for (const socket of sockets) socket.destroy();
  silent.close();
});
