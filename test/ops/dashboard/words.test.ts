/** What the page makes of what it is told and given, without a browser. */
import { describe, expect, it } from 'vitest';
import type { PurgeEvent } from '../../../src/ops/admin/purge-event.ts';
import { linkTo, parseRoute } from '../../../src/ops/dashboard/address.ts';
import { EventReader } from '../../../src/ops/dashboard/event-stream.ts';
import { bodyOf, draftOf, faultOf, parametersOf } from
  '../../../src/ops/dashboard/explain/question.ts';
import { announcementOf } from '../../../src/ops/dashboard/purge-words.ts';

describe('an address', () => {
  it('names a view and what it shows', () => {
    const link = linkTo('explain', { query: '{ user(id: "1?&#") { name } }', variables: '' });
    expect(link).toMatch(/^#\/explain\?query=[^&]*$/);
    expect(parseRoute(link))
      .toEqual({ view: 'explain', parameters: { query: '{ user(id: "1?&#") { name } }' } });
  });

  it('is the overview where it names nothing that is known', () => {
    expect(['', '#', '#/', '#/elsewhere'].map((hash) => parseRoute(hash).view))
      .toEqual(['overview', 'overview', 'overview', 'overview']);
  });
});

describe('the reader of events', () => {
  it('gives whole events however they are cut, and no comments', () => {
    const reader = new EventReader();
    const text = ': heartbeat\n\nevent: purge\ndata: {"a":1}\n\nevent: missed\ndata: {"b":2}\n\n';
    const events = text.split('').flatMap((character) => reader.read(character));
    expect(events).toEqual([{ name: 'purge', data: { a: 1 } }, { name: 'missed', data: { b: 2 } }]);
  });

  it('takes no event without an end', () => {
    expect(() => new EventReader().read('x'.repeat(2 ** 20 + 1))).toThrow(/at most/);
  });
});

describe('a question', () => {
  const draft = draftOf({ query: '{ me { name } }', variables: '{"id":"1"}', operationName: 'Q' });

  it('is sent as its caller would send it', () => {
    const headers = 'Authorization: Bearer a:b\n\nx-country: is\n';
    expect(bodyOf({ ...draft, headers })).toEqual({
      query: '{ me { name } }', variables: { id: '1' }, operation_name: 'Q',
      headers: { authorization: 'Bearer a:b', 'x-country': 'is' },
    });
    expect(bodyOf(draftOf({ key: ' user:1 ' }))).toEqual({ key: 'user:1' });
  });

  it('stands in the address without its headers, which may hold credentials', () => {
    expect(parametersOf({ ...draft, headers: 'authorization: secret' }))
      .toEqual({ query: '{ me { name } }', variables: '{"id":"1"}', operationName: 'Q' });
  });

  it('is not asked before it is whole', () => {
    expect(faultOf(draft)).toBeUndefined();
    const faults = [
      { query: ' ' }, { variables: '{' }, { variables: '[1]' }, { headers: 'no colon' },
      { kind: 'key' as const },
    ].map((part) => faultOf({ ...draft, ...part }));
    expect(faults).toEqual([
      expect.stringMatching('query'), expect.stringMatching('Variables'),
      expect.stringMatching('Variables'), expect.stringMatching('Headers'),
      expect.stringMatching('key'),
    ]);
  });
});

describe('an announcement', () => {
  const event = {
    keys: ['user:1'], keys_count: 1, pattern: null, caching: null, caching_type: null,
    actor: null, triggered_by: null, source: 'users-service',
  } as unknown as PurgeEvent;

  it('is one sentence for many purges', () => {
    expect(announcementOf([])).toBe('');
    expect(announcementOf([event])).toBe('1 purge: user:1 by users-service');
    const many = [
      { ...event, pattern: 'user:*', keys: [], actor: 'ann', triggered_by: 'deploy' },
      { ...event, keys_count: 12 },
      { ...event, keys: ['user:1', 'user'], keys_count: 2 },
      { ...event, caching: 'off' as const },
      event,
    ];
    expect(announcementOf(many)).toBe('5 purges: user:* by ann, for deploy; ' +
      '12 keys by users-service; user:1 and user by users-service and 2 more');
  });
});
