import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/gateway/config/config.ts';
import { systemClock, systemRandom } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { AuditPage } from '../../../src/ops/audit/audit-search.ts';
import { createAudit, type Audit } from '../../../src/ops/audit/audit.ts';
import { until } from '../../support/until.ts';
import { TOKENS } from '../admin/service.ts';
import { openOperators, run, type Operators } from './operators.ts';

describe('freshet audit', () => {
  let operators: Operators;
  let audit: Audit;

  const ask = (command: string, ...args: string[]) =>
    run([command, ...args, '--url', operators.url, '--token', TOKENS.admin]);
  const search = async (...args: string[]): Promise<AuditPage> =>
    JSON.parse((await ask('audit', '--json', ...args)).out) as AuditPage;

  beforeAll(async () => {
    const log = new MemoryLog({ heartbeatMs: 10 });
    audit = createAudit(resolveConfig({ supergraph: 'unused', audit: { enabled: true } }), {
      log, clock: systemClock, random: systemRandom, warn: () => undefined,
      note: () => undefined,
    });
    operators = await openOperators({ log, admin: { audit } });
    audit.start();
    await ask('purge', 'product:9', '--by', 'ticket 7', '--reason', 'wrong price');
    await ask('purge', 'user:*');
    await until(async () => (await search()).total_count === 2, {
      what: 'both are in the audit',
    });
  });
  afterAll(async () => {
    await audit.close();
    await operators.close();
  });

  it('shows who invalidated what, when and why, the newest first', async () => {
    const { code, out, err } = await ask('audit');
    expect([code, err]).toEqual([0, '']);
    const line = '\\S+Z {2}\\d+-\\d+ {2}';
    expect(out).toMatch(new RegExp(
      `^${line}Pattern user:\\* {2}by the-admin from freshet\n` +
      `${line}Batch product:9 {2}by the-admin for ticket 7 from freshet: wrong price\n2 records\n$`,
    ));
    expect((await ask('audit', '--limit', '1')).out).toMatch(/\n1 record of 2\n$/);
  });

  it('finds by pattern, by whom and by time', async () => {
    expect((await search('--pattern', 'product:*')).logs).toMatchObject([{ keys: ['product:9'] }]);
    expect((await search('--by', 'ticket 7', '--since', '1h')).total_count).toBe(1);
    expect((await search('--since', '2030-01-01T00:00:00Z')).total_count).toBe(0);
    expect((await search('--until', '2h')).total_count).toBe(0);
    expect((await search('--offset', '1')).logs).toHaveLength(1);
  });

  it.each([
    [['--since', 'yesterday'], '--since: a time such as'],
    [['--until', '2h30m'], '--until: a time such as'],
    [['--limit', '1001'], '--limit: a whole number from 1 to 1000'],
    [['--offset', '-1'], '--offset: '],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await ask('audit', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it('says that there is no audit, and exits 1', async () => {
    const without = await openOperators();
    const args = ['audit', '--url', without.url, '--token', TOKENS.read];
    expect(await run(args)).toMatchObject({
      code: 1, err: expect.stringContaining('An audit was required, got none'),
    });
    await without.close();
  });
});
