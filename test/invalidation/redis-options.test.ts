import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/invalidation/clock.ts';
import { FreshetError } from '../../src/invalidation/errors.ts';
import { RedisLog } from '../../src/invalidation/log-redis.ts';
import { readRedisOptions, type RedisOptions } from '../../src/invalidation/redis-options.ts';
import { backoffMs, reasonOf } from '../../src/invalidation/redis.ts';
import { TimedOut, within } from '../../src/invalidation/within.ts';
import { ManualClock } from '../support/manual-clock.ts';

describe('Redis options', () => {
  it.each<[RedisOptions, object]>([
    ['redis://localhost', { kind: 'single', nodes: [{ host: 'localhost', port: 6379 }], db: 0 }],
    ['redis://h:1/2', { kind: 'single', nodes: [{ host: 'h', port: 1 }], db: 2, tls: undefined }],
    ['rediss://u:p%40%2Cq@h:1', { username: 'u', password: 'p@,q', tls: {} }],
    ['redis://:secret@h', { username: undefined, password: 'secret' }],
    ['redis://[::1]:7000', { nodes: [{ host: '::1', port: 7000 }] }],
    ['redis://a:1,redis://b:2, c:3', {
      kind: 'cluster',
      nodes: [{ host: 'a', port: 1 }, { host: 'b', port: 2 }, { host: 'c', port: 3 }],
    }],
    ['rediss://:x@a:1,b:2', { kind: 'cluster', password: 'x', tls: {} }],
    [{ url: 'redis://a', cluster: true }, { kind: 'cluster' }],
    [{ url: 'redis://a', password: 'q', tls: { ca: 'x' } }, { password: 'q', tls: { ca: 'x' } }],
    [{ sentinels: [{ host: 's' }, { host: 't', port: 1 }], name: 'm', sentinelPassword: 'x' }, {
      kind: 'sentinel', sentinelName: 'm', sentinelPassword: 'x',
      sentinels: [{ host: 's', port: 26_379 }, { host: 't', port: 1 }],
    }],
  ])('%j are read', (options, plan) => {
    expect(readRedisOptions(options)).toMatchObject(plan);
  });

  it.each<[unknown, RegExp]>([
    ['', /url: redis:\/\/host:port was required, got nothing/],
    ['http://h', /a URL that begins with http:/],
    ['redis://h:99999', /text that is no URL/],
    ['redis://h/zero', /a database number/],
    ['redis://h?family=6', /without \? and #/],
    ['redis://a:1,rediss://b:2', /TLS for all nodes or for none/],
    ['redis://a:1/1,b:2', /0, the only one of a Cluster was required, got 1/],
    ['redis://:100%@h', /percent-encoding/],
    [{}, /one of the two was required, got neither/],
    [{ url: 'redis://h', sentinels: [{ host: 's' }] }, /got both/],
    [{ url: 'redis://h', hots: 'x' }, /hots: one of url, /],
    [{ sentinels: [], name: 'm' }, /sentinels: a list of 1 to 100 addresses/],
    [{ sentinels: [{ host: 's' }] }, /name: the name of the master/],
    [{ sentinels: [{ host: 's', port: 0 }], name: 'm' }, /sentinels\[0\].port/],
    [{ url: 'redis://h', db: -1 }, /db: a whole number/],
    [{ url: 'redis://h', tls: 'yes' }, /tls: a boolean or an object was required, got string/],
    [{ url: 'redis://h', password: 7 }, /password: a string was required, got number/],
    [{ url: 'redis://a,b', cluster: false }, /cluster: true for a list/],
    [7, /options: a URL or an object was required, got number/],
    [null, /options: a URL or an object/],
  ])('%j are refused with the place and what was required', (options, message) => {
    const read = (): unknown => readRedisOptions(options as RedisOptions);
    expect(read).toThrow(FreshetError);
    expect(read).toThrow(message);
    expect(read).toThrow(/^Redis, /);
  });

  it.each([
    'redis://user:TOPSECRET@', 'ftp://user:TOPSECRET@h', 'redis://user:TOPSECRET@h:port',
    'redis://user:TOPSECRET@h/x', 'user:TOPSECRET@h?x', 'redis://user:TOPSECRET%@h',
  ])('never show a credential: %s', (url) => {
    expect(() => readRedisOptions(url)).toThrow(FreshetError);
    try {
      readRedisOptions(url);
    } catch (error) {
      expect(String(error)).not.toContain('TOPSECRET');
      expect((error as Error).stack).not.toContain('TOPSECRET');
    }
  });

  it('are checked when a log is made, with its limits', () => {
    expect(() => new RedisLog({ redis: 'nothing://' })).toThrow(/REDIS|Redis/);
    expect(() => new RedisLog({ redis: 'redis://h', heartbeatMs: 0 })).toThrow(/heartbeatMs/);
    expect(() => new RedisLog({ redis: 'redis://h', recordsMax: 1.5 })).toThrow(/recordsMax/);
    expect(() => new RedisLog({ redis: 'redis://h', stream: '' })).toThrow(/stream/);
  });
});

describe('retries', () => {
  it('come after 25 to 50 ms at first, and after a second at most', () => {
    const delays = (chance: number) => [0, 1, 2, 10, 10_000].map((n) => backoffMs(n, () => chance));
    expect(delays(0)).toEqual([25, 50, 100, 500, 500]);
    expect(delays(0.999_999)).toEqual([50, 100, 200, 1_000, 1_000]);
  });

  it('have reasons that are safe to show', () => {
    expect(reasonOf(new Error('a word'))).toBe('a word');
    expect(reasonOf(Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })))
      .toBe('ECONNREFUSED');
    expect(reasonOf('text')).toBe('an unknown failure');
  });
});

describe('within', () => {
  it('settles as the promise does, and leaves no timer', async () => {
    const clock = new ManualClock();
    expect(await within(Promise.resolve(7), { timeoutMs: 10, clock })).toBe(7);
    const failure = new Error('a test');
    await expect(within(Promise.reject(failure), { timeoutMs: 10, clock })).rejects.toBe(failure);
    expect(clock.pending).toBe(0);
  });

  it('ends with what has come when the time is over, and lay there unread', async () => {
    const clock = new ManualClock();
    const { promise, resolve } = Promise.withResolvers<number>();
    const result = within(promise, { timeoutMs: 10, clock });
    // Timers come before sockets.
    clock.after(10, () => resolve(7));
    await clock.advanceAsync(10);
    expect(await result).toBe(7);
    expect(clock.pending).toBe(0);
  });

  it('gives up at the bound', async () => {
    const clock = new ManualClock();
    const result = within(new Promise(() => undefined), { timeoutMs: 10, clock });
    const refused = expect(result).rejects.toThrow(TimedOut);
    await clock.advanceAsync(10);
    await refused;
    expect(clock.pending).toBe(0);
  });

  it('reads the answer that lay there while the process stood still', async () => {
    const clock = new ManualClock();
    let stoppedMs = 0;
    const stoppable: Clock = {
      now: () => clock.now() + stoppedMs,
      wall: () => clock.wall(),
      after: (delayMs, task) => clock.after(delayMs, task),
    };
    const { promise, resolve } = Promise.withResolvers<number>();
    const result = within(promise, { timeoutMs: 10, clock: stoppable });
    // Timers are run before what came meanwhile is read.
    stoppedMs = 5_000;
    clock.advance(10);
    resolve(7);
    expect(await result).toBe(7);
    expect(clock.pending).toBe(0);
  });
});
