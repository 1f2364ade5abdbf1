/**
 * The hit path answers as Yoga does. One gateway, two doors: one that recognises requests, and one
 * where all of them are Yoga's.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../src/gateway/config/config.ts';
import { HttpServer } from '../../src/gateway/http/http-server.ts';
import { systemClock } from '../../src/invalidation/clock.ts';
import { send, type RawAnswer, type RawRequest } from '../support/raw-request.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { post, startWorld, type World } from './world.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const RESPONSE_TYPE = 'application/graphql-response+json';
const USER = '{ user(id: "1") { name } }';
const ADA = { authorization: 'Bearer 1' };

let world: World;
let node: TestNode;
let slow: HttpServer;
let slowUrl: string;

beforeAll(async () => {
  world = await startWorld();
  for (let n = 10; n < 60; n += 1) world.posts.set(`p${n}`, post(`p${n}`, '1'));
  const options = {
    cors: { origins: ['https://a.example'] },
    headers: { propagate: ['authorization', 'x-tenant'] },
    limits: { batchMax: 3 },
    cache: { exposeTags: true },
  };
  node = await startTestNode({ subgraphs: world.subgraphs, ...options });
  const { limits } = resolveConfig({ supergraph: 'unused' });
  slow = new HttpServer({
    handler: node.gateway.handler, path: '/graphql', limits, clock: systemClock, onError: () => {},
  });
  slowUrl = `http://127.0.0.1:${(await slow.listen({ host: '127.0.0.1', port: 0 })).port}/graphql`;
});

afterAll(async () => {
  await slow.close({ drainMs: 0 });
  await node.stop();
  await world.stop();
});

const hits = (): number => node.gateway.status().hitPath.hits;

/** The host too is what the request says, so that both doors are asked the very same. */
function ask(url: string, request: RawRequest): Promise<RawAnswer> {
  return send(url, { ...request, headers: { host: 'gateway.example', ...request.headers } });
}

const posted = (query: string, headers: Record<string, string> = {}): RawRequest => ({
  headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify({ query }),
});

const got = (query: string, headers: Record<string, string> = {}): RawRequest => ({
  method: 'GET', path: `/graphql?query=${encodeURIComponent(query)}`, headers,
});

/** Without what time alone changes. */
function comparable({ status, headers, body }: RawAnswer) {
  const { date: _, age, connection: __, 'keep-alive': ___, ...same } = headers;
  const cacheStatus = String(headers['cache-status']).replace(/ttl=\d+/, 'ttl');
  return { status, body: body.toString('latin1'), aged: age !== undefined, ...same, cacheStatus,
    'cache-status': undefined };
}

/** Asks the fast door until the request is recognised, if ever; then both. */
async function askBoth(request: RawRequest) {
  await ask(node.url, request);
  await ask(node.url, request);
  const before = hits();
  const fast = await ask(node.url, request);
  const isFast = hits() > before;
  return { isFast, fast: comparable(fast), slow: comparable(await ask(slowUrl, request)) };
}

const RECOGNISED: [string, () => RawRequest][] = [
  ['POST', () => posted(USER)],
  ['POST that accepts JSON', () => posted(USER, { accept: 'application/json' })],
  ['POST that accepts the media type of GraphQL', () => posted(USER, { accept: RESPONSE_TYPE })],
  ['POST that accepts anything', () => posted(USER, { accept: '*/*' })],
  ['POST with a charset', () => posted(USER, { 'content-type': 'application/json;charset=utf-8' })],
  ['POST in chunks', () => posted(USER, { 'transfer-encoding': 'chunked' })],
  ['POST of what is not ASCII', () => posted('{ user(id: "1") { name } } # \u00fc\u4e16')],
  ['POST with variables', () => ({
    headers: JSON_TYPE,
    body: '{"query":"query ($i: ID!) { user(id: $i) { name } }","variables":{"i":2}}',
  })],
  ['GET', () => got(USER)],
  ['GET that accepts the media type of GraphQL', () => got(USER, { accept: RESPONSE_TYPE })],
  ['GET of what the client has', () => got(USER, { 'if-none-match': '*' })],
  ['GET of what the client has in another form', () => got(USER, { 'if-none-match': '"x"' })],
  ['POST of what the client has', () => posted(USER, { 'if-none-match': '*' })],
  ['what is of one caller', () => posted('{ me { email } }', ADA)],
  ['what is PUBLIC, with credentials', () => posted('{ open { text } }', ADA)],
  ['what is PUBLIC, of a tenant', () => posted('{ open { text } }', { 'x-tenant': 'a' })],
  ['a page of an origin that may ask', () => posted(USER, { origin: 'https://a.example' })],
  ['a page of an origin that may not', () => posted(USER, { origin: 'https://b.example' })],
  ['a position that was reached', () => posted(USER, { 'freshet-position': '1-0' })],
  ['a connection that ends', () => posted(USER, { connection: 'close' })],
  ['a large answer', () => posted('{ posts { id title author { id name } } }')],
  ['an answer with a null', () => posted('{ user(id: "none") { name } }')],
];

const LEFT: [string, () => RawRequest][] = [
  ['HEAD', () => ({ ...got(USER), method: 'HEAD' })],
  ['a batch', () => ({ headers: JSON_TYPE, body: JSON.stringify([{ query: USER }]) })],
  ['what is not valid', () => posted('{ nope }')],
  ['what is no document', () => posted('{')],
  ['what is no JSON', () => ({ headers: JSON_TYPE, body: '{' })],
  ['introspection', () => posted('{ __schema { queryType { name } } }')],
  ['what is PRIVATE, for nobody', () => posted('{ user(id: "1") { email } }')],
  ['headers meant for this hop', () => posted(USER, { connection: 'keep-alive, x-tenant' })],
  ['a body in a coding', () => posted(USER, { 'content-encoding': 'identity' })],
  ['a stream', () => posted(USER, { accept: 'text/event-stream' })],
  ['another media type', () => posted(USER, { accept: 'image/png' })],
];

describe('a request that comes again', () => {
  it.each(RECOGNISED)('is answered at once, as Yoga answers it: %s', async (_, request) => {
    const both = await askBoth(request());
    expect(both.fast).toEqual(both.slow);
    expect(both.isFast).toBe(true);
  });

  it.each(LEFT)('is left to Yoga: %s', async (_, request) => {
    const both = await askBoth(request());
    expect(both.fast).toEqual(both.slow);
    expect(both.isFast).toBe(false);
  });

  it('in another spelling is the slow way once, and the same entry', async () => {
    await ask(node.url, posted('{ user(id: "3") { name } }'));
    const spelled = posted('{\n  user ( id : "3" )\n  { name }\n}');
    const before = hits();
    const first = await ask(node.url, spelled);
    expect(first.headers['cache-status']).toContain('; hit;');
    expect(hits()).toBe(before);
    const second = await ask(node.url, spelled);
    expect(hits()).toBe(before + 1);
    expect(comparable(second)).toEqual(comparable(first));
  });

  it('is never answered with what was purged', async () => {
    const request = posted('{ user(id: "2") { name } }');
    for (let n = 0; n < 3; n += 1) {
      const { isFast } = await askBoth(request);
      expect(isFast).toBe(true);
      await node.ask('mutation ($n: String!) { rename(id: "2", name: $n) { id } }', {
        variables: { n: `name ${n}` },
      });
      expect((await ask(node.url, request)).body.toString()).toContain(`name ${n}`);
    }
  });

  it('says how old the answer is and how long it lives, at each moment', async () => {
    const request = posted('{ users { id } }');
    await askBoth(request);
    const seen = new Set<string>();
    await until(async () => {
      const { headers } = await ask(node.url, request);
      const [, ttl = ''] = /ttl=(\d+)/.exec(String(headers['cache-status'])) ?? [];
      const age = Number(headers.age);
      expect([60, 61]).toContain(Number(ttl) + age);
      seen.add(ttl);
      return seen.size >= 3;
    }, { what: 'three seconds of its life are told' });
  });
});

const DECODE = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync };
const LARGE = '{ posts { id title author { id name } } }';

describe('content codings', () => {
  it.each(['br', 'gzip', 'zstd'] as const)('are made of what is asked for: %s', async (coding) => {
    const request = got(LARGE, { 'accept-encoding': coding });
    const plain = await ask(slowUrl, got(LARGE));
    let coded = plain;
    await until(async () => {
      coded = await ask(node.url, request);
      return coded.headers['content-encoding'] === coding;
    }, { what: `an answer in ${coding}` });
    expect(DECODE[coding](coded.body).equals(plain.body)).toBe(true);
    expect(coded.headers['content-length']).toBe(String(coded.body.length));
    expect(coded.headers.vary).toContain('accept-encoding');
    expect(coded.headers.etag).toBe(plain.headers.etag?.replace(/"$/, `.${coding}"`));
    expect(node.gateway.status().hitPath.compression.made).toBeGreaterThan(0);

    // Whoever holds a form that they take is told that it is what there is, at both doors.
    for (const url of [node.url, slowUrl]) {
      for (const held of [coded.headers.etag, plain.headers.etag] as string[]) {
        const headers = { 'accept-encoding': coding, 'if-none-match': held };
        const again = await ask(url, got(LARGE, headers));
        expect([again.status, again.headers.etag, again.body.length]).toEqual([304, held, 0]);
        expect(again.headers).not.toHaveProperty('content-type');
      }
      const refused = { 'accept-encoding': 'identity', 'if-none-match': coded.headers.etag ?? '' };
      expect((await ask(url, got(LARGE, refused))).status).toBe(200);
    }
  });

  it('are sent to nobody who does not take them', async () => {
    for (const accepted of ['identity', 'br;q=0, gzip;q=0', 'deflate', '*;q=0']) {
      const answer = await ask(node.url, got(LARGE, { 'accept-encoding': accepted }));
      expect(answer.headers).not.toHaveProperty('content-encoding');
    }
  });

  it('are reckoned with their entry', async () => {
    const request = posted('{ posts { title id } }', { 'accept-encoding': 'gzip' });
    await askBoth(request);
    const before = node.gateway.status().l1.bytes;
    await until(async () => {
      const { headers } = await ask(node.url, request);
      return headers['content-encoding'] === 'gzip';
    }, { what: 'an answer in gzip' });
    expect(node.gateway.status().l1.bytes).toBeGreaterThan(before);
  });
});
