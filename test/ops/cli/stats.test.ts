import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKENS } from '../admin/service.ts';
import { openOperators, run, type Operators } from './operators.ts';

describe('freshet stats', () => {
  let operators: Operators;
  beforeAll(async () => {
    operators = await openOperators();
    operators.fill('ann', 'user:1');
  });
  afterAll(() => operators.close());

  const stats = (...args: string[]) =>
    run(['stats', ...args, '--url', operators.url, '--token', TOKENS.read]);

  it('shows how the node and its cache are doing', async () => {
    const { code, out, err } = await stats();
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^node +version 1, up 2 s, 1 process, /m);
    expect(out).toMatch(/^caching +on$/m);
    expect(out).toMatch(/^log +heard, read to [\d-]+$/m);
    expect(out).toMatch(/^entries +1, [\d.]+ MiB, 0 evicted$/m);
  });

  it('prints all of it as JSON', async () => {
    expect(JSON.parse((await stats('--json')).out)).toMatchObject({
      cache: { caching: 'on', entries: 1, hears_log: true },
      invalidations: { total_invalidations: 0 },
      node: { version: '1', gateway: { hears: true } },
    });
  });
});
