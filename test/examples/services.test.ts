/** The examples of docs/publishing.md, each run against a real Redis. */
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApp as createExpress } from '../../examples/express.ts';
import { createApp as createFastify } from '../../examples/fastify.ts';
import { appModule } from '../../examples/nest-service.ts';
import { Users } from '../../examples/users.ts';
import { createPublisher, createSubscriber } from '../../src/invalidation/index.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import type { Publisher } from '../../src/invalidation/publisher.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';

let server: RedisServer;
let heard: InvalidationMessage[];
const open: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startRedis();
  heard = [];
  const subscriber = createSubscriber({
    redis: server.url,
    onBatch: (deliveries) => {
      heard.push(...deliveries.map(({ message }) => message));
    },
  });
  await subscriber.ready();
  closing.push(() => subscriber.close());
});
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await server.stop();
});
afterEach(async () => {
  heard.length = 0;
  for (const close of open.splice(0).toReversed()) await close();
});

function publisherOf(source: string): Publisher {
  const publisher = createPublisher({ redis: server.url, source });
  open.push(() => publisher.close());
  return publisher;
}

async function someUsers(): Promise<Users> {
  const users = new Users();
  await users.add('Ada');
  return users;
}

function sending(method: string, body: unknown): RequestInit {
  return { method, body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
}

describe('a service on Express', () => {
  it('says what it has changed before it answers', async () => {
    const app = createExpress({ users: await someUsers(), publisher: publisherOf('express') });
    const listener = app.listen(0, '127.0.0.1');
    open.push(async () => {
      listener.close();
      await once(listener, 'close');
    });
    await once(listener, 'listening');
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/users`;
    const renamed = await fetch(`${url}/1`, sending('PUT', { name: 'Grace' }));
    expect(await renamed.json()).toEqual({ id: '1', name: 'Grace', version: 2 });
    expect((await fetch(url, sending('POST', { name: 'Alan' }))).status).toBe(201);
    expect((await fetch(`${url}/9`, sending('PUT', { name: 'Nobody' }))).status).toBe(404);
    await until(() => heard.length === 2, { what: 'both changes are heard' });
    expect(heard).toMatchObject([
      { entity_type: 'User', entity_id: '1', action: 'Update', source_service: 'express' },
      { entity_type: 'User', entity_id: '2', metadata: { created: true } },
    ]);
    expect(heard[0]?.metadata).toMatchObject({ version: 2 });
  });
});

describe('a service on Fastify', () => {
  it('says in one message what a request has changed', async () => {
    const app = createFastify({ users: await someUsers(), publisher: publisherOf('fastify') });
    open.push(() => app.close());
    const payload = { name: 'Grace' };
    const renamed = await app.inject({ method: 'PUT', url: '/users/1', payload });
    expect(renamed.json()).toEqual({ id: '1', name: 'Grace', version: 2 });
    const missed = await app.inject({ method: 'PUT', url: '/users/9', payload });
    expect(missed.statusCode).toBe(404);
    await until(() => heard.length === 1, { what: 'the change is heard' });
    expect(heard).toMatchObject([{ action: 'Batch', entity_ids: ['user:1'] }]);
  });
});

describe('a service on NestJS', () => {
  it('publishes and hears, and ends both with the application', async () => {
    const told: string[] = [];
    const app = await NestFactory.create(appModule({
      redis: server.url,
      source: 'nest',
      onBatch: (deliveries) => {
        told.push(...deliveries.map(({ message }) => message.entity_id ?? ''));
      },
    }), { logger: false });
    await app.listen(0, '127.0.0.1');
    open.push(() => app.close());
    await app.get(Users).add('Ada');
    const renamed = await fetch(`${await app.getUrl()}/users/1`, sending('PUT', { name: 'Grace' }));
    expect(await renamed.json()).toEqual({ id: '1', name: 'Grace', version: 2 });
    const missed = await fetch(`${await app.getUrl()}/users/9`, sending('PUT', { name: 'Nobody' }));
    expect(missed.status).toBe(404);
    await until(() => heard.length === 1 && told.length === 1, { what: 'the change is heard' });
    expect(heard).toMatchObject([{ entity_id: '1', source_service: 'nest', action: 'Update' }]);
    expect(told).toEqual(['1']);
  });
});

describe('docs/publishing.md', () => {
  const page = readFileSync(new URL('../../docs/publishing.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/^```ts title="examples\/([\w.-]+)"\n([\s\S]*?)^```$/gm)];

  it('shows the examples', () => {
    expect(blocks.map(([, name]) => name)).toEqual(['express.ts', 'fastify.ts', 'nest.ts']);
  });

  it.each(blocks.map(([, name = '', shown = '']) => [name, shown]))(
    'shows a part of %s as it is',
    (name, shown) => {
      const file = new URL(`../../examples/${name}`, import.meta.url);
      expect(readFileSync(file, 'utf8')).toContain(shown);
    },
  );
});
