/** Writes replies as Node writes the answers of `node:http` (RFC 9112, section 4). */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock, Millis } from '../../invalidation/clock.ts';
import type { Reply, ReplyText } from './repeat.ts';

/** Up to here it costs less to copy the bytes into a text; each of them stays what it is. */
export const TEXT_BYTES_MAX = 8 * 1024;
const SECOND_MS = 1_000;
/** Texts that are kept, and how long each may be: together no more than 5 MiB. */
const KEPT_MAX = 512;
const KEPT_LENGTH_MAX = 10 * 1024;
/** So often is one sent, between two changes of it, before it is kept. */
const USES_MIN = 32;

export interface ReplyWriterOptions {
  readonly clock: Pick<Clock, 'wall'>;
  readonly keepAliveTimeoutMs: Millis;
}

export class ReplyWriter {
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #keeping: string;
  readonly #kept: (ReplyText | undefined)[] = Array.from({ length: KEPT_MAX });
  #next = 0;
  #second = Number.NaN;
  #lines = '';

  constructor({ clock, keepAliveTimeoutMs }: ReplyWriterOptions) {
    this.#clock = clock;
    const timeout = Math.floor(keepAliveTimeoutMs / SECOND_MS);
    const lasting = keepAliveTimeoutMs > 0 ? `Keep-Alive: timeout=${timeout}\r\n` : '';
    this.#keeping = `Connection: keep-alive\r\n${lasting}`;
  }

  write(socket: Socket, reply: Reply): void {
    const common = this.#common();
    const { text, body } = reply;
    if (text?.whole !== undefined && text.common === common) {
      socket.write(text.whole, 'latin1');
      return;
    }
    const { status } = reply;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${reply.head}${common}\r\n`;
    if (body !== undefined && body.length > TEXT_BYTES_MAX) {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
      return;
    }
    const whole = body === undefined ? head : head + body.toString('latin1');
    socket.write(whole, 'latin1');
    if (text !== undefined && whole.length <= KEPT_LENGTH_MAX) this.#keep(text, { whole, common });
  }

  /** Only what is sent often: what is kept and soon changes would be more garbage, not less. */
  #keep(text: ReplyText, { whole, common }: { whole: string; common: string }): void {
    if (text.common !== common) {
      text.uses = 0;
      text.whole = undefined;
      text.common = common;
    }
    text.uses += 1;
    if (text.uses !== USES_MIN) return;
    const former = this.#kept[this.#next];
    if (former !== undefined) former.whole = undefined;
    this.#kept[this.#next] = text;
    this.#next = (this.#next + 1) % KEPT_MAX;
    text.whole = whole;
  }

  #common(): string {
    const second = Math.floor(this.#clock.wall() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = `Date: ${new Date(second * SECOND_MS).toUTCString()}\r\n${this.#keeping}`;
    }
    return this.#lines;
  }
}
