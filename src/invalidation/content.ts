/**
 * When two messages are the same: all of them is equal, but for the position that one may bear.
 * The message ID alone does not tell, since careless services repeat it. Of a message that was
 * heard on the channel, all bytes are: what is read as the same may have been sent twice.
 */
import { digestOf } from './digest.ts';
import { writeMessage, type InvalidationMessage } from './message.ts';

/** The JSON of the message without a position. */
export function contentOf(message: InvalidationMessage): string {
  if (message.metadata?.position === undefined) return writeMessage(message);
  const { position: _, ...metadata } = message.metadata;
  const rest = Object.keys(metadata).length === 0 ? null : metadata;
  return writeMessage({ ...message, metadata: rest });
}

/**
 * Tells messages of the channel apart, as `digestOf` does, for a fifth of its cost: 64 bits of all
 * bytes, and the ID, by which messages differ that are not meant to be the same. Who wants to send
 * what passes for another's message need only repeat that.
 */
export function fingerprintOf(payload: Uint8Array, messageId: string): string {
  let [high, low] = [0x9e3779b9, 0x7f4a7c15];
  for (let at = 0; at < payload.length; at += 1) {
    const byte = payload[at] as number;
    high = Math.imul(high ^ byte, 0x85ebca6b);
    low = Math.imul(low ^ byte, 0xc2b2ae35);
    high ^= high >>> 15;
    low ^= low >>> 13;
  }
  high = Math.imul(high ^ (low >>> 16), 0x27d4eb2f);
  low = Math.imul(low ^ (high >>> 13), 0x165667b1);
  const id = messageId.length <= ID_LENGTH_MAX ? messageId : digestOf(messageId);
  return `${high ^ (low >>> 15)}:${low ^ (high >>> 16)}:${id}`;
}

/** That of a UUID, and room for what others count by. */
const ID_LENGTH_MAX = 64;
