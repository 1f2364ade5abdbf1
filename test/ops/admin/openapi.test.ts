import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { AdminOptions } from '../../../src/ops/admin/app.ts';
import type { Audit } from '../../../src/ops/audit/audit.ts';
import { integerBelow, seededRandom } from '../../support/seeded-random.ts';
import { openService, signatureOf, TOKENS, type Service } from './service.ts';

type Schema = Parameters<typeof z.fromJSONSchema>[0];
/** By media type. */
type Content = Readonly<Record<string, { readonly schema: Schema }>>;
interface Operation {
  readonly 'x-role': string;
  readonly parameters: readonly {
    readonly name: string; readonly in: 'path' | 'query'; readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { description: string; content: Content }>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: { readonly Refusal: Schema } };
}

let service: Service;
let api: Document;
beforeAll(async () => {
  service = await openService({
    admin: { audit }, config: { adminRequestsPerMinuteMax: 1_000_000 },
  });
  service.fill('ann', 'user:1', 'post');
  api = await (await service.ask('/openapi.json', { token: TOKENS.read })).json() as Document;
});
afterAll(() => service.close());

/** In place of the database, which has a test of its own: holds what it is asked to be sound. */
const audit: NonNullable<AdminOptions['audit']> = {
  async search({ limit, offset, pattern, triggeredBy, sinceMs, untilMs }) {
    for (const count of [limit, offset]) expect(count).toBeGreaterThanOrEqual(0);
    for (const ms of [sinceMs, untilMs]) expect(ms).not.toBeNaN();
    for (const text of [pattern, triggeredBy]) expect(text).not.toBe('');
    return { logs: [], total_count: 0, has_more: false, gaps: [] };
  },
  stats: { written: 0 } as Audit['stats'],
};

/** Asks, signed where that is what it takes, and holds the answer against the document. */
async function check(
  { path, method, at = path }: { path: string; method: string; at?: string },
  { body, query = '', reads = true }: { body?: unknown; query?: string; reads?: boolean } = {},
): Promise<number> {
  const operation = operationOf({ path, method });
  const text = body === undefined ? undefined : JSON.stringify(body);
  const isSigned = operation['x-role'] === 'signature';
  const response = await service.ask(`${at}${query}`, {
    method: method.toUpperCase(),
    ...(text !== undefined && { body: text }),
    ...(isSigned ? { headers: signatureOf(text ?? '') } : { token: TOKENS.admin }),
  });
  const documented = operation.responses[response.status];
  const told = `${method} ${at}${query} ${text?.slice(0, 300)}: ${response.status}`;
  expect(documented, told).toBeDefined();
  const isRefusal = response.status !== 200;
  const [type = ''] = response.headers.get('content-type')?.split(';') ?? [];
  expect(Object.keys(documented?.content ?? {}), told).toEqual([type]);
  if (type === STREAM && !reads) {
    await response.body?.cancel();
    return response.status;
  }
  const answer = type === STREAM ? await firstEvent(response) : await response.json() as unknown;
  const schema = isRefusal
    ? api.components.schemas.Refusal
    : documented?.content[type]?.schema as Schema;
  const parsed = checkerOf(schema).safeParse(answer);
  expect(parsed.error, `${told} ${JSON.stringify(answer).slice(0, 300)}`).toBeUndefined();
  if (isRefusal) {
    const { errors: [{ extensions: { code } }] } = answer as {
      errors: [{ extensions: { code: string } }];
    };
    expect(documented?.description.split(', '), told).toContain(code);
  }
  return response.status;
}

function operationOf({ path, method }: { path: string; method: string }): Operation {
  const operation = api.paths[path]?.[method];
  expect(operation).toBeDefined();
  return operation as Operation;
}

const STREAM = 'text/event-stream';

async function firstEvent({ body }: Response): Promise<unknown> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  const text = new TextDecoder().decode(value);
  return JSON.parse(/^event: \w+\ndata: (.*)\n\n$/.exec(text)?.[1] ?? 'null');
}

const checkers = new Map<Schema, z.ZodType>();

function checkerOf(schema: Schema): z.ZodType {
  const checker = checkers.get(schema) ?? z.fromJSONSchema(schema);
  checkers.set(schema, checker);
  return checker;
}

const GOOD: Record<string, { body?: unknown; at?: string }> = {
  'post /invalidate/key': { body: { keys: ['user:1'], request_id: 'k', reason: 'a' } },
  'post /invalidate/pattern': { body: { pattern: 'us*', cache_keys: ['user:2'] } },
  'post /invalidate/type': { body: { type: 'User' } },
  'delete /admin/cache/invalidate/{key}': { at: '/admin/cache/invalidate/user:1' },
  'post /admin/cache/invalidate-pattern': { body: { pattern: '/^user:\\d+$/' } },
  'delete /admin/cache/clear': {},
  'post /webhook/invalidate': { body: { type: 'key', keys: ['user:1'] } },
  'get /admin/cache/switch': {},
  'post /admin/cache/switch': { body: { caching: 'on', scope: 'node' } },
  'post /admin/cache/explain': { body: { query: '{ user(id: 1) { id } }', headers: { a: 'b' } } },
  'get /invalidate/metrics': {},
  'get /admin/cache/stats': {},
  'get /openapi.json': {},
  'get /admin/identity': {},
  'get /admin/dashboard/figures': {},
  'get /admin/nodes': {},
  'get /admin/operations': {},
  'get /admin/tags/{tag}': { at: '/admin/tags/user:1' },
  'get /admin/events': {},
  'get /admin/dashboard/live': {},
  'get /audit/logs': {},
};

const operations = () => Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => ({ path, method })));

describe('the OpenAPI document', () => {
  it('tells of each endpoint, and each answers as it tells', async () => {
    expect(api.openapi).toBe('3.1.0');
    expect(operations().map(({ path, method }) => `${method} ${path}`).toSorted())
      .toEqual(Object.keys(GOOD).toSorted());
    for (const { path, method } of operations()) {
      const { body, at = path } = GOOD[`${method} ${path}`] ?? {};
      const { parameters } = operationOf({ path, method });
      const takesDryRun = parameters.some(({ name }) => name === 'dry_run');
      const queries = takesDryRun ? ['?dry_run=true', ''] : [''];
      for (const query of queries) {
        expect(await check({ path, method, at }, { body, query })).toBe(200);
      }
    }
  });

  it('tells what a signed trial answers, which says in its body that it is one', async () => {
    const purges = service.records.length;
    const webhook = { path: '/webhook/invalidate', method: 'post', at: '/webhook/invalidate' };
    const body = { type: 'key', keys: ['user:1'], dry_run: true };
    expect(await check(webhook, { body, query: '' })).toBe(200);
    expect(service.records).toHaveLength(purges);
  });

  it('is for those who may look', async () => {
    expect((await service.ask('/openapi.json')).status).toBe(401);
  });

  it('holds for whatever is asked: no 5xx, no hang, no answer of another form', async () => {
    const random = seededRandom('operators');
    const statuses = new Map<number, number>();
    for (let round = 0; round < 800; round += 1) {
      const all = operations();
      const one = all[integerBelow(random, all.length)] as (typeof all)[number];
      const { at = one.path } = GOOD[`${one.method} ${one.path}`] ?? {};
      const schema = operationOf(one).requestBody?.content['application/json']?.schema;
      const body = schema === undefined ? undefined : somethingLike(schema, random);
      const known = operationOf(one).parameters;
      const query = pick(random, ['', queryLike(known, random), ...QUERIES]);
      const key = encodeURIComponent(String(pick(random, HOSTILE)).toWellFormed());
      const path = at.replace('user:1', key === '' || /^\.+$/.test(key) ? 'a' : key);
      // The figures come once a second.
      const reads = one.path !== '/admin/dashboard/live';
      const status = await check({ ...one, at: path }, { body, query, reads });
      expect(status).toBeLessThan(500);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect(statuses.get(200)).toBeGreaterThan(50);
    expect(statuses.get(400)).toBeGreaterThan(50);
  });
});

type Random = () => number;

const QUERIES = ['?dry_run=true', '?dry_run=%00', '?x=1', '?pattern=%ED%A0%80'];
const TIMES = [
  '2026-03-01T00:00:00Z', '0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999-14:00',
  '2016-12-31T23:59:60Z',
];

/** Some of the parameters, mostly as the document has them. */
function queryLike(parameters: Operation['parameters'], random: Random): string {
  const some = parameters.filter((one) => one.in === 'query' && integerBelow(random, 2) === 0);
  const values = some.map(({ name, schema }): [string, string] => {
    const like = [somethingLike(schema, random), pick(random, TIMES), '1', '999999'];
    return [name, String(pick(random, like))];
  });
  return `?${new URLSearchParams(values)}`;
}

type Node = Readonly<Record<string, unknown>> & {
  readonly type?: string;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: Node;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
};

const HOSTILE: readonly unknown[] = [
  '', ' ', '*', '**', '/', '//', '/(/', '/(a+)+$/', '/(((a{9}){9}){9})/', '/(?i)[a-\\x{10ffff}]/',
  'a*'.repeat(40), '\ud800', '\0', '\u202e', '%', '%ZZ', 'user:%2A', 'a:'.repeat(30), ':',
  '__proto__',
  'x'.repeat(3_000), `/${'('.repeat(120)}${')'.repeat(120)}/`, 'user:1', 'User',
  'post', 'é'.repeat(99),
];
const WRONG: readonly unknown[] = [
  null, true, 0, -1, 1e308, [], {}, [[]], { a: 1 }, { __proto__: null, constructor: 1 },
];

function pick<T>(random: Random, from: readonly T[]): T {
  return from[integerBelow(random, from.length)] as T;
}

/** Mostly what the schema asks for, with hostile texts in it; now and then something else. */
function somethingLike(schema: unknown, random: Random): unknown {
  const node = schema as Node;
  if (integerBelow(random, 30) === 0) return pick(random, WRONG);
  const choice = node.anyOf ?? node.oneOf;
  if (choice !== undefined) return somethingLike(pick(random, choice), random);
  if (node.const !== undefined) return node.const;
  if (node.enum !== undefined) return pick(random, node.enum);
  if (node.type === 'array') {
    const length = 1 + integerBelow(random, 4);
    return Array.from({ length }, () => somethingLike(node.items, random));
  }
  if (node.type === 'object') {
    const members = Object.entries(node.properties ?? {}).filter(([name]) =>
      node.required?.includes(name) === true || integerBelow(random, 3) === 0);
    const extra = integerBelow(random, 40) === 0 ? { surplus: 1 } : {};
    return Object.fromEntries([
      ...members.map(([name, member]) => [name, somethingLike(member, random)]),
      ...Object.entries(extra),
    ]);
  }
  return pick(random, [...HOSTILE, 'user:1', 'user:2', 'Post', 'us*']);
}
