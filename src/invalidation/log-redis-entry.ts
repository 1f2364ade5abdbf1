/** An entry of the Stream as Redis answers it, and what it holds: one record, or several. */
import { tellsLoss } from './fence.ts';
import type { Linked } from './log-link.ts';
import type { LogRecord } from './log.ts';
import type { OwnEntries } from './log-redis-own.ts';
import { readMessage, readMessages, type InvalidationMessage } from './message.ts';
import { ORIGIN, parsePosition, positionsUpTo, type Position } from './position.ts';

export type RawEntry = readonly [id: string, fields: readonly string[]];

export interface Entry extends Linked {
  /** Undefined for one that cannot be read. The last one's position is that of the entry. */
  readonly messages: readonly (InvalidationMessage | undefined)[];
  /** Counts all records up to it; undefined where somebody else wrote it. */
  readonly total: number | undefined;
}

/** `own`: what need not be parsed, having been written here. */
export function entryOf([id, fields]: RawEntry, own?: OwnEntries): Entry {
  const messageId = valueOf(fields, 'message_id') ?? '';
  const [one, several] = [valueOf(fields, 'message'), valueOf(fields, 'messages')];
  const messages = own?.take(messageId, several ?? one ?? '') ?? messagesOf(one, several);
  const total = valueOf(fields, 'total');
  return {
    position: placeOf(id) ?? ORIGIN,
    messageId,
    previous: valueOf(fields, 'previous'),
    tellsLoss: messages.some((message) => message !== undefined && tellsLoss(message)),
    messages,
    total: total !== undefined && /^\d{1,15}$/.test(total) ? Number(total) : undefined,
  };
}

/** Those that can be read. */
export function recordsOf({ position: last, messages }: Entry): LogRecord[] {
  const positions = positionsUpTo(last, messages.length);
  return messages.flatMap((message, at) => {
    const position = positions[at] as Position;
    return message === undefined ? [] : [{ position, message }];
  });
}

/** Nothing for no ID. An ID that is no position is a Stream that was written by hand. */
export function placeOf(id: string): Position | undefined {
  if (id === '') return undefined;
  const position = parsePosition(id);
  if (position === undefined) throw new Error('the Stream holds an ID that is no position');
  return position;
}

function valueOf(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1];
  return undefined;
}

function messagesOf(
  one: string | undefined,
  several: string | undefined,
): readonly (InvalidationMessage | undefined)[] {
  try {
    return several === undefined ? [readMessage(one ?? '')] : readMessages(several);
  } catch {
    return [undefined];
  }
}
