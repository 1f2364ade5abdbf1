/**
 * One POST on `node:http`, and the text that answers it, on connections that are kept open. `fetch`
 * does the same for several times the CPU time: it makes streams, which nobody reads here.
 *
 * What it promises is that of `attempt` in bounded-http: it ends when the signal aborts, reads no
 * more than the bytes allowed, follows no redirect, and what went wrong is an `HttpFailure`.
 */
import * as http from 'node:http';
import * as https from 'node:https';
import type { Readable } from 'node:stream';
import { urlToHttpOptions } from 'node:url';
import { decoded } from './content-decoding.ts';
import { HttpFailure, withinBounds, type Bounds } from './bounded-http.ts';

export interface Post extends Bounds {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface PostAnswer {
  readonly status: number;
  readonly setCookie: readonly string[];
  readonly text: string;
}

/** @throws HttpFailure */
export type HttpPost = (post: Post) => Promise<PostAnswer>;

/**
 * How long a connection waits for its next request: below the 5 s after which several servers close
 * theirs, some without saying so. Where a server says how long it waits, that is kept to.
 */
const IDLE_MS = 4_000;

/** Of all subgraphs, by protocol. */
const AGENTS = {
  http: new http.Agent(optionsLike(http.globalAgent)),
  https: new https.Agent(optionsLike(https.globalAgent)),
};

/** Posts to `url`, an absolute http or https URL. */
export function httpPost(url: string): HttpPost {
  const { protocol, hostname, port, path } = urlToHttpOptions(new URL(url));
  const isSecure = protocol === 'https:';
  const target = {
    protocol, hostname, port, path,
    method: 'POST',
    agent: isSecure ? AGENTS.https : AGENTS.http,
  };
  const { request } = isSecure ? https : http;
  const open = (headers: http.OutgoingHttpHeaders): http.ClientRequest =>
    request({ ...target, headers });
  return (post) => withinBounds(post, (signal) => attempt(open, post, signal));
}

/** What Node was told of proxies when it was started holds for these as well. */
function optionsLike(agent: http.Agent): http.AgentOptions {
  const { options } = agent as http.Agent & { readonly options: http.AgentOptions };
  return { ...options, timeout: IDLE_MS };
}

type Open = (headers: http.OutgoingHttpHeaders) => http.ClientRequest;

function attempt(open: Open, post: Post, signal: AbortSignal): Promise<PostAnswer> {
  // Bytes, not a text: headers next to a text would be written in its encoding.
  const body = Buffer.from(post.body);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(failureOf(error));
    const request = opened(open, { ...post.headers, 'content-length': body.byteLength });
    signal.addEventListener('abort', () => request.destroy(signal.reason as HttpFailure));
    request.on('error', fail);
    request.on('response', (response) => {
      const { statusCode: status = 0, headers } = response;
      const { 'set-cookie': setCookie = [], 'content-encoding': coding } = headers;
      // What breaks while the answer is read is told there, not to the request.
      response.on('error', fail);
      const content = coding === undefined ? response : decoded(response, coding, fail);
      readText(content, post.limits.bytesMax).then(
        (text) => resolve({ status, setCookie, text }),
        (error: Error) => {
          response.destroy();
          fail(error);
        },
      );
    });
    request.end(body);
  });
}

function opened(open: Open, headers: http.OutgoingHttpHeaders): http.ClientRequest {
  try {
    return open(headers);
  } catch (cause) {
    // The message of Node names the header; its own errors may quote more.
    const message = 'a request that HTTP allows was required, got another';
    throw new HttpFailure('request', message, { cause });
  }
}

function readText(content: Readable, bytesMax: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    content.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      if (bytes <= bytesMax) chunks.push(chunk);
      else reject(HttpFailure.ofSize(bytesMax));
    });
    content.on('error', reject);
    content.on('end', () => resolve(textOf(chunks)));
  });
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  const text = (chunks.length === 1 && first ? first : Buffer.concat(chunks)).toString();
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function failureOf(error: NodeJS.ErrnoException): HttpFailure {
  if (error instanceof HttpFailure) return error;
  return HttpFailure.ofConnection(error.code ?? 'one that broke', error);
}
