import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../../../src/invalidation/errors.ts';
import { MessageMaker } from '../../../../src/invalidation/message-maker.ts';
import {
  BrokerMessages, type BrokerMapping,
} from '../../../../src/ops/sources/broker/broker-messages.ts';
import { WordPattern } from '../../../../src/ops/sources/broker/word-pattern.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const maker = new MessageMaker({
  sourceService: 'shop', clock: new ManualClock(), newId: () => 'id',
});
const read = (mapping: Partial<BrokerMapping>, payload: unknown, subject = 'a.b') =>
  new BrokerMessages({
    maker, mappings: [{ pattern: '#', type: 'User', id: ['/id'], lists: false, ...mapping }],
  }).read(subject, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)));
const keysOf = (...args: Parameters<typeof read>) =>
  read(...args).flatMap(({ entity_ids: keys, pattern }) => keys ?? [String(pattern)]);
const refusalOf = (...args: Parameters<typeof read>): string => {
  try {
    read(...args);
  } catch (error) {
    if (error instanceof FreshetError) return error.message;
  }
  return 'none';
};

describe('a mapping of messages', () => {
  it.each<[string, Partial<BrokerMapping>, unknown, string[]]>([
    ['an id', {}, { id: 'a b' }, ['user:a%20b']],
    ['lists of the type', { lists: true }, { id: 1 }, ['user', 'user:1']],
    ['several ids', {}, { id: [1, 'x'] }, ['user:1', 'user:x']],
    ['a key of several fields', { id: ['/region', '/no'] }, { region: 'eu', no: 7 }, ['user:eu:7']],
    ['a type in the message', { type: '/a/0' }, { a: ['Post'], id: 1 }, ['post:1']],
    ['words of the subject', { type: '$1', id: ['$2'] }, 'no JSON', ['a:b']],
    ['escapes of a pointer', { id: ['/a~1b/~01'] }, { 'a/b': { '~1': 'x' } }, ['user:x']],
    ['a number with more digits than fit', {}, '{"id":12345678901234567890}',
      ['user:12345678901234567890']],
    ['more ids than a message takes', {}, { id: Array.from({ length: 10_001 }, (_, at) => at) },
      ['user:*']],
  ])('reads %s', (_, mapping, payload, keys) => {
    expect(keysOf(mapping, payload)).toEqual(keys);
  });

  it.each<[string, Partial<BrokerMapping>, unknown, RegExp]>([
    ['no JSON', {}, 'secret', /JSON in UTF-8 was required/],
    ['no id', {}, { name: 'secret' }, /\/id: a text or a number was required/],
    ['an id that is null', {}, { id: null }, /\/id: a text or a number was required/],
    ['an id that is an object', {}, { id: {} }, /\/id: a text or a number was required/],
    ['no ids at all', {}, { id: [] }, /\/id: a text or a number was required/],
    ['what every object has', { id: ['/constructor/name'] }, {}, /a text or a number was required/],
    ['several of a part', { id: ['/a', '/b'] }, { a: [1, 2], b: 1 }, /one value each was required/],
    ['several types', { type: '/t' }, { t: ['A', 'B'], id: 1 }, /\/t: one type was required/],
    ['a word that is not there', { id: ['$3'] }, {}, /\$3: a text or a number was required/],
    ['too much', {}, `{"id":"${'x'.repeat(2 ** 20)}"}`, /at most 1048576 bytes was required/],
  ])('refuses %s', (_, mapping, payload, message) => {
    expect(refusalOf(mapping, payload)).toMatch(message);
    expect(refusalOf(mapping, payload)).not.toContain('secret');
  });

  it('leaves messages that it does not match to the shape of the channel', () => {
    const message = maker.updated('User', '5');
    expect(read({ pattern: 'x.>' }, message)).toEqual([message]);
  });
});

describe('a pattern of words', () => {
  it.each([
    ['a.b', 'a.b', true], ['a.b', 'a.c', false], ['a.b', 'a.b.c', false],
    ['a.*', 'a.b', true], ['a.*', 'a', false], ['a.*', 'a.b.c', false], ['*', 'a', true],
    ['a.>', 'a.b.c', true], ['a.>', 'a', false], ['>', 'a', true],
    ['a.#', 'a', true], ['a.#', 'a.b.c', true], ['#.c', 'c', true], ['#.c', 'a.b.c', true],
    ['#.b.#', 'a.b.c', true], ['#.b.#', 'a.c', false], ['a.#.*', 'a', false],
    ['a.#.*', 'a.b', true], ['#.a.#.b', 'x.a.a.b.b', true], ['#', '', true],
  ])('%s matches %s: %s', (pattern, subject, matches) => {
    expect(new WordPattern(pattern).matches(subject.split('.'))).toBe(matches);
  });

  it('takes no time that grows beyond both lengths', () => {
    const pattern = new WordPattern(`${'#.a.'.repeat(60)}b`);
    expect(pattern.matches(Array.from({ length: 5_000 }, () => 'a'))).toBe(false);
  });
});
