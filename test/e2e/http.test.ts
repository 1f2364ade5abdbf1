/** What a whole node says in HTTP: to GraphQL clients, to caches on the way, and to browsers. */
import { serverAudits } from 'graphql-http';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '../../src/invalidation/digest.ts';
import { startRedis } from '../support/redis.ts';
import { parseList, Token, type Item } from '../support/structured-field.ts';
import { until } from '../support/until.ts';
import { askAt, startTestNode, type NodeOptions, type TestNode } from './fleet.ts';
import { person, startWorld, type World } from './world.ts';

const USER = '{ user(id: "1") { name } }';
const OPEN = '{ open { text } }';
const ADA = { authorization: 'Bearer 1' };
const JSON_TYPE = 'application/json';
const RESPONSE_TYPE = 'application/graphql-response+json';

let world: World;
let node: TestNode;
let generous: TestNode;
const nodes: TestNode[] = [];

async function start(options: Omit<NodeOptions, 'subgraphs'> = {}): Promise<TestNode> {
  const started = await startTestNode({ subgraphs: world.subgraphs, ...options });
  nodes.push(started);
  return started;
}

beforeAll(async () => {
  world = await startWorld();
  node = await start({ headers: { propagate: ['authorization', 'x-tenant'] } });
  generous = await start({
    cache: { clientMaxAgeSeconds: 30, exposeTags: true },
    cors: { origins: ['https://a.example', 'https://b.example'] },
    limits: { batchMax: 3 },
  });
});

afterAll(async () => {
  await Promise.all(nodes.map((one) => one.stop()));
  await world.stop();
});

/** Nothing of an earlier test is in a cache, nor in the data. */
beforeEach(async () => {
  for (const { id } of world.people.values()) world.people.set(id, person(id));
  const undo = 'mutation { rename(id: "1", name: "name of 1") { id } }';
  await Promise.all([node, generous].map((one) => one.ask(undo)));
  world.users.forget();
});

type HeaderLines = Record<string, string>;

interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function heard(response: Response): Promise<Heard> {
  return { status: response.status, headers: response.headers, text: await response.text() };
}

async function get(at: TestNode, query: string, headers: HeaderLines = {}): Promise<Heard> {
  return heard(await fetch(`${at.url}?query=${encodeURIComponent(query)}`, { headers }));
}

async function post(at: TestNode, body: unknown, headers: HeaderLines = {}): Promise<Heard> {
  const init = { 'content-type': JSON_TYPE, ...headers };
  return heard(await fetch(at.url, { method: 'POST', headers: init, body: JSON.stringify(body) }));
}

/** The names in a header that is a list, in lower case and in order. */
function namesIn(headers: Headers, name: string): string[] {
  return (headers.get(name) ?? '').toLowerCase().split(',').map((one) => one.trim()).sort();
}

/** The one member of `Cache-Status` (RFC 9211). */
function cacheStatus({ headers }: { headers: Headers }): Item {
  const items = parseList(headers.get('cache-status') ?? '');
  expect(items).toHaveLength(1);
  const [item] = items as [Item];
  expect(item.value).toEqual(new Token('freshet'));
  // Section 2: either the cache answered, or it says why it went on.
  const { hit, fwd, stored, collapsed, ttl } = item.parameters;
  expect([hit, fwd].filter((one) => one !== undefined)).toHaveLength(1);
  if (fwd === undefined) expect([stored, collapsed]).toEqual([undefined, undefined]);
  else expect(fwd).toBeInstanceOf(Token);
  if (ttl !== undefined) expect(ttl).toSatisfy(Number.isInteger);
  return item;
}

describe('GraphQL over HTTP', () => {
  it.each(serverAudits({ url: () => node.url }).map((audit) => [audit.name, audit] as const))(
    'passes the audit: %s',
    async (_, audit) => {
      const result = await audit.fn();
      expect({ status: result.status, reason: 'reason' in result ? result.reason : undefined })
        .toEqual({ status: 'ok', reason: undefined });
    },
  );

  it('answers variables that do not fit with 200 or 400, by what is accepted', async () => {
    const body = { query: 'query ($id: ID!) { user(id: $id) { name } }', variables: { id: null } };
    const answers = [JSON_TYPE, RESPONSE_TYPE].map((accept) => post(node, body, { accept }));
    const [lenient, strict] = await Promise.all(answers) as [Heard, Heard];
    expect([lenient.status, strict.status]).toEqual([200, 400]);
    for (const { text, headers } of [lenient, strict]) {
      expect(JSON.parse(text)).toEqual({
        errors: [{
          message: expect.stringContaining('$id') as string,
          locations: [{ line: 1, column: 8 }],
          extensions: { code: 'BAD_USER_INPUT' },
        }],
      });
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('keeps one entry for GET and POST, and for both media types', async () => {
    const asked = [
      await post(node, { query: USER }),
      await get(node, USER),
      await get(node, USER, { accept: RESPONSE_TYPE }),
      await post(node, { query: `query Named { user(id: "1") { name } }` }),
    ];
    expect(asked.map((one) => 'hit' in cacheStatus(one).parameters))
      .toEqual([false, true, true, false]);
    expect(asked.map(({ headers }) => headers.get('content-type')?.split(';')[0]))
      .toEqual([JSON_TYPE, JSON_TYPE, RESPONSE_TYPE, JSON_TYPE]);
    expect(new Set(asked.map(({ text }) => text)).size).toBe(1);
  });

  it.each([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    ['application/*', JSON_TYPE],
    [`${RESPONSE_TYPE}, ${JSON_TYPE};q=0.9`, RESPONSE_TYPE],
    [`${JSON_TYPE}; charset=utf-8`, JSON_TYPE],
    ['text/html, */*;q=0.1', JSON_TYPE],
  ])('answers Accept: %s with %s', async (accept, expected) => {
    const { headers } = await post(node, { query: USER }, { ...(accept && { accept }) });
    expect(headers.get('content-type')).toBe(`${expected}; charset=utf-8`);
  });

  it('refuses mutations by GET, and they change nothing', async () => {
    const refused = await get(node, 'mutation { rename(id: "1", name: "by GET") { name } }');
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
    expect(world.users.calls).toEqual([]);
  });

  it.each([
    ['application/x-www-form-urlencoded', 'query=mutation{rename(id:1,name:"by form"){name}}'],
    ['application/graphql', 'mutation { rename(id: 1, name: "by text") { name } }'],
    ['text/plain', '{"query":"mutation { rename(id: 1, name: \\"by page\\") { name } }"}'],
    ['multipart/form-data; boundary=x', '--x--'],
  ])('takes no %s, which a page of any origin may send', async (type, body) => {
    const headers = { 'content-type': type };
    const refused = await heard(await fetch(node.url, { method: 'POST', headers, body }));
    expect([refused.status, refused.text]).toEqual([
      415, expect.stringContaining('"code":"MEDIA_TYPE_UNSUPPORTED"'),
    ]);
    expect(world.users.calls).toEqual([]);
  });
});

describe('ETag', () => {
  async function etagOf(at: TestNode, query: string, headers = {}): Promise<string> {
    return (await get(at, query, headers)).headers.get('etag') ?? '';
  }

  it.each([
    ['itself', (etag: string) => etag],
    ['its weak form', (etag: string) => `W/${etag}`],
    ['any', () => '*'],
    ['a list', (etag: string) => `"a,b", W/"c" ,${etag}`],
    ['a list of weak forms', (etag: string) => `W/"x", W/${etag}`],
  ])('is matched by If-None-Match with %s: 304, no body, and the headers', async (_, form) => {
    const first = await get(node, USER);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[^"]+"$/);
    const again = await get(node, USER, { 'if-none-match': form(etag) });
    expect([again.status, again.text]).toEqual([304, '']);
    for (const name of ['etag', 'cache-control', 'vary', 'freshet-position']) {
      expect(again.headers.get(name), name).toBe(first.headers.get(name));
      expect(again.headers.get(name), name).not.toBeNull();
    }
    expect(cacheStatus(again).parameters).toMatchObject({ hit: true });
  });

  it.each([
    ['another', () => '"another"'],
    ['a part of it', (etag: string) => `${etag.slice(0, -2)}"`],
    ['it without quotes', (etag: string) => etag.slice(1, -1)],
    ['nothing', () => ''],
  ])('is not matched by %s', async (_, form) => {
    const etag = await etagOf(node, USER);
    const again = await get(node, USER, { 'if-none-match': form(etag) });
    expect([again.status, again.headers.get('etag')]).toEqual([200, etag]);
  });

  it('is that of the content wherever it was found, and matched there', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    const [one, other] = [await start({ redis: redis.url }), await start({ redis: redis.url })];
    const aliases = Array.from({ length: 28 }, (_, n) => `a${n}: name`);
    // One that is held as a text, and one that is held as bytes.
    for (const [at, query] of [USER, `{ user(id: "1") { ${aliases.join(' ')} } }`].entries()) {
      const first = await get(one, query);
      const positions = (): readonly string[] =>
        [one, other].map(({ gateway }) => gateway.status().position);
      const isThere = async (): Promise<boolean> => {
        const [here, there] = positions();
        return here === there && (await client.keys('*response:*')).length > at;
      };
      await until(isThere, { what: 'the answer is in Redis, and both nodes are as far' });
      const etag = `"${digestOf(first.text)}"`;
      for (const [node, detail] of [[one, 'l1'], [other, 'l2'], [other, 'l1']] as const) {
        const answer = await get(node, query);
        expect(answer.headers.get('cache-status')).toMatch(new RegExp(`detail=${detail}$`));
        expect([answer.text, answer.headers.get('etag')]).toEqual([first.text, etag]);
        expect((await get(node, query, { 'if-none-match': etag })).status).toBe(304);
      }
    }
    client.disconnect();
    await redis.stop();
  });

  it('follows the content, there and back', async () => {
    const old = await etagOf(node, USER);
    await node.ask('mutation { rename(id: "1", name: "changed") { id } }');
    const changed = await get(node, USER, { 'if-none-match': old });
    expect([changed.status, changed.text])
      .toEqual([200, '{"data":{"user":{"name":"changed"}}}']);
    expect(changed.headers.get('etag')).not.toBe(old);
    await node.ask('mutation { rename(id: "1", name: "name of 1") { id } }');
    expect((await get(node, USER, { 'if-none-match': old })).status).toBe(304);
  });

  it('is the same on every node for the same content, and for no other', async () => {
    const etags = await Promise.all([node, generous, node].map((one) => etagOf(one, USER)));
    expect(new Set(etags).size).toBe(1);
    expect(await etagOf(node, '{ user(id: "2") { name } }')).not.toBe(etags[0]);
  });

  it('tells one media type from the other, which have one text', async () => {
    const json = await etagOf(node, USER);
    const response = await get(node, USER, { 'accept': RESPONSE_TYPE, 'if-none-match': json });
    expect(response.status).toBe(200);
    expect(response.headers.get('etag')).not.toBe(json);
  });

  it('spares no errors, no mutation and no POST the body', async () => {
    world.users.misbehave({ status: 500 });
    const failed = await get(node, '{ user(id: "3") { name } }', { 'if-none-match': '*' });
    expect([failed.status, failed.headers.get('etag')]).toEqual([200, null]);
    expect(failed.text).toContain('errors');
    const posted = await post(node, { query: USER }, { 'if-none-match': '*' });
    expect([posted.status, posted.text]).toEqual([200, '{"data":{"user":{"name":"name of 1"}}}']);
  });

  it('is not that of an answer that was refused', async () => {
    await get(node, USER);
    const refused = await get(node, USER, { accept: 'image/png' });
    expect(refused.status).toBe(406);
    expect(refused.headers.get('etag')).toBeNull();
    expect(refused.headers.get('cache-control')).toBe('no-store');
  });
});

describe('what caches on the way are told', () => {
  it('lets them keep an answer, and ask each time', async () => {
    const { headers } = await get(node, USER);
    expect(headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
    expect(namesIn(headers, 'vary'))
      .toEqual(['accept', 'accept-encoding', 'authorization', 'freshet-position', 'x-tenant']);
  });

  it('says private where an answer is of one caller', async () => {
    for (const query of ['{ me { email } }', USER]) {
      const { headers } = await get(node, query, ADA);
      expect(headers.get('cache-control')).toBe('private, max-age=0, must-revalidate');
      expect(namesIn(headers, 'vary')).toContain('authorization');
    }
  });

  it('lets all who ask for what is PUBLIC share it, whoever they are, in one tenant', async () => {
    const first = await get(node, OPEN);
    const other = await get(node, OPEN, ADA);
    expect(cacheStatus(other).parameters).toMatchObject({ hit: true });
    for (const { headers } of [first, other]) {
      expect(headers.get('cache-control')).toBe('public, max-age=0, must-revalidate');
      expect(namesIn(headers, 'vary'))
        .toEqual(['accept', 'accept-encoding', 'freshet-position', 'x-tenant']);
    }
    const tenant = await get(node, OPEN, { 'x-tenant': 'b' });
    expect(cacheStatus(tenant).parameters).not.toHaveProperty('hit');
  });

  it.each([
    ['a mutation', 'mutation { rename(id: "1", name: "n") { id } }'],
    ['introspection', '{ __schema { queryType { name } } }'],
    ['what is not valid', '{ nope }'],
    ['what is no document', '{'],
    ['what is PRIVATE, for nobody', '{ user(id: "1") { email } }'],
  ])('forbids them to keep the answer to %s', async (_, query) => {
    const { headers } = await post(node, { query });
    expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['no-store', null]);
  });

  it('forbids them to keep streams, which have a position too', async () => {
    for (const accept of ['text/event-stream', 'multipart/mixed']) {
      const { headers, text } = await get(node, USER, { accept });
      expect(text).toContain('name of 1');
      expect(headers.get('content-type')).toContain(accept);
      expect(namesIn(headers, 'cache-control')).toContain('no-store');
      expect(headers.get('freshet-position')).toMatch(/^\d+-\d+$/);
    }
  });

  it('lets clients use an answer for clientMaxAgeSeconds from when they get it', async () => {
    const fresh = (heardNow: Heard): number => {
      const [, maxAge] = /^public, max-age=(\d+)$/.exec(
        heardNow.headers.get('cache-control') ?? '',
      ) ?? [];
      // RFC 9111, section 4.2: its freshness lifetime without its age.
      return Number(maxAge) - Number(heardNow.headers.get('age') ?? 0);
    };
    const first = await get(generous, USER);
    expect(first.headers.get('age')).toBeNull();
    expect(fresh(first)).toBe(30);
    const aged = await until(async () => {
      const later = await get(generous, USER);
      return Number(later.headers.get('age')) >= 1 && later;
    }, { what: 'an answer is a second old', everyMs: 100 });
    expect(fresh(aged)).toBe(30);
    const { ttl } = cacheStatus(aged).parameters;
    expect(ttl).toBeGreaterThan(30);
    expect(ttl).toBeLessThanOrEqual(59);
  });

  it('lets no client use an answer longer than it may be kept here', async () => {
    const short = await start({
      cache: { clientMaxAgeSeconds: 30, rules: { 'Query.user': { maxAgeSeconds: 5 } } },
    });
    const { headers } = await get(short, USER);
    expect(headers.get('cache-control')).toMatch(/^public, max-age=[45]$/);
  });
});

describe('Cache-Status', () => {
  it('says how each answer came about', async () => {
    const miss = cacheStatus(await post(node, { query: USER })).parameters;
    expect(miss).toEqual({ fwd: new Token('miss'), stored: true, ttl: 60 });
    const hit = cacheStatus(await post(node, { query: USER })).parameters;
    expect(hit).toEqual({ hit: true, ttl: expect.any(Number), detail: new Token('l1') });
    const mutation = { query: 'mutation { rename(id: "1", name: "n") { id } }' };
    expect(cacheStatus(await post(node, mutation)).parameters)
      .toEqual({ fwd: new Token('method'), detail: new Token('mutation') });
    const introspection = '{ __schema { queryType { name } } }';
    expect(cacheStatus(await post(node, { query: introspection })).parameters)
      .toEqual({ fwd: new Token('bypass'), detail: new Token('introspection') });
    expect(cacheStatus(await post(node, { query: '{ user(id: "1") { email } }' })).parameters)
      .toEqual({ fwd: new Token('bypass'), detail: new Token('private') });
    world.users.misbehave({ status: 500 });
    expect(cacheStatus(await post(node, { query: '{ user(id: "3") { nickname } }' })).parameters)
      .toEqual({ fwd: new Token('miss'), detail: new Token('error') });
  });

  it('says that an answer was shared with a request that came earlier', async () => {
    const gate = world.users.hold();
    const leader = post(node, { query: USER });
    await gate.arrived;
    const follower = post(node, { query: USER });
    gate.release();
    const [led, followed] = await Promise.all([leader, follower]);
    expect(cacheStatus(led).parameters).toMatchObject({ fwd: new Token('miss'), stored: true });
    const how = cacheStatus(followed).parameters;
    // It may also have come when all was over.
    expect(how['collapsed'] === true || how['hit'] === true).toBe(true);
  });
});

describe('Cache-Tag', () => {
  it('names the tags of an answer where asked for, and only there', async () => {
    const { headers } = await get(generous, '{ user(id: "1") { id } users { id } }');
    expect(namesIn(headers, 'cache-tag')).toEqual(['user', 'user:1', 'user:2', 'user:3']);
    expect((await get(node, USER)).headers.get('cache-tag')).toBeNull();
  });

  it('holds each tag as one, whatever the id', async () => {
    const ids = ['a,user:2', 'line\nbreak', '"', '\u{1F600}', '100%'];
    for (const id of ids) world.people.set(id, person(id));
    for (const id of ids) {
      const query = 'query ($id: ID!) { user(id: $id) { id } }';
      const { headers } = await post(generous, { query, variables: { id } });
      const tags = (headers.get('cache-tag') ?? '').split(',');
      expect(tags, id).toHaveLength(1);
      expect(tags[0]).toMatch(/^user:[!-~]+$/);
      world.people.delete(id);
    }
  });
});

describe('CORS', () => {
  const allowed = (headers: Headers): (string | null)[] =>
    ['allow-origin', 'allow-credentials'].map((name) => headers.get(`access-control-${name}`));

  it('lets pages of no other origin read anything by default', async () => {
    for (const origin of ['https://a.example', 'null']) {
      const { headers } = await post(node, { query: USER }, { origin });
      expect(allowed(headers)).toEqual([null, null]);
      const preflight = await fetch(node.url, { method: 'OPTIONS', headers: { origin } });
      expect(preflight.status).toBe(405);
      expect(allowed(preflight.headers)).toEqual([null, null]);
    }
  });

  it.each(['https://a.example', 'https://b.example'])('lets pages of %s ask', async (origin) => {
    const { headers } = await get(generous, USER, { origin });
    expect(allowed(headers)).toEqual([origin, 'true']);
    expect(namesIn(headers, 'vary')).toContain('origin');
    expect(namesIn(headers, 'access-control-expose-headers')).toContain('freshet-position');
    const preflight = await fetch(generous.url, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type, freshet-position',
      },
    });
    expect(preflight.status).toBe(204);
    expect(allowed(preflight.headers)).toEqual([origin, 'true']);
    expect(namesIn(preflight.headers, 'access-control-allow-headers'))
      .toEqual(['content-type', 'freshet-position']);
  });

  it.each(['https://c.example', 'https://a.example.evil.example', 'null'])(
    'tells pages of %s nothing',
    async (origin) => {
      const { headers } = await get(generous, USER, { origin });
      expect(allowed(headers)).toEqual([null, null]);
      // A cache must not give this answer to the pages that may read it.
      expect(namesIn(headers, 'vary')).toContain('origin');
    },
  );

  it('lets the pages that may ask read why they were refused', async () => {
    const { status, headers } = await post(generous, {}, {
      'origin': 'https://a.example', 'content-type': 'text/plain',
    });
    expect([status, ...allowed(headers)]).toEqual([415, 'https://a.example', 'true']);
  });

  it('lets any page ask where * is configured, as nobody in particular', async () => {
    const open = await start({ cors: { origins: ['*'] } });
    const { headers } = await get(open, USER, { origin: 'https://any.example' });
    expect(allowed(headers)).toEqual(['https://any.example', null]);
  });
});

describe('batches', () => {
  const ops = (...queries: string[]): object[] => queries.map((query) => ({ query }));

  it('are refused where they are not configured', async () => {
    const { status, text } = await post(node, ops(USER));
    expect([status, text]).toEqual([400, expect.stringContaining('"code":"BAD_REQUEST"')]);
    expect(world.users.calls).toEqual([]);
  });

  it('are answered in order, each operation for itself, and never kept as a whole', async () => {
    await post(generous, { query: OPEN });
    const answer = await post(generous, ops(OPEN, USER, '{ nope }'));
    expect(JSON.parse(answer.text)).toMatchObject([
      { data: { open: { text: 'for everyone' } } },
      { data: { user: { name: 'name of 1' } } },
      { errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
    ]);
    expect(cacheStatus(answer).parameters)
      .toEqual({ fwd: new Token('partial'), detail: '1 of 2' });
    expect(cacheStatus(await post(generous, ops(OPEN, USER))).parameters)
      .toEqual({ hit: true, detail: '2 of 2' });
    for (const batch of [ops(OPEN), ops(OPEN, '{ nope }'), ops(OPEN, USER)]) {
      const { headers } = await post(generous, batch);
      expect([headers.get('cache-control'), headers.get('etag'), headers.get('age')])
        .toEqual(['no-store', null, null]);
      expect(headers.get('freshet-position')).toMatch(/^\d+-\d+$/);
    }
  });

  it('let no operation share what was found out about another', async () => {
    world.users.misbehave({ status: 500 });
    const failing = post(generous, ops('{ user(id: "3") { name } }', OPEN));
    await failing;
    const again = await post(generous, ops(OPEN));
    expect(cacheStatus(again).parameters).toMatchObject({ hit: true });
  });

  it('purge before they answer, whatever else is asked along', async () => {
    await post(generous, { query: USER });
    const rename = 'mutation { rename(id: "1", name: "in a batch") { id } }';
    const { text, headers } = await post(generous, ops(rename, '{ __typename }'));
    expect(JSON.parse(text)).toMatchObject([{ data: { rename: { id: '1' } } }, {}]);
    const position = headers.get('freshet-position') ?? '';
    const { data } = await askAt(generous.url, USER, { headers: { 'freshet-position': position } });
    expect(data.user.name).toBe('in a batch');
  });

  it('are no longer than configured', async () => {
    const { status } = await post(generous, ops(USER, USER, USER, USER));
    expect(status).toBe(413);
  });
});
