import { describe, expect, it } from 'vitest';
import { OwnEntries, type OwnEntry } from '../../src/invalidation/log-redis-own.ts';
import { writeMessage } from '../../src/invalidation/message.ts';
import { someMessage } from './log-contract.ts';

function entry(): OwnEntry {
  const message = someMessage();
  return {
    messageId: message.message_id, text: writeMessage(message), messages: [message],
  };
}

function readEntries(lengthMax?: number): OwnEntries {
  const own = new OwnEntries(lengthMax);
  own.readBy();
  return own;
}

describe('what a process has appended', () => {
  it('is remembered while somebody reads', () => {
    const own = new OwnEntries();
    own.add(entry());
    expect(own.size).toBe(0);
    const [first, second] = [own.readBy(), own.readBy()];
    own.add(entry());
    first();
    own.add(entry());
    expect(own.size).toBe(2);
    second();
    expect(own.size).toBe(0);
    own.add(entry());
    expect(own.size).toBe(0);
  });

  it('is known once, by the same text alone', () => {
    const own = readEntries();
    const { messageId, text, messages } = entry();
    own.add({ messageId, text, messages });
    expect(own.take(messageId, `${text} `)).toBeUndefined();
    expect(own.take('another', text)).toBeUndefined();
    expect(own.take(messageId, text)).toBe(messages);
    expect(own.take(messageId, text)).toBeUndefined();
    expect(own.size).toBe(0);
  });

  it('is that of the last one where an ID comes again', () => {
    const own = readEntries();
    const [first, second] = [entry(), entry()];
    own.add(first);
    own.add({ ...second, messageId: first.messageId });
    expect(own.take(first.messageId, first.text)).toBeUndefined();
    expect(own.take(first.messageId, second.text)).toBe(second.messages);
  });

  it('takes no more memory than it may: the oldest goes first', () => {
    const entries = [entry(), entry(), entry()] as const;
    const own = readEntries(entries[1].text.length + entries[2].text.length);
    for (const one of entries) own.add(one);
    expect(own.take(entries[0].messageId, entries[0].text)).toBeUndefined();
    expect(own.size).toBe(2);
    own.add({ ...entries[0], text: 'x'.repeat(2_000) });
    expect(own.size).toBe(0);
  });
});
