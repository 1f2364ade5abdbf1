import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpFailure } from '../../../src/gateway/subgraph/bounded-http.ts';
import { httpPost, type Post, type PostAnswer } from '../../../src/gateway/subgraph/http-post.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const TEXT = JSON.stringify({ data: { snow: '\u2603'.repeat(2_000) } });

let server: Server;
let url: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let clock: ManualClock;
const heard: IncomingMessage[] = [];

beforeEach(async () => {
  clock = new ManualClock();
  heard.length = 0;
  server = createServer((request, response) => {
    heard.push(request);
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql?a=b`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function post(given: Partial<Post> = {}): Promise<PostAnswer> {
  const limits = { timeoutMs: 500, bytesMax: 100_000, retries: 0 };
  return httpPost(url)({ headers: {}, body: '{}', limits, clock, ...given });
}

async function failureOf(answered: Promise<PostAnswer>): Promise<HttpFailure> {
  const failure: unknown = await answered.catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(HttpFailure);
  return failure as HttpFailure;
}

describe('a POST', () => {
  it.each([
    ['br', brotliCompressSync(TEXT)],
    ['gzip', gzipSync(TEXT)],
    ['x-gzip', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
    ['gzip, identity, BR', brotliCompressSync(gzipSync(TEXT))],
    ['identity', Buffer.from(TEXT)],
    ['something-new', Buffer.from(TEXT)],
  ])('reads what is coded as %s', async (coding, bytes) => {
    answer = (_, response) => response.setHeader('content-encoding', coding).end(bytes);
    expect(await post()).toEqual({ status: 200, setCookie: [], text: TEXT });
  });

  it('bounds what it reads by its decoded size', async () => {
    const bytes = gzipSync('x'.repeat(1_000_000));
    answer = (_, response) => response.setHeader('content-encoding', 'gzip').end(bytes);
    expect(bytes.byteLength).toBeLessThan(100_000);
    expect(await failureOf(post())).toMatchObject({ kind: 'size' });
  });

  it('fails where what is coded cannot be decoded', async () => {
    answer = (_, response) => response.setHeader('content-encoding', 'gzip').end(TEXT);
    expect(await failureOf(post())).toMatchObject({ kind: 'connection' });
  });

  it('sends path, query, body, and headers as bytes of Latin-1', async () => {
    let body = '';
    answer = (request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => response.end());
    };
    await post({ headers: { 'x-name': 'J\u00fcrgen' }, body: '\u2603' });
    expect(body).toBe('\u2603');
    expect(heard[0]).toMatchObject({ method: 'POST', url: '/graphql?a=b' });
    expect(heard[0]?.headers).toMatchObject({ 'x-name': 'J\u00fcrgen', 'content-length': '3' });
  });

  it('is told of cookies, and leaves out a byte order mark', async () => {
    answer = (_, response) =>
      response.writeHead(201, { 'set-cookie': ['a=1', 'b=2'] }).end('\uFEFF{}');
    expect(await post()).toEqual({ status: 201, setCookie: ['a=1', 'b=2'], text: '{}' });
  });

  it('fails where the answer breaks off', async () => {
    answer = (_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    };
    expect(await failureOf(post())).toMatchObject({ kind: 'connection' });
  });

  it('is late where the answer has begun and does not end', async () => {
    answer = (_, response) => {
      response.write('{');
      response.on('close', () => (closed = true));
      setImmediate(() => clock.advance(500));
    };
    let closed = false;
    expect(await failureOf(post())).toMatchObject({ kind: 'timeout' });
    await expect.poll(() => closed).toBe(true);
  });
});
