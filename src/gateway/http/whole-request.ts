/**
 * Whether what the parser made of some bytes is all that they are.
 *
 * The parser may have held bytes of before. Had it held some without the end of a line, they would
 * stand before the first line, and so in the method; with the end of a line, there would be more
 * headers than there are lines. An empty line that it passes over is no part of a request.
 */
import type { IncomingRequest } from './request-body.ts';

const LINE_END = '\r\n';
const END_OF_HEAD = '\r\n\r\n';
/** A line that goes on with the one before it (obs-fold of RFC 9112, section 5.2). */
const FOLDED = /\r\n[ \t]/;

/** Of the head and the body that begin with `first` (RFC 9112, section 6.3); else NaN. */
export function lengthOf(request: IncomingRequest, first: string): number {
  const { method = '', url = '', headers, rawHeaders } = request;
  const end = first.indexOf(END_OF_HEAD);
  if (end < 0 || headers['transfer-encoding'] !== undefined) return Number.NaN;
  const head = first.slice(0, end);
  const isOwn = head.startsWith(`${method} ${url} HTTP/1.`) && !FOLDED.test(head)
    && countOf(LINE_END, head) === rawHeaders.length / 2;
  return isOwn ? end + END_OF_HEAD.length + Number(headers['content-length'] ?? 0) : Number.NaN;
}

function countOf(part: string, text: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count += 1;
  return count;
}
