/**
 * Whatever a client sends to a whole node, it is refused with 4xx in the error format of GraphQL,
 * and the node goes on; whatever goes wrong inside, the client learns nothing of it, and the log
 * no secret.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ReadPath } from '../../src/cache/read-path.ts';
import { spawnBound } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { startTestNode, type TestNode } from './fleet.ts';
import { startWorld, type World } from './world.ts';

/** With it, what is no valid document is 400, and not 200 as older clients expect. */
const ACCEPT = { accept: 'application/graphql-response+json' };
const JSON_TYPE = { 'content-type': 'application/json' };
const USER = 'query ($id: ID!) { user(id: $id) { name } }';

let world: World;
let node: TestNode;

beforeAll(async () => {
  world = await startWorld();
  node = await startTestNode({ subgraphs: world.subgraphs });
});

afterAll(async () => {
  await node.stop();
  await world.stop();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

function many(count: number, text: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => text(n)).join(' ');
}

function posting(body: BodyInit, headers = {}): RequestInit {
  return { method: 'POST', headers: { ...JSON_TYPE, ...ACCEPT, ...headers }, body };
}

function asking(query: string, more: object = {}): RequestInit {
  return posting(JSON.stringify({ query, ...more }));
}

/** `variables` as text, since not all of it can be written as a value. */
function withVariables(variables: string): RequestInit {
  return posting(`{"query":${JSON.stringify(USER)},"variables":${variables}}`);
}

interface Refusal {
  readonly data?: unknown;
  readonly errors: readonly { message: string; extensions: { code: string } }[];
}

async function refused(init: RequestInit, path = ''): Promise<[status: number, code: string]> {
  const response = await fetch(`${node.url}${path}`, init);
  expect(response.headers.get('content-type')).toContain('json');
  const { data, errors } = await response.json() as Refusal;
  expect(data).toBeUndefined();
  for (const { message, extensions } of errors) {
    expect([typeof message, typeof extensions.code]).toEqual(['string', 'string']);
  }
  return [response.status, errors[0]?.extensions.code ?? ''];
}

async function expectAlive(at = node): Promise<void> {
  const { status, data } = await at.ask(USER, { variables: { id: '1' } });
  expect([status, data]).toEqual([200, { user: { name: 'name of 1' } }]);
}

describe('a bad document', () => {
  const LIMIT = 'DOCUMENT_LIMIT_EXCEEDED';
  const VALIDATION = 'GRAPHQL_VALIDATION_FAILED';
  const UNRESOLVED = 'OPERATION_RESOLUTION_FAILURE';

  it.each<[string, string, string]>([
    ['200 levels deep', '{a'.repeat(200) + '}'.repeat(200), LIMIT],
    ['100,000 levels deep', '{a'.repeat(100_000), LIMIT],
    ['deep through fragments', `{ ...F0 } ${many(30, (n) =>
      `fragment F${n} on Query { user(id: 1) { posts { author { ...F${n + 1} } } } }`)}`, LIMIT],
    ['a fragment in itself', '{ ...A } fragment A on Query { ...A }', VALIDATION],
    ['fragments in each other', `{ ...A } fragment A on Query { users { ...B } }
      fragment B on User { posts { author { ...B } } }`, VALIDATION],
    ['fragments that double forty times', `{ ...F0 } fragment F40 on Query { users { id } }
      ${many(40, (n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`)}`, LIMIT],
    ['10,000 aliases', `{ ${many(10_000, (n) => `a${n}: __typename`)} }`, LIMIT],
    ['10,000 root fields', `{ ${many(10_000, (n) => `f${n}`)} }`, LIMIT],
    ['10,000 times one root field', `{ ${'__typename '.repeat(10_000)} }`, LIMIT],
    ['tokens without end', '{ '.repeat(1) + '__typename,,,@a(b: [1 2 3]) '.repeat(10_000), LIMIT],
    ['brackets without end', `{ user(id: ${'['.repeat(50_000)}`, LIMIT],
    ['fields that overlap', `{ ${'users { name name posts { id id } } '.repeat(90)} }`, LIMIT],
    ['spreads of fragments that are not there', `{ ${many(1_500, (n) => `...F${n}`)} }`, LIMIT],
    ['fields that are not there', `{ users { ${many(2_000, (n) => `nmae${n}`)} } }`, VALIDATION],
    ['directives that are not there', `{ open ${'@x '.repeat(2_000)}{ text } }`, VALIDATION],
    ['variables that are not used', `query (${many(900, (n) => `$v${n}: ID`)}) { open { text } }`,
      VALIDATION],
    ['operations with no name to choose by', 'query A { users { id } } query B { users { id } }',
      UNRESOLVED],
    ['a subscription where there are none', 'subscription { users { id } }', 'BAD_REQUEST'],
    ['a definition of a type', 'type A { b: Int }', UNRESOLVED],
    ['nothing', '', 'GRAPHQL_PARSE_FAILED'],
    ['a comment', '# nothing', 'GRAPHQL_PARSE_FAILED'],
    ['a NUL', '{ users { id } \0 }', 'REQUEST_INVALID'],
    ['a lone surrogate', '{ user(id: "\ud800") { id } }', 'GRAPHQL_PARSE_FAILED'],
  ])('is refused: %s', async (_, query, code) => {
    expect(await refused(asking(query))).toEqual([400, code]);
    await expectAlive();
  });

  it.each(['__proto__', 'constructor', 'toString', '', 'B'])(
    'is refused where it has no operation named %j', async (operationName) => {
      const query = 'query A { open { text } } query C { open { text } }';
      expect(await refused(asking(query, { operationName }))).toEqual([400, UNRESOLVED]);
    },
  );
});

describe('bad variables', () => {
  it.each<[string, string, string]>([
    ['lists 100,000 deep', `{"id":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'DOCUMENT_LIMIT_EXCEEDED'],
    ['objects 50,000 deep', `{"id":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      'DOCUMENT_LIMIT_EXCEEDED'],
    ['lists that are deep beside the point', `{"id":"1","x":${'['.repeat(600)}${']'.repeat(600)}}`,
      'DOCUMENT_LIMIT_EXCEEDED'],
    ['a list', '["1"]', 'BAD_REQUEST'],
    ['a text', '"{}"', 'BAD_REQUEST'],
    ['a number', '1', 'BAD_REQUEST'],
    ['null for what must be there', '{"id":null}', 'BAD_USER_INPUT'],
    ['nothing', '{}', 'BAD_USER_INPUT'],
    ['an object for an ID', '{"id":{"__proto__":"1"}}', 'BAD_USER_INPUT'],
    ['an infinite number', '{"id":1e400}', 'BAD_USER_INPUT'],
    ['only a prototype', '{"__proto__":{"id":"1"}}', 'BAD_USER_INPUT'],
  ])('are refused: %s', async (_, variables, code) => {
    expect(await refused(withVariables(variables))).toEqual([400, code]);
    await expectAlive();
  });

  it.each<[string, string]>([
    ['100,000 lists', `[${'[],'.repeat(100_000)}0]`],
    ['50,000 members', `{${Array.from({ length: 50_000 }, (_, n) => `"k${n}":0`).join(',')}}`],
    ['a prototype', '{"__proto__":{"name":"x"},"constructor":{"prototype":{"name":"x"}}}'],
  ])('do no harm where nothing uses them: %s', async (_, unused) => {
    const response = await fetch(node.url, withVariables(`{"id":"1","unused":${unused}}`));
    expect(await response.json()).toEqual({ data: { user: { name: 'name of 1' } } });
    expect(({} as Record<string, unknown>)['name']).toBeUndefined();
  });

  it('named as members of every object are variables like others', async () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      const query = `query ($${name}: ID!) { user(id: $${name}) { name } }`;
      for (const id of ['1', '2', '1']) {
        const { data } = await node.ask(query, { variables: { [name]: id } });
        expect(data).toEqual({ user: { name: `name of ${id}` } });
      }
    }
  });

  it('and aliases named so are aliases like others, cached or not', async () => {
    const names = ['__proto__', 'constructor', 'toString'];
    const query = `{ user(id: "1") { ${names.map((name) => `${name}: name`).join(' ')} } }`;
    for (const cache of ['miss', 'hit']) {
      const answer = await node.ask(query);
      expect(answer.cache).toBe(cache);
      expect(Object.entries(answer.data.user)).toEqual(names.map((name) => [name, 'name of 1']));
    }
  });
});

describe('a bad request', () => {
  it.each<[string, RequestInit, number, string]>([
    ['a body of 10 MB', posting('x'.repeat(10_000_000)), 413, 'BODY_TOO_LARGE'],
    ['JSON that breaks off', posting('{"query":"{ users { id } }"'), 400, 'REQUEST_INVALID'],
    ['JSON with more after it', posting('{"query":"{ users { id } }"}}'), 400, 'REQUEST_INVALID'],
    ['lists 100,000 deep', posting('['.repeat(100_000)), 400, 'REQUEST_INVALID'],
    ['a NUL in the body', posting('{"query":"{ users { id } }\0"}'), 400, 'REQUEST_INVALID'],
    ['bytes that are no text', posting(new Uint8Array([0x22, 0xff, 0xfe, 0x22])), 400,
      'REQUEST_INVALID'],
    ['UTF-16', posting(Buffer.from('\ufeff{"query":"{ users { id } }"}', 'utf16le'),
      { 'content-type': 'application/json; charset=utf-16' }), 400, 'REQUEST_INVALID'],
    ['a compressed body', posting(gzipSync('{"query":"{ users { id } }"}'),
      { 'content-encoding': 'gzip' }), 400, 'REQUEST_INVALID'],
    ['nothing', posting(''), 400, 'REQUEST_INVALID'],
    ['null', posting('null'), 400, 'BAD_REQUEST'],
    ['a text', posting('"{ users { id } }"'), 400, 'BAD_REQUEST'],
    ['a number', posting('1'), 400, 'BAD_REQUEST'],
    ['true', posting('true'), 400, 'BAD_REQUEST'],
    ['a list', posting('[{"query":"{ users { id } }"}]'), 400, 'BAD_REQUEST'],
    ['an empty list', posting('[]'), 400, 'BAD_REQUEST'],
    ['a query that is an object', posting('{"query":{"a":1}}'), 400, 'BAD_REQUEST'],
    ['a query that is null', posting('{"query":null}'), 400, 'REQUEST_INVALID'],
    ['another member', asking('{ users { id } }', { id: 1 }), 400, 'BAD_REQUEST'],
    ['a prototype', posting('{"__proto__":{"query":"{ users { id } }"}}'), 400, 'REQUEST_INVALID'],
    ['extensions that are a text', asking('{ users { id } }', { extensions: 'x' }), 400,
      'BAD_REQUEST'],
    ['an operation name that is a list', asking('query A { users { id } }',
      { operationName: ['A', 'B'] }), 400, 'OPERATION_RESOLUTION_FAILURE'],
    ['a persisted query that nobody has', posting('{"extensions":{"persistedQuery":{"version":1,' +
      `"sha256Hash":"${'a'.repeat(64)}"}}}`), 400, 'BAD_REQUEST'],
    ['text', posting('{}', { 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['no type', posting('{}', { 'content-type': '' }), 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['files', { method: 'POST', body: new FormData() }, 415, 'MEDIA_TYPE_UNSUPPORTED'],
    ['PUT', { ...posting('{}'), method: 'PUT' }, 405, 'BAD_REQUEST'],
    ['DELETE', { method: 'DELETE' }, 405, 'BAD_REQUEST'],
    ['PATCH', { ...posting('{}'), method: 'PATCH' }, 405, 'BAD_REQUEST'],
    ['OPTIONS', { method: 'OPTIONS' }, 405, 'BAD_REQUEST'],
    ['an image', posting('{"query":"{ users { id } }"}', { accept: 'image/png' }), 406,
      'NOT_ACCEPTABLE'],
  ])('is refused: %s', async (_, init, status, code) => {
    expect(await refused(init)).toEqual([status, code]);
    await expectAlive();
  });

  it.each<[string, string, number, string]>([
    ['no query', '', 400, 'REQUEST_INVALID'],
    ['a percent sign alone', '?query=%', 400, 'REQUEST_INVALID'],
    ['no hexadecimal digits', '?query=%zz', 400, 'REQUEST_INVALID'],
    ['bytes that are no text', '?query=%7Buser(id:%22%ff%22)%7Bid%7D%7D', 400, 'REQUEST_INVALID'],
    ['a NUL', '?query=%7Busers%7Bid%7D%00%7D', 400, 'REQUEST_INVALID'],
    ['variables that are no JSON', '?query=%7Busers%7Bid%7D%7D&variables=%7B', 400,
      'REQUEST_INVALID'],
    ['variables that are no object', '?query=%7Busers%7Bid%7D%7D&variables=1', 400, 'BAD_REQUEST'],
    ['extensions that are no JSON', '?query=%7Busers%7Bid%7D%7D&extensions=x', 400,
      'REQUEST_INVALID'],
    ['another path', 's', 404, 'PATH_UNKNOWN'],
    ['a path below', '/users', 404, 'PATH_UNKNOWN'],
    ['a path that climbs', '/..%2f..%2fetc%2fpasswd', 404, 'PATH_UNKNOWN'],
    ['a path with NUL', '%00', 404, 'PATH_UNKNOWN'],
  ])('is refused by GET: %s', async (_, path, status, code) => {
    expect(await refused({ headers: ACCEPT }, path)).toEqual([status, code]);
    await expectAlive();
  });
});

describe('a bad connection', () => {
  let strict: TestNode;

  beforeAll(async () => {
    strict = await startTestNode({
      subgraphs: world.subgraphs,
      limits: { headersTimeoutMs: 100, requestTimeoutMs: 200 },
    });
  });

  afterAll(() => strict.stop());

  /** All that is answered to these bytes, which are all that is sent, until the node hangs up. */
  async function answerTo(text: string): Promise<string> {
    const socket = connect(Number(new URL(strict.url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.write(text);
    await once(socket, 'close');
    return Buffer.concat(chunks).toString();
  }

  const POST = 'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n';

  it.each<[string, string, number, string]>([
    ['half a request line', 'GET /gra', 408, 'REQUEST_TIMEOUT'],
    ['headers without end', 'GET /graphql HTTP/1.1\r\nhost: a\r\n', 408, 'REQUEST_TIMEOUT'],
    ['half a body', `${POST}content-length: 50\r\n\r\n{"query"`, 408, 'REQUEST_TIMEOUT'],
    ['a chunk without end', `${POST}transfer-encoding: chunked\r\n\r\nff\r\n{`, 408,
      'REQUEST_TIMEOUT'],
    ['headers of 20 kB', `${POST}x: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'HEADERS_TOO_LARGE'],
    ['10,000 headers', POST + 'x: y\r\n'.repeat(10_000), 431, 'HEADERS_TOO_LARGE'],
    ['a URL of 20 kB', `GET /graphql?query=${'y'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431,
      'HEADERS_TOO_LARGE'],
    ['a NUL in the URL', 'GET /graphql?\0 HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['a NUL in a header', 'GET /graphql HTTP/1.1\r\nhost: a\r\nx: \0\r\n\r\n', 400,
      'REQUEST_INVALID'],
    ['two lengths', `${POST}content-length: 1\r\ncontent-length: 2\r\n\r\n{}`, 400,
      'REQUEST_INVALID'],
    ['a length and chunks',
      `${POST}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      400, 'REQUEST_INVALID'],
    ['a length that is none', `${POST}content-length: -1\r\n\r\n`, 400, 'REQUEST_INVALID'],
    ['a chunk that is none', `${POST}transfer-encoding: chunked\r\n\r\nzz\r\n`, 400,
      'REQUEST_INVALID'],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'REQUEST_INVALID'],
  ])('is answered and closed: %s', async (_, text, status, code) => {
    const answer = await answerTo(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      errors: [{ message: expect.any(String) as string, extensions: { code } }],
    });
    await expectAlive(strict);
  });

  it('costs nothing when it goes away in the midst of a request', async () => {
    const gate = world.users.hold({ when: ({ variables }) => variables['id'] === '3' });
    const body = JSON.stringify({ query: USER, variables: { id: '3' } });
    const socket = connect(Number(new URL(strict.url).port), '127.0.0.1');
    socket.write(`${POST}content-length: ${body.length}\r\n\r\n${body}`);
    await gate.arrived;
    socket.destroy();
    gate.release();
    await until(async () => (await strict.ask(USER, { variables: { id: '3' } })).cache === 'hit', {
      what: 'what was loaded is of use to others',
    });
  });
});

describe('memory', () => {
  it('returns after a flood of bad requests', async () => {
    const flood = fileURLToPath(new URL('flood.ts', import.meta.url));
    const child = spawnBound(process.execPath, ['--expose-gc', flood]);
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    const [code] = await once(child, 'close') as [number];
    expect([code, err]).toEqual([0, '']);
    const { before, after, refused: count } = JSON.parse(out) as Record<string, number>;
    expect(count).toBeGreaterThan(500);
    expect(after! - before!).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('an unexpected error', () => {
  it.each(['development', 'production', 'test'])(
    'reaches no client, in the gateway or in a part (NODE_ENV=%s)',
    async (environment) => {
      vi.stubEnv('NODE_ENV', environment);
      const { read } = ReadPath.prototype;
      for (const failing of [1, 2]) {
        let calls = 0;
        vi.spyOn(ReadPath.prototype, 'read').mockImplementation(function fail(
          this: ReadPath,
          ...args
        ) {
          calls += 1;
          if (calls === failing) return Promise.reject(new TypeError('a secret of ours'));
          return read.apply(this, args);
        });
        const response = await fetch(node.url, asking(`{ user(id: "${environment}") { id } }`));
        const text = await response.text();
        expect(response.status).toBe(failing === 1 ? 500 : 200);
        expect(text).toContain('"code":"INTERNAL_SERVER_ERROR"');
        expect(text).toContain('Unexpected error.');
        expect(text).not.toMatch(/secret|TypeError|stack|\.ts|node_modules/);
      }
    },
  );

  it('of a subgraph neither shows its code nor decides how the node answers', async () => {
    const http = { status: 418, headers: { 'x-evil': '1', 'set-cookie': 'evil=1' } };
    const extensions = { http, stacktrace: ['at file.ts'], exception: { a: 1 }, code: 'ITS_CODE' };
    const answers = [
      { data: { user: null }, errors: [{ message: 'its own message', extensions }] },
      { data: { user: { name: 'x' } }, extensions: { http } },
    ];
    for (const [at, answer] of answers.entries()) {
      world.users.misbehave({ body: JSON.stringify(answer) });
      const response = await fetch(node.url, asking(`{ user(id: "http ${at}") { name } }`));
      expect(response.status).toBe(200);
      expect(response.headers.get('x-evil') ?? response.headers.get('set-cookie')).toBeNull();
      expect(await response.text()).not.toMatch(/file\.ts|exception|418/);
    }
  });
});

describe('a subgraph that breaks its own schema once', () => {
  it.each([
    ['a root field', '{ user(id: "2") { id name } }', 'users',
      { user: { __typename: 'User', id: '2', name: null } }],
    ['an entity', '{ post(id: "p2") { id author { id name } } }', 'users',
      { _entities: [{ __typename: 'User', id: '2', name: null }] }],
  ] as const)('is asked again: %s', async (_, query, name, data) => {
    await node.ask('mutation { rename(id: "2", name: "name of 2") { id } }');
    world[name].misbehave({ body: JSON.stringify({ data }) });
    const broken = await node.ask(query);
    expect(broken.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    const mended = await node.ask(query);
    expect(mended.errors).toBeUndefined();
    expect(mended.text).toContain('name of 2');
    expect((await node.ask(query)).cache).toBe('hit');
  });
});

describe('the log of a node', () => {
  const SECRET = 'hunter2';
  const MALFORMED = [
    SECRET, `{"message_id":"${SECRET}"`, `{"message_id":"${SECRET}"}`,
    `{"message_id":"a","entity_type":"${SECRET}","action":"${SECRET}"}`, `["${SECRET}"]`,
  ];

  it('holds no token, document, variable, answer or message, at any level', async () => {
    const redis = await startRedis();
    const lines: string[] = [];
    const told = await startTestNode({
      subgraphs: world.subgraphs, redis: redis.url, onLogLine: (line) => void lines.push(line),
    });
    const headers = {
      ...JSON_TYPE,
      'authorization': `Bearer ${SECRET}`, 'cookie': `session=${SECRET}`, 'x-api-key': SECRET,
    };
    const send = async (body: string, path = '', more = {}): Promise<void> => {
      const method = path === '' ? { method: 'POST', body } : {};
      const init = { ...method, headers: { ...headers, ...more } };
      await (await fetch(`${told.url}${path}`, init)).text();
    };
    const ask = (query: string, id: unknown = SECRET): Promise<void> =>
      send(JSON.stringify({ query, variables: { id } }));
    await ask(USER);
    await ask(USER, { [SECRET]: SECRET });
    await ask(`{ ${SECRET} }`);
    await ask(`{ "${SECRET}`);
    await ask(`mutation ($id: String!) { rename(id: "1", name: $id) { name } }`);
    await ask(`{ ${SECRET}: __schema { queryType { name } } }`);
    await send(`{"${SECRET}`);
    await send('', `?query={${SECRET}}&variables={${SECRET}`);
    await send('', `/${SECRET}`);
    await send('{}', '', { 'content-type': `text/${SECRET}` });
    await send('{}', '', { 'freshet-position': SECRET });
    const answers = [
      { body: SECRET }, { status: 500, body: SECRET }, { headers: { 'content-type': SECRET } },
      { body: `{"data":{"user":"${SECRET}"}}` }, { body: `{"data":{"user":{"name":"${SECRET}"` },
      { body: `{"data":{"user":{"name":{"${SECRET}":1}}}}` },
      { body: `{"errors":[{"message":"${SECRET}","extensions":{"code":"${SECRET}"}}]}` },
    ];
    for (const [at, answer] of answers.entries()) {
      world.users.misbehave(answer);
      await ask(USER, `${SECRET} ${at}`);
    }
    vi.spyOn(ReadPath.prototype, 'read').mockRejectedValueOnce(new Error('of our own making'));
    await ask(USER, 'unexpected');
    const client = new Redis(redis.url);
    for (const message of MALFORMED) await client.publish('cache:invalidate', message);
    await until(() => told.gateway.status().invalidation.rejected >= MALFORMED.length - 1, {
      what: 'the messages have been looked at',
    });
    client.disconnect();
    await told.stop();
    await redis.stop();
    expect(lines.join('')).toContain('of our own making');
    expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
  });
});
