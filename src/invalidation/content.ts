/**
 * When two messages are the same: all of them is equal, but for the position that one may bear.
 * The message ID alone does not tell, since careless services repeat it. Of a message that was
 * heard on the channel, all bytes are: what is read as the same may have been sent twice.
 */
import { hash } from 'node:crypto';
import { writeMessage, type InvalidationMessage } from './message.ts';

/** The JSON of the message without a position. */
export function contentOf(message: InvalidationMessage): string {
  if (message.metadata?.position === undefined) return writeMessage(message);
  const { position: _, ...metadata } = message.metadata;
  const rest = Object.keys(metadata).length === 0 ? null : metadata;
  return writeMessage({ ...message, metadata: rest });
}

/** 192 bits of the SHA-256 of a content, in 32 characters. */
export function digestOf(content: string | Uint8Array): string {
  return hash('sha256', content, 'base64url').slice(0, 32);
}
