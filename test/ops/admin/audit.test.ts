import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { createAudit, type Audit } from '../../../src/ops/audit/audit.ts';
import type { AuditPage } from '../../../src/ops/audit/audit-search.ts';
import { until } from '../../support/until.ts';
import { codeOf, openService, TOKENS, type Service } from './service.ts';
import { resolveConfig } from '../../../src/gateway/config/config.ts';

const { read, purge } = TOKENS;

/** What a database could stumble over, and has to find nothing or something by. */
const HOSTILE = [
  "pattern=';--", 'pattern=%25_%5C', 'pattern=%5C', 'triggered_by=%5C', 'pattern=%F0%9F%A6%86',
  'pattern=%ED%A0%80', `pattern=${'*a'.repeat(500)}`, `pattern=${'*'.repeat(1_024)}`,
  'since=0000-01-01T00:00:00Z', 'until=0000-01-01T00:00:00Z', 'offset=999999',
  'until=9999-12-31T23:59:59.999999999-14:00', 'since=9999-12-31T23:59:59Z',
  'since=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z', 'limit=1000&offset=0',
];

describe('the audit over HTTP', () => {
  let log: MemoryLog;
  let audit: Audit;
  let service: Service;

  beforeEach(async () => {
    log = new MemoryLog({ heartbeatMs: 10 });
    audit = createAudit(resolveConfig({ supergraph: 'unused', audit: { enabled: true } }), {
      log, clock: systemClock, random: systemRandom, warn: () => undefined,
      note: () => undefined,
    });
    service = await openService({ log, admin: { audit } });
  });
  afterEach(async () => {
    await audit.close();
    await service.close();
  });

  const search = (query: string): Promise<Response> =>
    service.ask(`/audit/logs${query}`, { token: read });

  it('says who invalidated what and why, and counts what was written', async () => {
    audit.start();
    for (const key of ['user:1', 'post:2']) {
      await service.ask('/invalidate/key', {
        token: purge, body: { keys: [key], reason: 'wrong name', triggered_by: `of ${key}` },
      });
    }
    const { logs, ...rest } = await until(async () => {
      const page = await (await search('')).json() as Partial<AuditPage>;
      return page.total_count === 2 && page as AuditPage;
    }, { what: 'both are in the audit' });
    expect(rest).toEqual({ total_count: 2, has_more: false, gaps: [] });
    expect(logs.map(({ keys, actor, reason, triggered_by: by }) => ({ keys, actor, reason, by })))
      .toEqual(['post:2', 'user:1'].map((key) => ({
        keys: [key], actor: 'the-purge', reason: 'wrong name', by: `of ${key}`,
      })));
    const since = encodeURIComponent(new Date(Date.now() - 60_000).toISOString());
    const found = await search(`?pattern=us*&triggered_by=of%20user:1&limit=1&since=${since}`);
    expect(await found.json()).toMatchObject({ logs: [{ keys: ['user:1'] }], total_count: 1 });
    expect(await (await search(`?until=${since}`)).json())
      .toMatchObject({ logs: [], total_count: 0 });
    for (const hostile of HOSTILE) {
      expect([hostile, (await search(`?${hostile}`)).status]).toEqual([hostile, 200]);
    }
    const metrics = await service.ask('/invalidate/metrics', { token: read });
    expect(await metrics.json()).toMatchObject({ audit_writes: 2 });
  });

  it.each([
    '?limit=0', '?limit=1001', '?offset=-1', '?since=yesterday', '?until=2026-03-01', '?pattern=',
    '?limit=1&limit=2', '?dry_run=true', '?patern=a', '?pattern=a%00b', '?triggered_by=%0A',
  ])('refuses %s', async (query) => {
    expect(await codeOf(await search(query))).toEqual([400, 'REQUEST_INVALID']);
  });

  it('is for whoever bears a token, and is refused while there is nothing to search', async () => {
    expect((await service.ask('/audit/logs')).status).toBe(401);
    const refused = await search('');
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await codeOf(refused)).toEqual([503, 'AUDIT_UNAVAILABLE']);
  });
});

describe('a node without an audit', () => {
  it('says so', async () => {
    const service = await openService();
    try {
      const refused = await service.ask('/audit/logs', { token: read });
      expect(await codeOf(refused)).toEqual([404, 'AUDIT_OFF']);
    } finally {
      await service.close();
    }
  });
});
