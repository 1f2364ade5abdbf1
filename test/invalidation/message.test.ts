import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../src/invalidation/errors.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import {
  entityTypeName, entityTypeOf, readMessage, writeMessage, writeMessageAround, type EntityType,
} from '../../src/invalidation/message.ts';
import { patternText } from '../../src/invalidation/pattern.ts';
import { purgesOf } from '../../src/invalidation/purges-of.ts';
import { entityTag } from '../../src/invalidation/tag.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { wireMessages } from './wire-messages.ts';

const FIELDS = ['message_id', 'entity_type', 'entity_id', 'pattern', 'entity_ids', 'action',
  'timestamp', 'source_service', 'metadata'];
const VALID = {
  message_id: 'm-1', entity_type: 'User', entity_id: '1', action: 'Delete',
  timestamp: '2026-03-01T12:00:00Z', source_service: 'user-service',
};
const readWith = (fields: object): ReturnType<typeof readMessage> =>
  readMessage(JSON.stringify({ ...VALID, ...fields }));
const codeOf = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error instanceof FreshetError ? error.code : error;
  }
  return undefined;
};

describe('the messages that services send', () => {
  it('are all here', () => expect(wireMessages).toHaveLength(26));

  it.each(wireMessages)('$name', ({ payload, expect: expected }) => {
    if (expected.rejected === true) {
      expect(codeOf(() => readMessage(payload))).toBe('MESSAGE_INVALID');
      expect(codeOf(() => readMessage(Buffer.from(payload)))).toBe('MESSAGE_INVALID');
      return;
    }
    const message = readMessage(payload);
    const [type, id] = expected.purgesEntity ?? [];
    const purges = expected.purges ??
      (type === undefined ? [expected.purgesPattern] : [entityTag(type, id as string)]);
    expect(purgesOf(message).map(patternText)).toEqual(purges);
    if (expected.metadata !== undefined) expect(message.metadata).toEqual(expected.metadata);
    expect(readMessage(Buffer.from(payload))).toEqual(message);
    expect(readMessage(writeMessage(message))).toEqual(message);
    expect(Object.keys(JSON.parse(writeMessage(message)))).toEqual(FIELDS);
  });

  it('are written as their senders wrote them, where those wrote all nine fields', () => {
    const complete = wireMessages.filter(({ payload, expect: expected }) =>
      expected.rejected !== true && FIELDS.every((field) => payload.includes(`"${field}":`)) &&
      !/"trace_id"|"user"|:123,/.test(payload));
    expect(complete.length).toBeGreaterThan(10);
    for (const { payload } of complete) {
      expect(writeMessage(readMessage(payload))).toBe(payload);
    }
  });

  it('change no prototype', () => {
    for (const { payload } of wireMessages) codeOf(() => readMessage(payload));
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const metadata = '{"__proto__":{"polluted":true},"a":1}';
    const payload = `{"metadata":${metadata},${JSON.stringify(VALID).slice(1)}`;
    const message = readMessage(payload);
    expect(Object.getPrototypeOf(message.metadata)).toBe(Object.prototype);
    expect(writeMessage(message)).toContain(metadata);
    expect(writeMessageAround(message).join('1-1')).toContain(metadata.slice(0, -1));
  });
});

describe('reading a message', () => {
  it.each([
    [{ entity_type: 'USER' }, { entity_type: 'User' }],
    [{ entity_type: 'session' }, { entity_type: { Custom: 'session' } }],
    [{ entity_type: { Custom: 'User' } }, { entity_type: { Custom: 'User' } }],
    [{ action: 'delete' }, { action: 'Delete' }],
    [{ entity_id: 5.5 }, { entity_id: '5.5' }],
    [{ entity_id: '' }, { entity_id: '' }],
    [{ message_id: 7, timestamp: 1772366400 }, { message_id: '7', timestamp: '1772366400' }],
    [{ metadata: 'text' }, { metadata: null }],
    [{ metadata: { cascade: true } }, { metadata: { cascade: true } }],
    [{ action: 'Batch', entity_ids: [1, 'user:2'] }, { entity_ids: ['1', 'user:2'] }],
    [{ entity_ids: ['user:2'] }, { entity_ids: null }],
  ])('understands %j', (fields, understood) => {
    expect(readWith(fields)).toMatchObject(understood);
  });

  it('keeps every digit of a number', () => {
    const big = '12345678901234567890';
    const text = JSON.stringify({ ...VALID, entity_id: '#' }).replace('"#"', big);
    expect(readMessage(text).entity_id).toBe(big);
    const batch = JSON.stringify({ ...VALID, action: 'Batch', entity_ids: ['#', 'user:1'] });
    expect(readMessage(batch.replace('"#"', big)).entity_ids).toEqual([big, 'user:1']);
  });

  it.each<[object | string, string]>([
    [{ message_id: null }, 'message_id: a text was required'],
    [{ message_id: '' }, 'message_id: a text was required'],
    [{ entity_type: null }, 'entity_type: a name or {"Custom": name} was required'],
    [{ entity_type: { custom: 1 } }, 'entity_type: a name'],
    [{ action: 7 }, 'action: one of Delete, Update, Batch, Pattern was required'],
    [{ timestamp: undefined }, 'timestamp: a text was required'],
    [{ source_service: [] }, 'source_service: a text was required'],
    [{ entity_id: ['1'] }, 'entity_id: a text or a number was required'],
    [{ action: 'Batch' }, 'entity_ids: a list of keys was required'],
    [{ action: 'Batch', entity_ids: ['a', null] }, 'entity_ids: a text was required at 1'],
    [{ action: 'Batch', entity_ids: Array.from({ length: 10_001 }, String) },
      'entity_ids: at most 10000 were required, got 10001'],
    [{ action: 'Pattern', pattern: '/[secret/' }, 'pattern: Pattern: a regular expression of RE2'],
    [{ metadata: { cascade: ['/[secret/'] } }, 'metadata.cascade: Pattern: a regular expression'],
    [{ metadata: { cascade: Array.from({ length: 1001 }, () => 'a') } },
      'metadata.cascade: at most 1000 were required, got 1001'],
    ['null', 'a JSON object was required'],
    ['"secret"', 'a JSON object was required'],
    ['', 'JSON in UTF-8 was required'],
    ['{"secret"', 'JSON in UTF-8 was required'],
  ])('refuses and says why, without the payload (%#)', (fields, reason) => {
    const text = typeof fields === 'string' ? fields : JSON.stringify({ ...VALID, ...fields });
    expect(codeOf(() => readMessage(text))).toBe('MESSAGE_INVALID');
    expect(() => readMessage(text)).toThrow(reason);
    try {
      readMessage(text);
    } catch (error) {
      expect(`${(error as Error).stack}${String((error as Error).cause)}`).not.toContain('secret');
    }
  });

  it('refuses what is too large, too deep, or no UTF-8', () => {
    const large = JSON.stringify({ ...VALID, reason: 'x'.repeat(2 ** 20) });
    expect(codeOf(() => readMessage(large))).toBe('MESSAGE_TOO_LARGE');
    expect(() => readMessage('123456', { bytesMax: 5 })).toThrow('at most 5 bytes was required');
    const deep = `{"metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}},` +
      JSON.stringify(VALID).slice(1);
    expect(() => readMessage(deep)).toThrow('metadata: at most 32 levels were required');
    const latin1 = Buffer.from(JSON.stringify({ ...VALID, entity_id: '\u00e9' }), 'latin1');
    expect(() => readMessage(latin1)).toThrow('JSON in UTF-8 was required');
  });
});

describe('writing a message', () => {
  it('is JSON, whatever stands in it', () => {
    const texts = ['', 'plain', 'a "quote"', '\\', '\n', '\u0000', '\u007f', 'é', '\ud800',
      '\u2028', '[]{}:,#', undefined as unknown as string, 7 as unknown as string, null];
    const types = ['User', { Custom: 'session' }, { Custom: 'a "quote"' }, null, {}, 7];
    for (const text of texts) {
      for (const type of types) {
        const message = {
          ...readWith({}), message_id: text as string, entity_type: type as EntityType,
          entity_id: text, source_service: text as string,
        };
        expect(writeMessage(message)).toBe(JSON.stringify(message));
      }
    }
  });
});

describe('writing a message around its position', () => {
  const position = '1772366400000-5';

  it.each([
    [null, { position }],
    [{}, { position }],
    [{ version: 17, reason: 'a "quote"' }, { version: 17, reason: 'a "quote"', position }],
    [{ position: '1-1', a: [null] }, { a: [null], position }],
  ])('with the metadata %j', (metadata, expected) => {
    const message = readWith({ metadata });
    const [before, after] = writeMessageAround(message);
    const written = before + position + after;
    expect(written).toBe(writeMessage({ ...message, metadata: expected }));
    expect(readMessage(written).metadata).toEqual(expected);
  });
});

describe('the names of types', () => {
  it('are the well-known ones in any case, or custom', () => {
    for (const type of ['User', 'Post', 'Comment', 'Notification', 'Feed'] as const) {
      expect(entityTypeOf(type.toUpperCase())).toBe(type);
      expect(entityTypeName(type)).toBe(type);
    }
    expect(entityTypeOf('Session')).toEqual({ Custom: 'Session' });
    expect(entityTypeName({ Custom: 'Session' })).toBe('Session');
  });
});

describe('a service makes messages', () => {
  let count = 0;
  const maker = new MessageMaker({
    sourceService: 'user-service', clock: new ManualClock(), newId: () => `m-${count += 1}`,
  });

  it('that have an id, a time and its name, and that every reader accepts', () => {
    const message = maker.deleted('user', 123, { reason: 'gone' });
    expect(message).toEqual({
      message_id: 'm-1', entity_type: 'User', entity_id: '123', pattern: null, entity_ids: null,
      action: 'Delete', timestamp: '2026-01-01T00:00:00.000Z', source_service: 'user-service',
      metadata: { reason: 'gone' },
    });
    expect(maker.deleted('user', 123).message_id).toBe('m-2');
    const made = [message, maker.updated('Session', 'a'), maker.created('Post', 9),
      maker.batch(['user:1']), maker.pattern('feed:1:*')];
    for (const each of made) expect(readMessage(writeMessage(each))).toEqual(each);
    expect(made.slice(1).map((each) => purgesOf(each).map(patternText))).toEqual([
      ['session:a'], ['post', 'post:9'], ['user:1'], ['feed:1:*'],
    ]);
    expect(maker.updated('Session', 'a').entity_type).toEqual({ Custom: 'Session' });
  });

  it('but none that a reader would refuse', () => {
    expect(codeOf(() => maker.batch(Array.from({ length: 10_001 }, String)))).toBe(
      'MESSAGE_INVALID');
    expect(codeOf(() => maker.pattern('/[/'))).toBe('PATTERN_INVALID');
    expect(codeOf(() => maker.deleted('User', undefined as unknown as string))).toBe(
      'MESSAGE_INVALID');
  });
});

