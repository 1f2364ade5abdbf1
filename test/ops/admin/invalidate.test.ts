import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keyAnswer, patternAnswer } from '../../../src/ops/admin/answers.ts';
import { fault } from '../../../src/invalidation/errors.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log } from '../../../src/invalidation/log.ts';
import { until } from '../../support/until.ts';
import { codeOf, openService, TOKENS, type Asking, type Service } from './service.ts';

let service: Service;
beforeEach(async () => {
  service = await openService();
});
afterEach(() => service.close());

const { read, purge, admin } = TOKENS;

const ask = (path: string, asking: Asking = {}): Promise<Response> =>
  service.ask(path, { token: purge, ...asking });

async function answerOf(path: string, asking: Asking = {}): Promise<Record<string, unknown>> {
  const response = await ask(path, asking);
  const body = await response.json() as Record<string, unknown>;
  expect([response.status, body]).toEqual([200, expect.anything()]);
  return body;
}

const lastRecord = () => service.records.at(-1)?.message;

describe('an order', () => {
  beforeEach(() => {
    service.fill('ann', 'user:1', 'user:1:posts');
    service.fill('bob', 'user:2', 'post');
  });

  it('of keys ends what depends on them, and is one record with who asked and why', async () => {
    const body = {
      keys: ['user:1', 'user:1', 'feed:9'], triggered_by: 'deploy 7', reason: 'wrong name',
      request_id: 'r-1',
    };
    const answer = keyAnswer.parse(await answerOf('/invalidate/key', { body }));
    expect(answer).toMatchObject({
      invalidated_count: 2, keys: ['user:1', 'feed:9'], request_id: 'r-1',
    });
    expect([service.holds('ann'), service.holds('bob')]).toEqual([false, true]);
    expect(service.records).toHaveLength(1);
    expect(lastRecord()).toMatchObject({
      action: 'Batch', entity_ids: ['user:1', 'feed:9'], timestamp: answer.published_at,
      metadata: {
        actor: 'the-purge', reason: 'wrong name', triggered_by: 'deploy 7', request_id: 'r-1',
      },
    });
    expect(lastRecord()?.message_id)
      .toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it.each(['/invalidate/pattern', '/admin/cache/invalidate-pattern'])(
    'of a pattern at %s tells what it matched, of what is held and of keys that are given',
    async (path) => {
      const body = { pattern: 'user:1*', cache_keys: ['user:12', 'User:1', 'post:1'] };
      const answer = patternAnswer.parse(await answerOf(path, { body }));
      expect(answer).toMatchObject({
        pattern: 'user:1*', matched_keys: ['user:1', 'user:12', 'user:1:posts'].toSorted(),
        invalidated_count: 3,
      });
      expect([service.holds('ann'), service.holds('bob')]).toEqual([false, true]);
    },
  );

  it.each(['user:1', 'user:*', '*:posts', '*1*', 'us*1', '/^user:1$/'])(
    'may be written %s', async (pattern) => {
      expect(service.holds('ann')).toBe(true);
      await answerOf('/invalidate/pattern', { body: { pattern } });
      expect(service.holds('ann')).toBe(false);
    },
  );

  it('of a type ends its entities, their parts and its lists', async () => {
    service.fill('list', 'post');
    expect(await answerOf('/invalidate/type', { body: { type: 'Post' } }))
      .toMatchObject({ type: 'post', matched_keys: ['post'], invalidated_count: 1 });
    expect([service.holds('list'), service.holds('bob'), service.holds('ann')])
      .toEqual([false, false, true]);
    expect(lastRecord()).toMatchObject({ pattern: 'post:*', metadata: { cascade: ['post'] } });
  });

  it('of one key may stand in a path, percent-encoded', async () => {
    service.fill('gid', 'user:gid%3A//shop/User/1');
    const path = `/admin/cache/invalidate/${encodeURIComponent('user:gid://shop/User/1')}`;
    expect(await answerOf(path, { method: 'DELETE' }))
      .toMatchObject({ keys: ['user:gid://shop/User/1'] });
    expect([service.holds('gid'), service.holds('ann')]).toEqual([false, true]);
  });

  it('of everything is for admins', async () => {
    for (const asking of [{ token: purge }, { token: read }]) {
      expect(await codeOf(await ask('/admin/cache/clear', { method: 'DELETE', ...asking })))
        .toEqual([403, 'ROLE_REQUIRED']);
    }
    expect(service.holds('ann')).toBe(true);
    await answerOf('/admin/cache/clear', { method: 'DELETE', token: admin });
    expect([service.holds('ann'), service.holds('bob')]).toEqual([false, false]);
  });

  it.each([
    '*', '**', '*:*', '/./', '/^/', '/.*/', '/$/', '/(?i)[A-Z]/', '/\\w/', '/:/', '/^[a-z]+:/',
    '/^[^:]+$/', '/|user/', '/^.{3}/', '/user|[^u]/',
  ])('of everything is for admins in the words %s as well', async (pattern) => {
    for (const path of ['/invalidate/pattern', '/admin/cache/invalidate-pattern']) {
      expect(await codeOf(await ask(path, { body: { pattern } }))).toEqual([403, 'ROLE_REQUIRED']);
    }
    expect(service.holds('ann')).toBe(true);
    await answerOf('/invalidate/pattern?dry_run=true', { token: read, body: { pattern } });
    await answerOf('/invalidate/pattern', { token: admin, body: { pattern } });
  });

  it.each([
    '*1*', '*:posts', '*:1', 'u*:*', '/^user:/', '/^\\w+:1$/', '/^(user|post)$/', '/\\d{3}$/',
  ])('of what %s matches is not of everything', async (pattern) => {
    await answerOf('/invalidate/pattern', { body: { pattern } });
  });

  it('is not for those who may only look', async () => {
    for (const [path, body] of ORDERS) {
      expect(await codeOf(await ask(path, { body, token: read }))).toEqual([403, 'ROLE_REQUIRED']);
    }
    expect(service.records).toEqual([]);
  });
});

const ORDERS: [string, object][] = [
  ['/invalidate/key', { keys: ['user:1'] }],
  ['/invalidate/pattern', { pattern: 'user:*' }],
  ['/invalidate/type', { type: 'User' }],
  ['/admin/cache/invalidate-pattern', { pattern: 'user:*' }],
];

describe('a dry run', () => {
  it('says what would be purged, to those who may look, and changes nothing', async () => {
    service.fill('ann', 'user:1');
    const asked: [string, Asking][] = [
      ...ORDERS.map(([path, body]): [string, Asking] => [path, { body }]),
      ['/admin/cache/invalidate/user:1', { method: 'DELETE' }],
      ['/admin/cache/clear', { method: 'DELETE' }],
    ];
    for (const [path, asking] of asked) {
      const answer = await answerOf(`${path}?dry_run=true`, { token: read, ...asking });
      expect(answer).toMatchObject({
        dry_run: true, matched_keys: ['user:1'], matched_count: 1, entries: 1, scanned: 1,
        complete: true,
      });
    }
    expect(await answerOf('/invalidate/type?dry_run=true', { body: { type: 'User' } }))
      .toMatchObject({ purges: ['user:*', 'user'] });
    expect([service.records.length, service.holds('ann')]).toEqual([0, true]);
  });

  it('has to be spelt as it is, so that nothing is purged by mistake', async () => {
    for (const query of ['dryrun=true', 'dry_run=yes', 'dry_run=true&dry_run=false', 'dry_run']) {
      expect(await codeOf(await ask(`/invalidate/key?${query}`, { body: { keys: ['a'] } })))
        .toEqual([400, 'REQUEST_INVALID']);
    }
    const body = { keys: ['a'], dry_run: true };
    expect(await codeOf(await ask('/invalidate/key', { body }))).toEqual([400, 'REQUEST_INVALID']);
    expect(service.records).toEqual([]);
  });
});

describe('an order that is asked for again', () => {
  const body = { pattern: 'user:*', request_id: 'again' };

  it('is given the first answer, and no second record', async () => {
    service.fill('ann', 'user:1');
    const answers = await Promise.all([
      answerOf('/invalidate/pattern', { body }), answerOf('/invalidate/pattern', { body }),
    ]);
    answers.push(await answerOf('/invalidate/pattern', { body }));
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(service.records).toHaveLength(1);
  });

  it('may not be another one under the same request_id', async () => {
    await answerOf('/invalidate/pattern', { body });
    const other = { pattern: 'post:*', request_id: 'again' };
    expect(await codeOf(await ask('/invalidate/pattern', { body: other })))
      .toEqual([409, 'REQUEST_ID_REUSED']);
  });

  it('is known on another node too, by the log', async () => {
    const log = new MemoryLog();
    const shared: Log = {
      append: (message, options) => log.append(message, options),
      follow: (options) => log.follow(options),
      close: async () => undefined,
    };
    const [one, two] = await Promise.all([
      openService({ log: shared }), openService({ log: shared }),
    ]);
    const asking = { body, token: purge };
    const first = await (await one.ask('/invalidate/pattern', asking)).json() as object;
    await until(() => two.records.length === 1, { what: 'the other node has heard' });
    const again = await (await two.ask('/invalidate/pattern', asking)).json() as object;
    expect(again).toEqual(first);
    expect(one.records).toHaveLength(1);
    await Promise.all([one.close(), two.close()]);
    await log.close();
  });
});

describe('while the log cannot be reached', () => {
  class AwayLog extends MemoryLog {
    isAway = false;

    override append(...args: Parameters<MemoryLog['append']>): ReturnType<MemoryLog['append']> {
      if (this.isAway) return Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'test' }));
      return super.append(...args);
    }
  }

  it('an order is refused with 503, kept, and answered once it is in the log', async () => {
    const log = new AwayLog();
    const away = await openService({ log });
    away.fill('ann', 'user:1');
    const asking = { token: purge, body: { keys: ['user:1'], request_id: 'kept' } };
    log.isAway = true;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const refused = await away.ask('/invalidate/key', asking);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await codeOf(refused)).toEqual([503, 'LOG_UNAVAILABLE']);
    }
    expect(away.holds('ann')).toBe(false);
    log.isAway = false;
    const answered = async () => (await away.ask('/invalidate/key', asking)).status === 200;
    await until(answered, { what: 'the order is in the log' });
    const ofOrder = away.records.filter(({ message }) =>
      message.metadata?.request_id === 'kept');
    expect(ofOrder).toHaveLength(1);
    await away.close();
  });
});
