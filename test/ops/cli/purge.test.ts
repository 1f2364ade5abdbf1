import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fault } from '../../../src/invalidation/errors.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import { RedisLog } from '../../../src/invalidation/log-redis.ts';
import { createSubscriber } from '../../../src/invalidation/subscriber.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { freePort } from '../../support/process.ts';
import { startRedis, type RedisServer } from '../../support/redis.ts';
import { until } from '../../support/until.ts';
import { TOKENS } from '../admin/service.ts';
import { openOperators, run, type Operators, type Ran } from './operators.ts';

describe('freshet purge', () => {
  let operators: Operators;
  beforeEach(async () => {
    operators = await openOperators();
    operators.fill('ann', 'user:1', 'post');
    operators.fill('feed', 'feed:7:home');
  });
  afterEach(() => operators.close());

  const purge = (args: readonly string[], token: string = TOKENS.purge): Promise<Ran> =>
    run(['purge', ...args, '--url', operators.url, '--token', token]);

  it('says what it would touch and changes nothing, for whoever may look', async () => {
    const { code, out, err } = await purge(['user:1', 'feed:7:*', '--dry-run'], TOKENS.read);
    expect(out).toBe('would purge user:1: 1 entry on this node, user:1\n' +
      'would purge feed:7:*: 1 entry on this node, feed:7:home\n');
    expect([code, err]).toEqual([0, '']);
    expect(operators.records).toEqual([]);
    expect(operators.holds('ann')).toBe(true);
  });

  it('sends keys together and each pattern by itself, with who and why', async () => {
    const args = ['user:1', 'feed:7:*', 'user:2', 'user:1', '--reason', 'wrong', '--by', 'ticket'];
    const { code, out } = await purge(args);
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp('^purged user:1 user:2 at [\\d-]+, request_id \\S+\\.1\n' +
      'purged feed:7:\\* \\(on this node feed:7:home\\) at [\\d-]+, request_id \\S+\\.2\n$'));
    const metadata = { actor: 'the-purge', reason: 'wrong', triggered_by: 'ticket' };
    expect(operators.records.map(({ message }) => message)).toMatchObject([
      { entity_ids: ['user:1', 'user:2'], metadata },
      { pattern: 'feed:7:*', metadata },
    ]);
  });

  it('purges once under one request_id, however often it is run', async () => {
    const args = ['user:1', '*:home', '--request-id', 'again', '--json'];
    const first = JSON.parse((await purge(args)).out) as { request_id: string; position: string }[];
    expect(first.map(({ request_id: id }) => id)).toEqual(['again.1', 'again.2']);
    const second = JSON.parse((await purge(args)).out) as unknown;
    expect(second).toMatchObject(first.map(({ position }) => ({ success: true, position })));
    expect(operators.records).toHaveLength(2);
    const other = await purge(['user:3', '*:home', '--request-id', 'again']);
    expect([other.code, other.err.includes('A new request_id was required')]).toEqual([2, true]);
  });

  it('purges everything only for an admin who says so', async () => {
    for (const pattern of ['*', '**', '*:*', '/./']) {
      for (const where of [[], ['--redis', 'redis://127.0.0.1:1']]) {
        const { code, err } = await purge(['user:1', pattern, ...where], TOKENS.admin);
        const told = `'${pattern}' ends all that is cached on all nodes: --yes was required`;
        expect([code, err]).toEqual([2, expect.stringContaining(told)]);
      }
    }
    const dry = await purge(['*', '--dry-run'], TOKENS.read);
    expect(dry.out).toContain('would purge *: 2 entries');
    expect((await purge(['**', '--yes'], TOKENS.purge)).code).toBe(4);
    expect(operators.records).toEqual([]);
    expect((await purge(['*', '--yes'], TOKENS.admin)).code).toBe(0);
    expect(operators.records).toHaveLength(1);
  });

  it.each([
    [[], 'purge: PATTERN was required, got none'],
    [['user:1', '/(/'], '/(/: Pattern:'],
    [['user:1', 'a*'.repeat(20)], 'at most 16 stars'],
    [['user:1', '--request-id', 'a b'], '--request-id: at most 100 visible ASCII characters'],
    [['user:1', '--redis', 'redis://localhost'], '--redis: no node is asked, got --url'],
    [['user:1', '--stream', 'a'], '--stream: --redis was required with it'],
    [['user:1', '--dryrun'], 'unknown flag --dryrun: did you mean --dry-run?'],
    [['user:1', '--reason', 'a\nb'], 'Body, reason: what /openapi.json says'],
    [Array.from({ length: 1_001 }, (_, at) => `user:${at}`), 'at most 1000 keys'],
  ])('refuses %j before anything is purged', async (args, message) => {
    const { code, out, err } = await purge(args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(operators.records).toEqual([]);
  });
});

describe('freshet purge, while the log cannot be reached', () => {
  class AwayLog extends MemoryLog {
    isAway = true;

    override append(...args: Parameters<MemoryLog['append']>): ReturnType<MemoryLog['append']> {
      if (this.isAway) return Promise.reject(fault('LOG_UNAVAILABLE', { reason: 'test' }));
      return super.append(...args);
    }
  }

  it('exits 5 and says how to go on, which then purges once', async () => {
    const log = new AwayLog();
    const operators = await openOperators({ log });
    const flags = ['--url', operators.url, '--token', TOKENS.purge];
    const { code, out, err } = await run(['purge', 'user:1', 'feed:*', ...flags]);
    expect([code, out]).toEqual([5, '']);
    const [, id = ''] = /the same command with --request-id (\S+)\.\n$/.exec(err) ?? [];
    log.isAway = false;
    const again = ['purge', 'user:1', 'feed:*', '--request-id', id, ...flags];
    await until(async () => (await run(again)).code === 0, { what: 'it is in the log' });
    expect(operators.records.map(({ message }) => message.metadata?.request_id))
      .toEqual([`${id}.1`, `${id}.2`]);
    await operators.close();
  });
});

describe('freshet purge --redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.stop());

  it('appends to the log where no node runs', async () => {
    const heard: InvalidationMessage[] = [];
    const subscriber = createSubscriber({
      redis: redis.url, onMessage: (message) => void heard.push(message),
    });
    await subscriber.ready();
    const args = ['purge', 'user:1', 'feed:*', '--redis', redis.url, '--request-id', 'r'];
    const dry = await run([...args, '--dry-run']);
    expect(dry).toEqual({ code: 0, out: 'would purge user:1\nwould purge feed:*\n', err: '' });
    const { code, out, err } = await run([...args, '--reason', 'why'], {
      environment: { USER: 'ann' },
    });
    expect(out).toMatch(/^purged user:1 at \d+-\d+, request_id r\.1\npurged feed:\* at \d+-/);
    expect([code, err]).toEqual([0, '']);
    await until(() => heard.length === 2, { what: 'both are heard' });
    expect(heard).toMatchObject([
      { entity_ids: ['user:1'], metadata: { actor: 'cli:ann', reason: 'why', request_id: 'r.1' } },
      {
        pattern: 'feed:*',
        metadata: { request_id: 'r.2', request_fingerprint: expect.any(String) },
      },
    ]);
    await subscriber.close();
  });

  it('purges once under one request_id, however often and whoever is asked', async () => {
    const log = new RedisLog({ redis: redis.url, channel: 'again' });
    const operators = await openOperators({ log });
    const asked = ['purge', 'user:1', 'feed:*', '--request-id', 'again', '--json'];
    const alone = [...asked, '--redis', redis.url, '--channel', 'again'];
    const answers = [
      await run(alone), await run([...alone, '--reason', 'another']),
      await run([...asked, '--url', operators.url, '--token', TOKENS.purge]),
    ].map(({ out }) => (JSON.parse(out) as { position: string }[]).map((one) => one.position));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    const client = new Redis(redis.url);
    const entries = await client.xrange('again:log', '-', '+');
    expect(entries.filter(([, fields]) => fields.join().includes('"request_id"'))).toHaveLength(2);
    client.disconnect();
    await operators.close();
  });

  it('writes to the log that is named', async () => {
    const streams = ['--channel', 'other', '--stream', 'other:stream'];
    expect((await run(['purge', 'user:1', '--redis', redis.url, ...streams])).code).toBe(0);
    const client = new Redis(redis.url);
    expect(await client.xlen('other:stream')).toBe(1);
    client.disconnect();
  });

  it('says that Redis is not there, and exits 5', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { code, out, err } = await run(['purge', 'user:1', '--redis', url]);
    expect([code, out]).toEqual([5, '']);
    expect(err).toMatch(/Redis did not take it in time.* the same command with --request-id \S+\./);
  });

  it('refuses a URL that is none, without showing it', async () => {
    const { code, err } = await run(['purge', 'user:1', '--redis', 'http://:secret@localhost']);
    expect(code).toBe(2);
    expect(err).toContain('--redis: Redis, url');
    expect(err).not.toContain('secret');
  });
});
