import { mkdirSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { responseKey } from '../../../src/cache/key.ts';
import { requestAnswered } from '../../../src/gateway/diagnostics.ts';
import type {
  Figures, Nodes, TagDependants, TopOperations,
} from '../../../src/ops/admin/dashboard-answers.ts';
import { LiveFigures } from '../../../src/ops/admin/live-figures.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { temporaryDirectory } from '../../support/process.ts';
import { until } from '../../support/until.ts';
import { openOperators, type Operators } from '../cli/operators.ts';
import { operationOf, request } from '../traffic/requests.ts';
import { TOKENS } from './service.ts';

const folder = temporaryDirectory('page');
mkdirSync(`${folder}/assets`);
writeFileSync(`${folder}/index.html`, '<!doctype html><title>Freshet</title>');
writeFileSync(`${folder}/assets/index-DoDe4FMP.js`, 'export {};');
writeFileSync(`${folder}/notes.txt`, 'not of the page');

let operators: Operators;
beforeAll(async () => {
  operators = await openOperators({ admin: { page: pathToFileURL(`${folder}/`) } });
});
afterAll(() => operators.close());

const askFor = (path: string, token: string = TOKENS.read): Promise<Response> =>
  fetch(`${operators.url}${path}`, { headers: { authorization: `Bearer ${token}` } });

async function get<T>(path: string): Promise<T> {
  const response = await askFor(path);
  expect(response.status).toBe(200);
  return await response.json() as T;
}

describe('the figures', () => {
  it('tell of requests, types, latency, tiers, the log and the switch', async () => {
    const users = operationOf('query Users { user(id: 1) { id name } }');
    for (const outcome of ['miss', 'hit_l1', 'hit_l1'] as const) {
      requestAnswered.publish(request(users, { outcome, durationMs: 5 }));
    }
    operators.fill('ann', 'user:1');
    const figures = await get<Figures>('/admin/dashboard/figures');
    expect(figures).toMatchObject({
      version: '1', workers: 1,
      requests: { total: 3, by_outcome: { hit_l1: 2, miss: 1, refused: 0 } },
      latency: { count: 3, p50_ms: 5, p99_ms: 5 },
      types: [{ type: 'User', hits: 2, misses: 1 }],
      tiers: { l1: { entries: 1 }, l2: { entries: null } },
      log: { hears: true, lag_records: 0, waiting: 0 },
      l2: { state: 'none' },
      caching: { state: 'on', off_on_fleet: { all: false, types: [] } },
    });
    expect(figures.log.lag_seconds).toBeLessThan(5);
  });

  it('come each second to whoever watches, and end with the node', async () => {
    const response = await askFor('/admin/dashboard/live');
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = response.body!.getReader();
    const text = new TextDecoder().decode((await reader.read()).value);
    const [, json = ''] = /^event: figures\ndata: (.*)\n\n$/.exec(text) ?? [];
    expect(JSON.parse(json)).toMatchObject({ requests: { total: 3 } });
    await reader.cancel();
  });

  it('are for who bears a token', async () => {
    for (const path of ['figures', 'live']) {
      expect((await fetch(`${operators.url}/admin/dashboard/${path}`)).status).toBe(401);
    }
  });
});

describe('live figures', () => {
  const readerOf = (stream: ReadableStream<Uint8Array>) => {
    const reader = stream.getReader();
    const decoder = new TextDecoder();
    return {
      next: async () => {
        const { done, value } = await reader.read();
        return done ? 'end' : decoder.decode(value).match(/data: (.*)/)?.[1] ?? 'heartbeat';
      },
      cancel: () => reader.cancel(),
    };
  };

  it('are taken only while somebody watches, and the latest is told', async () => {
    const clock = new ManualClock();
    let taken = 0;
    const live = new LiveFigures({ clock, take: async () => ({ taken: taken += 1 }) });
    expect(taken).toBe(0);
    const [one, other] = [readerOf(live.watch()), readerOf(live.watch())];
    expect(await one.next()).toBe('{"taken":1}');
    for (let second = 2; second <= 3; second += 1) {
      await until(() => clock.pending > 0, { what: 'the next one waits' });
      clock.advance(1_000);
      await until(() => taken === second, { what: 'it is taken' });
    }
    expect(await one.next()).toBe('{"taken":3}');
    expect(await other.next()).toBe('{"taken":3}');
    await Promise.all([one.cancel(), other.cancel()]);
    await until(() => clock.pending > 0, { what: 'the next one waits' });
    clock.advance(1_000);
    await until(() => clock.pending === 0, { what: 'nobody watches' });
    expect(taken).toBe(3);
  });

  it('are for so many at once, and end with the node, not with what goes wrong', async () => {
    const clock = new ManualClock();
    const live = new LiveFigures({
      clock, watchersMax: 1, take: () => Promise.reject(new Error('starting')),
    });
    const reader = readerOf(live.watch());
    expect(() => live.watch()).toThrow('At most 1 watchers');
    const heartbeat = reader.next();
    for (let second = 0; second < 11; second += 1) {
      await until(() => clock.pending > 0, { what: 'both wait' });
      clock.advance(1_000);
    }
    expect(await heartbeat).toBe('heartbeat');
    live.close();
    expect(await reader.next()).toBe('end');
    expect(() => live.watch()).toThrow('shutting down');
  });
});

describe('what else the dashboard asks', () => {
  it('who one is, and what one may', async () => {
    expect(await get('/admin/identity')).toEqual({ name: 'the-read', role: 'read' });
    expect(await (await askFor('/admin/identity', TOKENS.admin)).json())
      .toEqual({ name: 'the-admin', role: 'admin' });
  });

  it('the nodes, of which without Redis there is one', async () => {
    const { nodes, complete } = await get<Nodes>('/admin/nodes');
    expect(complete).toBe(true);
    expect(nodes).toMatchObject([{ is_self: true, hears: true, workers: 1, caching: 'on' }]);
  });

  it('the operations that the cache saves most by, or could save most by', async () => {
    const costly = operationOf('query Costly { user(id: "7") { id } }');
    const calls = { subgraphCalls: 3, durationMs: 50, outcome: 'miss' } as const;
    const hit = { durationMs: 1, subgraphCallsSaved: 3 };
    for (const told of [calls, hit, hit]) requestAnswered.publish(request(costly, told));
    const uncached = operationOf('query Uncached { users(ids: ["a@b.org"]) { name } }');
    for (let at = 0; at < 9; at += 1) {
      requestAnswered.publish(request(uncached, { outcome: 'bypass', why: 'uncacheable' }));
    }
    const { operations: [saving] } = await get<TopOperations>('/admin/operations?limit=1');
    expect(saving).toMatchObject({
      name: 'Costly', text: expect.stringContaining('user(id: "")'), hits: 2, misses: 1,
      miss_ms: 50, miss_subgraph_calls: 3, saved_ms: 98, saved_subgraph_calls: 6,
      ttl_ms: 60_000,
      types: ['User'],
    });
    const { operations: [first] } = await get<TopOperations>('/admin/operations?sort=unsaved');
    expect(first).toMatchObject({
      name: 'Uncached', bypasses: 9, hit_ratio: 0, miss_ms: null, ttl_ms: null, scope: 'UNDECLARED',
    });
    expect(JSON.stringify(first)).not.toContain('a@b.org');
    expect((await askFor('/admin/operations?sort=name')).status).toBe(400);
  });

  it('what advice there is, by the rules of the schema', async () => {
    const operation = operationOf('query Advised { user(id: 1) { id } }');
    for (let at = 0; at < 90; at += 1) {
      requestAnswered.publish(request(operation, { outcome: 'miss', isPrivate: true }));
    }
    const { operations } = await get<TopOperations>('/admin/operations?sort=unsaved');
    expect(operations.find(({ name }) => name === 'Advised')?.advice).toMatchObject([{
      code: 'undeclared', coordinate: 'Query.user', text: expect.stringContaining('not declared'),
    }]);
  });

  it('what depends on a tag, and what has purged it', async () => {
    operators.fill('posts of ben', 'user:2', 'user:2:posts', 'post');
    operators.fill('the page of ben', 'user:2:posts');
    const owner = operationOf('query Ben { user(id: 2) { name } }');
    const { id: keptAs } = responseKey(['posts of ben']);
    requestAnswered.publish(request(owner, { outcome: 'miss', keptAs }));
    const before = await get<TagDependants>('/admin/tags/user:2');
    expect(before).toMatchObject({
      key: 'user:2', tags: ['user:2'], l1: 1, l2: null, below: 2, complete: true, last_purges: [],
      entries: [{ state: 'current', tier: 'l1', tags_count: 3, operation: { name: 'Ben' } }],
    });
    for (const reason of ['first', 'second']) {
      await operators.ask('/invalidate/key', {
        token: TOKENS.purge, body: { keys: ['user:2'], reason },
      });
    }
    const after = await get<TagDependants>('/admin/tags/user%3A2');
    expect(after.entries)
      .toMatchObject([{ state: 'invalidated', ending: { reason: 'invalidated' } }]);
    expect(after.last_purges).toMatchObject([
      { actor: 'the-purge', reason: 'second' }, { actor: 'the-purge', reason: 'first' },
    ]);
    expect((await askFor('/admin/tags/user:*')).status).toBe(400);
  });
});

describe('the page', () => {
  const page = (path: string) => fetch(`${operators.url}${path}`);

  it('is for whoever reaches the listener, and may load nothing from elsewhere', async () => {
    const response = await page('/');
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('<title>Freshet</title>');
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-cache');
  });

  it('has files that are named by their content, and kept', async () => {
    const response = await page('/assets/index-DoDe4FMP.js');
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  });

  it.each([
    '/notes.txt', '/assets/', '/assets/missing.js', '/..%2fpackage.json', '/assets/..%2findex.html',
    '/%2e%2e/index.html.js', '/assets/%00.js', '/.hidden.js',
  ])('has no %s', async (path) => {
    expect((await page(path)).status).toBe(401);
  });

  it('says how it is built where it is not', async () => {
    const missing = pathToFileURL(`${folder}/missing/`);
    const other = await openOperators({ admin: { page: missing } });
    const response = await fetch(other.url);
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build:dashboard');
    await other.close();
  });

  it('is no reason to call a path known', async () => {
    const unknown = await askFor('/nothing');
    expect(unknown.status).toBe(404);
    const posted = await fetch(operators.url, { method: 'POST' });
    expect(posted.status).toBe(401);
  });
});
