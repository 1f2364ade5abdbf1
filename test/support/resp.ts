/**
 * The least that a program needs to speak to Redis, over a plain socket: RESP2 as any language
 * would write it, and no client library.
 */

import { createConnection, type Socket } from 'node:net';

export type Reply = string | number | null | Reply[];

export class RespClient {
  readonly #socket: Socket;
  readonly #waiting: ((reply: Reply) => void)[] = [];
  readonly #onPush: (push: Reply[]) => void;
  #unread = Buffer.alloc(0);

  /** `onPush` is called with what a channel says. */
  constructor(port: number, onPush: (push: Reply[]) => void = () => undefined) {
    this.#onPush = onPush;
    this.#socket = createConnection(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => this.#read(chunk));
  }

  call(...words: readonly string[]): Promise<Reply> {
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (let parsed = parse(this.#unread, 0); parsed; parsed = parse(this.#unread, 0)) {
      this.#unread = this.#unread.subarray(parsed.end);
      const { reply } = parsed;
      if (Array.isArray(reply) && reply[0] === 'message') this.#onPush(reply);
      else this.#waiting.shift()?.(reply);
    }
  }
}

/** The reply that begins at `start`; undefined where it is not all there. */
function parse(buffer: Buffer, start: number): { reply: Reply; end: number } | undefined {
  const line = buffer.indexOf('\r\n', start);
  if (line === -1) return undefined;
  const text = buffer.toString('utf8', start + 1, line);
  const next = line + 2;
  switch (String.fromCharCode(buffer[start] ?? 0)) {
    case ':':
      return { reply: Number(text), end: next };
    case '$': {
      const length = Number(text);
      if (length < 0) return { reply: null, end: next };
      if (buffer.length < next + length + 2) return undefined;
      return { reply: buffer.toString('utf8', next, next + length), end: next + length + 2 };
    }
    case '*': {
      const reply: Reply[] = [];
      let end = next;
      for (let at = 0; at < Number(text); at += 1) {
        const item = parse(buffer, end);
        if (item === undefined) return undefined;
        reply.push(item.reply);
        ({ end } = item);
      }
      return { reply, end };
    }
    default:
      return { reply: text, end: next };
  }
}
