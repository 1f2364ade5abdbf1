import { get, type IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/invalidation/clock.ts';
import { MessageMaker } from '../../../src/invalidation/message-maker.ts';
import type { InvalidationMessage } from '../../../src/invalidation/message.ts';
import { positionOf } from '../../../src/invalidation/position.ts';
import { purgesOf } from '../../../src/invalidation/purges-of.ts';
import { filterOf } from '../../../src/ops/admin/event-filter.ts';
import { PurgeEvents, type PurgeEventsOptions } from '../../../src/ops/admin/purge-events.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { until } from '../../support/until.ts';
import { openOperators } from '../cli/operators.ts';
import { codeOf, openService, TOKENS, type Service } from './service.ts';

interface Told {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Reads one chunk at a time: an event, or undefined for a heartbeat. */
function readerOf(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  return {
    async next(): Promise<Told | undefined | 'end'> {
      const { done, value } = await reader.read();
      if (done) return 'end';
      const [, name, data] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(decoder.decode(value)) ?? [];
      if (name === undefined || data === undefined) return undefined;
      return { name, data: JSON.parse(data) as Told['data'] };
    },
    cancel: () => reader.cancel(),
  };
}

const maker = new MessageMaker({
  sourceService: 'shop', clock: systemClock, newId: () => 'an-id',
});
let last = 0;
const recordOf = (message: InvalidationMessage) => {
  last += 1;
  return { position: positionOf(1_000, last), message };
};

function open(options: Partial<PurgeEventsOptions> = {}): PurgeEvents {
  last = 0;
  return new PurgeEvents({
    clock: systemClock, purgesOf: (message) => purgesOf(message), position: () => '9-9',
    gaps: () => 0, ...options,
  });
}

describe('purge events', () => {
  it('tell from where on, and then each record with who and why', async () => {
    const events = open();
    const reader = readerOf(events.watch(filterOf({})));
    expect(await reader.next()).toEqual({ name: 'begin', data: { position: '9-9' } });
    events.heard([
      recordOf(maker.batch(['user:1', 'user:2'], {
        actor: 'ann', reason: 'wrong', request_id: 'r', triggered_by: 'x', cascade: ['post'],
      })),
      recordOf(maker.pattern('feed:*')),
      recordOf(maker.created('Post', 'gid://shop/Post/1')),
      recordOf(maker.batch([], { caching: 'off', caching_type: 'post' })),
    ]);
    expect(await reader.next()).toEqual({
      name: 'purge',
      data: {
        position: '1000-1', action: 'Batch', keys: ['user:1', 'user:2'], keys_count: 2,
        pattern: null, cascade: ['post'], created: false, soft: false,
        entries: null, caching: null,
        caching_type: null, source: 'shop', actor: 'ann', reason: 'wrong', request_id: 'r',
        triggered_by: 'x', timestamp: expect.any(String),
        logged_at: '1970-01-01T00:00:01.000Z',
      },
    });
    expect(await reader.next()).toMatchObject({ data: { pattern: 'feed:*', keys_count: 0 } });
    expect(await reader.next()).toMatchObject({
      data: { keys: ['post:gid%3A//shop/Post/1'], created: true, reason: null },
    });
    expect(await reader.next()).toMatchObject({ data: { caching: 'off', caching_type: 'post' } });
    events.close();
    expect(await reader.next()).toBe('end');
  });

  it('tell how many entries a record has touched, counted once for all who watch', async () => {
    const counted: string[] = [];
    const events = open({
      touched: async ({ message }) => counted.push(message.action),
    });
    const readers = [0, 1].map(() => readerOf(events.watch(filterOf({}))));
    for (const reader of readers) await reader.next();
    events.heard([recordOf(maker.deleted('User', 1))]);
    for (const reader of readers) {
      expect(await reader.next()).toMatchObject({ data: { entries: 1 } });
    }
    expect(counted).toEqual(['Delete']);
    events.heard(Array.from({ length: 30 }, (_, at) => recordOf(maker.deleted('User', at))));
    expect(await readers[0]?.next()).toMatchObject({ data: { entries: null } });
    events.close();
  });

  it('leave out what the filter is not about', async () => {
    const events = open();
    const about = readerOf(events.watch(filterOf({ pattern: 'user:*' })));
    const from = readerOf(events.watch(filterOf({ source: 'blog' })));
    const doing = readerOf(events.watch(filterOf({ action: 'Pattern' })));
    for (const reader of [about, from, doing]) await reader.next();
    const blog = new MessageMaker({
      sourceService: 'blog', clock: systemClock, newId: () => 'another',
    });
    events.heard([
      recordOf(maker.deleted('Post', 1)), recordOf(maker.deleted('User', 1)),
      recordOf(blog.deleted('Post', 2)), recordOf(maker.pattern('post:*')),
      recordOf(maker.pattern('*')),
    ]);
    expect(await about.next()).toMatchObject({ data: { position: '1000-2' } });
    expect(await about.next()).toMatchObject({ data: { position: '1000-5' } });
    expect(await from.next()).toMatchObject({ data: { position: '1000-3' } });
    expect(await doing.next()).toMatchObject({ data: { position: '1000-4' } });
    events.close();
  });

  it('find what is asked about among all keys of a batch, and what it takes along', async () => {
    const events = open();
    const readers = ['user:250', 'post', 'user:999', '/^user:24[0-9]$/', 'user']
      .map((pattern) => readerOf(events.watch(filterOf({ pattern }))));
    for (const reader of readers) await reader.next();
    const keys = Array.from({ length: 251 }, (_, at) => `user:${at}`);
    events.heard([
      recordOf(maker.batch(keys, { cascade: ['post'] })),
      recordOf(maker.batch([...keys, 'user:999'], { created: true })),
    ]);
    const first = await Promise.all(readers.map((reader) => reader.next()));
    expect(first.map((told) => (told as Told).data['position']))
      .toEqual(['1000-1', '1000-1', '1000-2', '1000-1', '1000-2']);
    events.close();
  });

  it('tell a slow reader in its place how many it was not told of', async () => {
    const events = open({ waitingMax: 2 });
    const reader = readerOf(events.watch(filterOf({})));
    await reader.next();
    const five = Array.from({ length: 5 }, (_, at) => recordOf(maker.deleted('User', at)));
    events.heard(five);
    expect(await reader.next()).toMatchObject({ data: { keys: ['user:0'] } });
    expect(await reader.next()).toMatchObject({ data: { keys: ['user:1'] } });
    events.heard([recordOf(maker.deleted('User', 9))]);
    expect(await reader.next())
      .toEqual({ name: 'missed', data: { count: 3, from: '1000-3', to: '1000-5' } });
    expect(await reader.next()).toMatchObject({ data: { keys: ['user:9'] } });
    events.close();
  });

  it('bound the keys that wait as well', async () => {
    const events = open({ waitingKeysMax: 10 });
    const reader = readerOf(events.watch(filterOf({})));
    await reader.next();
    const keys = Array.from({ length: 20 }, (_, at) => `user:${at}`);
    events.heard([recordOf(maker.batch(keys)), recordOf(maker.batch(keys))]);
    expect(await reader.next()).toMatchObject({ data: { keys_count: 20 } });
    expect(await reader.next()).toMatchObject({ name: 'missed', data: { count: 1 } });
    events.close();
  });

  it('let be heard that they live, and tell of a gap in the log', async () => {
    const clock = new ManualClock();
    let gaps = 0;
    const events = open({ clock, gaps: () => gaps, heartbeatMs: 100 });
    const reader = readerOf(events.watch(filterOf({})));
    await reader.next();
    const alive = reader.next();
    await until(() => clock.pending > 0, { what: 'the heartbeat waits for its time' });
    clock.advance(100);
    expect(await alive).toBeUndefined();
    gaps = 1;
    const missed = reader.next();
    await until(() => clock.pending > 0, { what: 'the heartbeat waits for its time' });
    clock.advance(100);
    expect(await missed).toEqual({ name: 'missed', data: { count: null, from: null, to: '9-9' } });
    events.close();
  });

  it('let a watcher hear that they live while its filter leaves everything out', async () => {
    const clock = new ManualClock();
    const events = open({ clock, heartbeatMs: 100 });
    const reader = readerOf(events.watch(filterOf({ pattern: 'user:*' })));
    await reader.next();
    const alive = reader.next().then((told) => ({ told, at: clock.now() }));
    for (let at = 0; at < 15; at += 1) {
      events.heard([recordOf(maker.deleted('Post', at))]);
      await clock.advanceAsync(10);
    }
    expect(await Promise.race([alive, setImmediate('nothing')]))
      .toEqual({ told: undefined, at: 100 });
    events.close();
  });

  it('tell of a gap in the log in its place, to one that is told much', async () => {
    let gaps = 0;
    const events = open({ gaps: () => gaps, waitingMax: 3 });
    const reader = readerOf(events.watch(filterOf({})));
    await reader.next();
    events.heard([recordOf(maker.deleted('User', 1))]);
    gaps = 1;
    events.heard([recordOf(maker.deleted('User', 2))]);
    expect(await reader.next()).toMatchObject({ data: { keys: ['user:1'] } });
    expect(await reader.next())
      .toEqual({ name: 'missed', data: { count: null, from: null, to: '1000-2' } });
    expect(await reader.next()).toMatchObject({ data: { keys: ['user:2'] } });
    events.heard([3, 4, 5, 6].map((id) => recordOf(maker.deleted('User', id))));
    gaps = 2;
    events.heard([recordOf(maker.deleted('User', 7))]);
    for (const id of [3, 4, 5]) {
      expect(await reader.next()).toMatchObject({ data: { keys: [`user:${id}`] } });
    }
    expect(await reader.next())
      .toEqual({ name: 'missed', data: { count: null, from: '1000-6', to: '1000-7' } });
    events.close();
  });

  it('are for so many at once, and for others when one has gone', async () => {
    const events = open({ watchersMax: 1 });
    const reader = readerOf(events.watch(filterOf({})));
    expect(() => events.watch(filterOf({}))).toThrow('At most 1 watchers');
    await reader.next();
    const waiting = reader.next();
    await reader.cancel();
    await waiting;
    events.heard([recordOf(maker.deleted('User', 1))]);
    expect(await readerOf(events.watch(filterOf({}))).next()).toMatchObject({ name: 'begin' });
    events.close();
    expect(() => events.watch(filterOf({}))).toThrow('shutting down');
  });
});

describe('GET /admin/events', () => {
  let service: Service;
  beforeEach(async () => {
    service = await openService();
  });
  afterEach(() => service.close());

  it('tells whoever may look of what is invalidated by another', async () => {
    const response = await service.ask('/admin/events?pattern=user:*', { token: TOKENS.read });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const reader = readerOf(response.body!);
    expect(await reader.next()).toMatchObject({ name: 'begin' });
    service.fill('ann', 'user:1');
    service.fill('ben', 'user:2');
    for (const keys of [['post:1'], ['user:1']]) {
      await service.ask('/invalidate/key', { token: TOKENS.purge, body: { keys, reason: 'why' } });
    }
    let told = await reader.next();
    while (told === undefined) told = await reader.next();
    expect(told).toMatchObject({
      name: 'purge', data: { keys: ['user:1'], entries: 1, actor: 'the-purge', reason: 'why' },
    });
    await reader.cancel();
  });

  it('tells of each record or that it was missed, to one that does not read', async () => {
    const operators = await openOperators();
    const response = await new Promise<IncomingMessage>((resolve) => {
      get(`${operators.url}/admin/events`, {
        headers: { authorization: `Bearer ${TOKENS.read}` },
      }, resolve);
    });
    response.pause();
    const reason = 'x'.repeat(1_000);
    const count = 20_000;
    for (let at = 0; at < count; at += 100) {
      operators.events.heard(Array.from({ length: 100 }, (_, one) =>
        recordOf(maker.deleted('User', at + one, { reason }))));
      await setImmediate();
    }
    let [text, told, missed] = ['', 0, 0];
    response.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.includes('\n\n') ? text.lastIndexOf('\n\n') + 2 : 0;
      const events = text.slice(0, end).matchAll(/event: (\w+)\ndata: (.*)\n/g);
      for (const [, name, data = ''] of events) {
        if (name === 'purge') told += 1;
        if (name === 'missed') missed += (JSON.parse(data) as { count: number }).count;
      }
      text = text.slice(end);
    }).resume();
    await until(() => told + missed === count, {
      what: 'all are told or missed',
    });
    expect(missed).toBeGreaterThan(0);
    response.destroy();
    await operators.close();
  });

  it.each([
    ['?pattern=/(/', 400, 'PATTERN_INVALID'],
    ['?action=delete', 400, 'REQUEST_INVALID'],
    ['?sauce=a', 400, 'REQUEST_INVALID'],
    ['?source=%0A', 400, 'REQUEST_INVALID'],
  ])('refuses %s', async (query, status, code) => {
    const response = await service.ask(`/admin/events${query}`, { token: TOKENS.read });
    expect(await codeOf(response)).toEqual([status, code]);
  });

  it('is in the OpenAPI document, as what it is', async () => {
    const response = await service.ask('/openapi.json', { token: TOKENS.read });
    const { paths } = await response.json() as { paths: Record<string, unknown> };
    expect(JSON.stringify(paths['/admin/events'])).toContain('text/event-stream');
    expect((await service.ask('/admin/events')).status).toBe(401);
  });
});
