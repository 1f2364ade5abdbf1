/** What an entry of the log in Redis holds: one message, or those that were appended at once. */
import {
  readMessage, readMessages, type InvalidationMessage,
} from '../../src/invalidation/message.ts';

export function messagesIn(fields: readonly string[]): readonly InvalidationMessage[] {
  const several = fields.indexOf('messages');
  if (several === -1) return [readMessage(fields[fields.indexOf('message') + 1] as string)];
  return readMessages(fields[several + 1] as string).filter((message) => message !== undefined);
}
