/**
 * Requests that are answered unread: what a connection and whoever answers them say to each other.
 */

/** Longer requests are of few clients, and cost more than they save. */
export const WIRE_LENGTH_MAX = 16 * 1024;

/** A request as it came: one piece, whole, with nothing before it and nothing behind. */
export interface Arrival {
  /** Head and body, each byte as one character. */
  readonly wire: string;
  /** Whether its client has gone. */
  readonly destroyed: boolean;
}

/** What is known of requests that are the same from the first byte to the last. */
export interface Repeat {
  /**
   * Calls `settle` once, now or later, in the turn in which the answer is to be sent; without a
   * reply the request is parsed, and goes the way of all others. What it throws or rejects with is
   * a bug; the request is parsed then as well.
   */
  answer(arrival: Arrival, settle: (reply: Reply | undefined) => void): void | Promise<unknown>;
}

export interface Reply {
  readonly status: 200 | 304;
  /** Each with its end: all lines but the first, the date, and those about the connection. */
  readonly head: string;
  readonly body: Buffer | undefined;
  /** The same object for as long as head and body are what they are; where it may be kept. */
  readonly text: ReplyText | undefined;
}

/** The text of a reply that is sent again and again; whoever writes it fills it in. */
export class ReplyText {
  whole: string | undefined;
  /** The lines of it that the writer has added. */
  common = '';
  /** How often it was sent. */
  uses = 0;
}

/** Names and values in turn, as Node takes them, as lines of a head. */
export function linesOf(headers: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < headers.length; at += 2) lines += `${headers[at]}: ${headers[at + 1]}\r\n`;
  return lines;
}
