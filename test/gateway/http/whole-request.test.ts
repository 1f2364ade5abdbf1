import { describe, expect, it } from 'vitest';
import type { IncomingRequest } from '../../../src/gateway/http/request-body.ts';
import { lengthOf } from '../../../src/gateway/http/whole-request.ts';

/** As the parser makes it of a head; `held` is what it held of before. */
function parsed(head: string, held = ''): IncomingRequest {
  const [start = '', ...lines] = `${held}${head}`.trimStart().split('\r\n').filter(Boolean);
  const [method, url] = start.split(' ');
  const rawHeaders = lines.flatMap((line) => line.split(/: ?(.*)/, 2));
  const headers = Object.fromEntries(
    lines.map((line) => line.split(/: ?(.*)/, 2) as [string, string]),
  );
  return { method, url, headers, rawHeaders } as unknown as IncomingRequest;
}

const CHUNKED = 'POST /graphql HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
const HEAD = 'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n';

describe('the length of a request', () => {
  it.each([
    ['with a body', HEAD, HEAD.length + 4],
    ['without one', 'GET /graphql?query={a} HTTP/1.1\r\nhost: a\r\n\r\n', 44],
    ['without headers', 'GET / HTTP/1.0\r\n\r\n', 18],
    ['with values that hold colons', HEAD.replace('host: a', 'host: a:80'), HEAD.length + 7],
  ])('is that of head and body: %s', (_, head, length) => {
    expect(lengthOf(parsed(head), `${head}abcdef`)).toBe(length);
  });

  it.each([
    ['the end of its head has not come', HEAD.slice(0, -1), ''],
    ['its body comes in chunks', CHUNKED, ''],
    ['the parser held the beginning of another', HEAD, 'P'],
    ['the parser held a line of another', HEAD, 'POST /graphql HTTP/1.1\r\nx: '],
    ['the parser held lines of another', HEAD, 'POST /graphql HTTP/1.1\r\ny: z\r\nx: '],
    ['empty lines stand before it', `\r\n${HEAD}`, ''],
  ])('is not certain where %s', (_, head, held) => {
    expect(lengthOf(parsed(head, held), `${head}abcd`)).toBeNaN();
  });

  it('is not certain where a line goes on with the one before it, whatever is held', () => {
    const folded = HEAD.replace('host: a', 'host: a\r\n b');
    // One line more than headers, and one header more than lines.
    const { method, url, headers, rawHeaders } = parsed(HEAD);
    const request = { method, url, headers, rawHeaders: [...rawHeaders, 'x', 'y'] };
    expect(lengthOf(request as unknown as IncomingRequest, folded)).toBeNaN();
  });
});
