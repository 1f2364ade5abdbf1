/** A kept answer to one request, and the two ways to send it: by Node, or as it is written. */
import type { ServerResponse } from 'node:http';
import type { Entry } from '../../cache/entry.ts';
import { linesOf, type Reply } from '../http/repeat.ts';
import { TEXT_BYTES_MAX } from '../http/reply-writer.ts';
import type { Moment, ReadyAnswer } from './ready-answer.ts';

export interface ChosenAnswer {
  readonly ready: ReadyAnswer;
  readonly entry: Entry;
  readonly moment: Moment;
  /** The entity tag of what the client has, where that is the same. */
  readonly held: string | undefined;
}

export function send(
  response: ServerResponse,
  { ready, entry, moment, held }: ChosenAnswer,
): void {
  if (held !== undefined) {
    response.writeHead(304, ready.headersUnchanged(entry, moment, held) as string[]).end();
    return;
  }
  response.writeHead(200, ready.headers(entry, moment) as string[]);
  const { body } = ready;
  // Node sends head and body as one text in one piece, and other bytes in two.
  if (body.length <= TEXT_BYTES_MAX) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

export function replyOf({ ready, entry, moment, held }: ChosenAnswer): Reply {
  if (held === undefined) return ready.reply(entry, moment);
  const head = linesOf(ready.headersUnchanged(entry, moment, held));
  return { status: 304, head, body: undefined, text: undefined };
}
