/**
 * The gates that a request has to pass, and that a cached answer passes none of them: each row is
 * an answer that the hit path gives, and a change after which it must not. All of it is asked where
 * the answer lies in memory, and where it lies in Redis alone; and of requests that are parsed, and
 * of those that came before with all of their bytes and need not be.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/gateway/config/config.ts';
import { HttpServer } from '../../src/gateway/http/http-server.ts';
import { systemClock, type Clock } from '../../src/invalidation/clock.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { send, type RawAnswer, type RawRequest } from '../support/raw-request.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

const SECRET = 'a secret of at least thirty-two characters';
const JSON_TYPE = { 'content-type': 'application/json' };
const USER = '{ user(id: "1") { name } }';
const BODY = JSON.stringify({ query: USER });
const BODY_BYTES_MAX = 2_048;

let redis: RedisServer;
let world: World;
let node: TestNode;
let tier: 'l1' | 'l2';
let isUnread: boolean;
/** The wall clock of the node runs ahead by so much. */
let aheadMs = 0;
const maker = new MessageMaker({
  sourceService: 'test', clock: systemClock, newId: () => randomUUID(),
});
const clock: Clock = { ...systemClock, wall: () => Date.now() + aheadMs };

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

const hits = (): number => node.gateway.status().hitPath.hits;
/** What the hit path has answered in the way that this is about. */
const answers = (): number => {
  const { hits: all, unread } = node.gateway.status().hitPath;
  return isUnread ? unread : all - unread;
};
/** One that is the first of its connection is parsed. */
const ask = (request: RawRequest, url = node.url): Promise<RawAnswer> =>
  send(url, { ...request, isAlone: !isUnread });
const posted = (query: string, headers: Record<string, string> = {}): RawRequest => ({
  headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify({ query }),
});

/** Where Redis is to answer, there is room for one entry in memory: this one. */
async function prepare(): Promise<void> {
  if (tier === 'l2') await ask(posted('{ user(id: "4") { name } }'));
}

/** Resolves when the hit path answers the request, from the tier that this is about. */
async function recognised(request: RawRequest, url = node.url): Promise<void> {
  const isFast = async (): Promise<boolean> => {
    await prepare();
    const before = answers();
    const { status, headers } = await ask(request, url);
    expect(status).toBe(200);
    return answers() > before && String(headers['cache-status']).includes(`detail=${tier}`);
  };
  await until(isFast, { what: 'the hit path answers' });
}

/** Asks, and says what came and whether the hit path gave it. */
async function answered(request: RawRequest) {
  await prepare();
  const before = hits();
  const { status, headers, body } = await ask(request);
  return { status, headers, text: body.toString(), isFast: hits() > before };
}

interface Gate {
  readonly gate: string;
  /** In place of the request that was answered. */
  readonly change: RawRequest;
  readonly status: number;
  readonly says: string;
}

const GATES: Gate[] = [
  { gate: 'method PUT', change: { method: 'PUT' }, status: 405, says: 'errors' },
  { gate: 'method PATCH', change: { method: 'PATCH' }, status: 405, says: 'errors' },
  { gate: 'method DELETE', change: { method: 'DELETE' }, status: 405, says: 'errors' },
  {
    gate: 'no content type (CSRF)', change: { headers: {} },
    status: 415, says: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    gate: 'a form of any page (CSRF)',
    change: { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    status: 415, says: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    gate: 'plain text of any page (CSRF)', change: { headers: { 'content-type': 'text/plain' } },
    status: 415, says: 'MEDIA_TYPE_UNSUPPORTED',
  },
  {
    gate: 'accept', change: { headers: { ...JSON_TYPE, accept: 'image/png' } },
    status: 406, says: 'NOT_ACCEPTABLE',
  },
  { gate: 'path', change: { path: '/other' }, status: 404, says: 'PATH_UNKNOWN' },
  { gate: 'a path below', change: { path: '/graphql/more' }, status: 404, says: 'PATH_UNKNOWN' },
  {
    gate: 'size of the body', change: { body: BODY + ' '.repeat(BODY_BYTES_MAX) },
    status: 413, says: 'BODY_TOO_LARGE',
  },
  {
    gate: 'bytes that are no UTF-8',
    change: { body: Buffer.concat([Buffer.from(BODY), Buffer.of(255)]) },
    status: 400, says: 'UTF-8',
  },
  { gate: 'JSON', change: { body: `${BODY}}` }, status: 400, says: 'JSON' },
  { gate: 'batches not allowed', change: { body: `[${BODY}]` }, status: 400, says: 'errors' },
  {
    gate: 'a position that is none', change: { headers: { ...JSON_TYPE, 'freshet-position': 'x' } },
    status: 400, says: 'POSITION_INVALID',
  },
  {
    gate: 'two positions',
    change: { headers: { ...JSON_TYPE, 'freshet-position': '1-0, 2-0' } },
    status: 400, says: 'POSITION_INVALID',
  },
];

function signed(claims: object, expiresInSeconds = 600): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ ...claims }).setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime(now + expiresInSeconds).sign(new TextEncoder().encode(SECRET));
}

const REDIS_ALONE = { l1: { entriesMax: 1 } };

describe.each([
  ['memory', 'parsed', 'l1', {}],
  ['memory', 'unread', 'l1', {}],
  ['Redis alone', 'parsed', 'l2', REDIS_ALONE],
  ['Redis alone', 'unread', 'l2', REDIS_ALONE],
] as const)('with answers in %s, and requests that are %s,', (_, how, where, cache) => {
  beforeAll(async () => {
    tier = where;
    isUnread = how === 'unread';
    world = await startWorld();
    node = await startTestNode({
      subgraphs: world.subgraphs,
      clock,
      // On a busy machine Redis is late, and it is the gates that are asked here.
      redis: { url: redis.url, readTimeoutMs: 5_000 },
      jwt: { secret: SECRET, sessionClaim: 'sid' },
      cors: { origins: ['https://a.example'] },
      limits: { bodyBytesMax: BODY_BYTES_MAX, depthMax: 3, aliasesMax: 2, tokensMax: 60 },
      cache: { positionWaitMs: 20, ...cache },
    });
  });

  afterAll(async () => {
    await node.stop();
    await world.stop();
  });

  beforeEach(() => {
    aheadMs = 0;
  });

  describe('what the hit path answers does not open the gate of', () => {
    it.each(GATES)('$gate', async ({ change, status, says }) => {
      await recognised(posted(USER));
      for (let n = 0; n < 3; n += 1) {
        const answer = await answered({ ...posted(USER), ...change });
        expect([answer.status, answer.isFast]).toEqual([status, false]);
        expect(answer.text).toContain(says);
        expect(answer.text).not.toContain('name of 1');
      }
      await recognised(posted(USER));
    });

    it.each([
      ['depth', '{ user(id: "1") { posts { author { name } } } }'],
      ['aliases', '{ a: user(id: "1") { b: name c: name } }'],
      ['tokens', `{ user(id: "1") { ${'name '.repeat(60)} } }`],
      ['validation', '{ user(id: "1") { nope } }'],
      ['variables', 'query ($id: ID!) { user(id: $id) { name } }'],
    ])('the limit of %s: what is refused is never recognised', async (_, query) => {
      await prepare();
      const before = node.gateway.status().hitPath.requests;
      for (let n = 0; n < 4; n += 1) {
        const { text, isFast } = await answered(posted(query));
        expect([text.includes('errors'), isFast]).toEqual([true, false]);
      }
      expect(node.gateway.status().hitPath.requests).toBe(before);
    });

    it('CORS: no page of another origin may read it, none is told of another\'s', async () => {
      const from = (origin: string) => posted(USER, { origin });
      const origins = ['https://a.example', 'https://b.example'];
      for (const origin of origins) await recognised(from(origin));
      await recognised(posted(USER));
      const allowed = await answered(from('https://a.example'));
      expect(allowed.headers['access-control-allow-origin']).toBe('https://a.example');
      for (const request of [from('https://b.example'), from('null'), posted(USER)]) {
        expect((await answered(request)).headers).not.toHaveProperty('access-control-allow-origin');
      }
      const preflight = { method: 'OPTIONS', headers: { origin: 'https://b.example' } };
      expect((await answered({ ...posted(USER), ...preflight })).isFast).toBe(false);
    });

    it('the position that the client has seen: the origin is asked instead', async () => {
      await recognised(posted(USER));
      const ahead = `${Date.now() + 3_600_000}-0`;
      const answer = await answered(posted(USER, { 'freshet-position': ahead }));
      expect([answer.status, answer.isFast]).toEqual([200, false]);
      expect(answer.headers['cache-status']).toContain('detail=behind');
    });
  });

  describe('authentication', () => {
    const mine = (token: string) =>
      posted('{ me { email } }', { authorization: `Bearer ${token}` });

    it('ends with the token: its answers are not given to who sends it later', async () => {
      const token = await signed({ sub: '1' }, 60);
      await recognised(mine(token));
      aheadMs = 61_000;
      const late = await answered(mine(token));
      expect(late.isFast).toBe(false);
      expect(late.headers['cache-status']).not.toContain('; hit');
      expect((await answered(mine(token))).isFast).toBe(false);
    });

    it('is repeated when a verification has been believed for long enough', async () => {
      const token = await signed({ sub: '2' }, 3_600);
      await recognised(mine(token));
      aheadMs = 301_000;
      expect((await answered(mine(token))).isFast).toBe(false);
      expect((await answered(mine(token))).isFast).toBe(true);
    });

    it('is that of one caller: no other token, and nobody, is given the answer', async () => {
      const token = await signed({ sub: '1' });
      await recognised(mine(token));
      const others = [await signed({ sub: '2' }), `${token}x`, token.slice(0, -1), ''];
      for (const other of others) expect((await answered(mine(other))).isFast).toBe(false);
      expect((await answered(posted('{ me { email } }'))).isFast).toBe(false);
    });

    it('ends with the session: what was cached for it is gone once it is revoked', async () => {
      const token = await signed({ sub: '1', sid: 's1' });
      const other = await signed({ sub: '2', sid: 's2' });
      for (const one of [token, other]) await recognised(mine(one));
      const revoked = await node.gateway.operations.invalidate(maker.batch(['session:s1']));
      expect(revoked).toBeDefined();
      const refused = await answered(mine(token));
      expect(refused.isFast).toBe(false);
      expect(refused.headers['cache-status']).not.toContain('; hit');
      expect((await answered(mine(other))).isFast).toBe(true);
    });
  });

  describe('a node that drains', () => {
    it('answers nothing from the cache any more', async () => {
      const { limits } = resolveConfig({ supergraph: 'unused' });
      const { handler, listener, repeats } = node.gateway;
      const server = new HttpServer({
        handler, listeners: [listener], repeats, path: '/graphql', limits, clock: systemClock,
        onError: () => undefined,
      });
      const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
      const url = `http://127.0.0.1:${port}/graphql`;
      await recognised(posted(USER), url);
      const gate = world.users.hold();
      const held = send(url, posted('{ user(id: "3") { email name } }'));
      await gate.arrived;
      const socket = connect({ port, host: '127.0.0.1' });
      // The beginning of a request: the connection is neither idle nor has it been let in.
      socket.write(`POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n`);
      await once(socket, 'connect');
      const received = textOf(socket);
      // Answered on a connection of its own, so the server has read what came before.
      await recognised(posted(USER), url);
      const before = hits();
      const closed = server.close({ drainMs: 10_000 });
      const length = `content-length: ${BODY.length}`;
      socket.write(`content-type: application/json\r\n${length}\r\n\r\n${BODY}`);
      expect(await received).toMatch(/^HTTP\/1.1 503 [^]*SHUTTING_DOWN/);
      expect(hits()).toBe(before);
      gate.release();
      expect((await held).status).toBe(200);
      await closed;
    });
  });
});

/** All that the server sends until it closes the connection. */
async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
