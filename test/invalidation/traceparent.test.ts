import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/invalidation/clock.ts';
import { MemoryLog } from '../../src/invalidation/log-memory.ts';
import type { InvalidationMessage } from '../../src/invalidation/message.ts';
import { MessageMaker } from '../../src/invalidation/message-maker.ts';
import { createPublisher, type PublisherOptions } from '../../src/invalidation/publisher.ts';
import {
  readTraceparent, withTraceparent, writeTraceparent,
} from '../../src/invalidation/traceparent.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';
const TRACEPARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;
const UNSAMPLED = `00-${TRACE_ID}-${PARENT_ID}-00`;

describe('a traceparent', () => {
  it('is read as W3C Trace Context has it, and written as it was read', () => {
    const read = readTraceparent(TRACEPARENT);
    expect(read).toEqual({ traceId: TRACE_ID, parentId: PARENT_ID, isSampled: true });
    expect(read && writeTraceparent(read)).toBe(TRACEPARENT);
    expect(readTraceparent(UNSAMPLED)?.isSampled).toBe(false);
  });

  it('is read of a later version as far as it is this one', () => {
    expect(readTraceparent(`cc-${TRACE_ID}-${PARENT_ID}-09-what-is-to-come`)?.isSampled).toBe(true);
  });

  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['an object', { traceparent: TRACEPARENT }],
    ['no text', ''],
    ['capitals', TRACEPARENT.toUpperCase()],
    ['a version that is none', `ff-${TRACE_ID}-${PARENT_ID}-01`],
    ['more than its version has', `${TRACEPARENT}-00`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${PARENT_ID}-01`],
    ['a parent of zeros', `00-${TRACE_ID}-${'0'.repeat(16)}-01`],
    ['two of them', `${TRACEPARENT}, ${TRACEPARENT}`],
    ['white space', ` ${TRACEPARENT}`],
    ['a long text', `cc-${TRACE_ID}-${PARENT_ID}-01-${'x'.repeat(1_000)}`],
  ])('is none that is %s', (_, value) => {
    expect(readTraceparent(value)).toBeUndefined();
  });
});

describe('a message', () => {
  const maker = new MessageMaker({ sourceService: 'a', clock: systemClock, newId: () => 'id' });
  const message = maker.updated('User', '1', { reason: 'rename' });

  it('is given a trace that is recorded, beside what it says already', () => {
    const metadata = { reason: 'rename', traceparent: TRACEPARENT };
    expect(withTraceparent(message, TRACEPARENT)).toEqual({ ...message, metadata });
  });

  it.each([
    ['nobody has recorded it', UNSAMPLED],
    ['it is none', 'nonsense'],
    ['there is none', undefined],
  ])('stays as it is where %s', (_, traceparent) => {
    expect(withTraceparent(message, traceparent)).toBe(message);
  });

  it('keeps what its sender wrote, whatever that is', () => {
    const own = maker.updated('User', '1', { traceparent: 'of another form' });
    expect(withTraceparent(own, TRACEPARENT)).toBe(own);
  });
});

describe('a publisher', () => {
  async function published(
    traceparent: PublisherOptions['traceparent'],
    count = 1,
  ): Promise<readonly InvalidationMessage[]> {
    const log = new MemoryLog();
    const publisher = createPublisher({
      log, source: 'users', ...(traceparent && { traceparent }),
    });
    const ids = Array.from({ length: count }, (_, at) => at);
    await Promise.all(ids.map((id) => publisher.invalidateUser(id)));
    await publisher.close();
    const events = log.follow({ signal: new AbortController().signal });
    for await (const event of events) {
      if (event.kind === 'records') return event.records.map(({ message }) => message);
    }
    return [];
  }

  it('says in each message what the service says that it is doing', async () => {
    const [message] = await published(() => TRACEPARENT);
    expect(message?.metadata).toEqual({ traceparent: TRACEPARENT });
  });

  it('still joins what is published at once in one trace', async () => {
    const messages = await published(() => TRACEPARENT, 3);
    expect(messages.map(({ entity_ids: keys }) => keys)).toEqual([['user:0', 'user:1', 'user:2']]);
    expect(messages[0]?.metadata).toEqual({ traceparent: TRACEPARENT });
  });

  it.each([
    ['it throws', () => {
      throw new Error('no trace');
    }],
    ['it says nothing', () => undefined],
    ['it says something else', () => 'nonsense'],
    ['it is not asked', undefined],
  ])('publishes all the same where %s', async (_, traceparent) => {
    const [message] = await published(traceparent);
    expect(message).toMatchObject({ entity_id: '0', metadata: null });
  });
});
