/** A request as it is written, and its answer as it comes: nothing is decoded or followed. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

export interface RawRequest {
  readonly method?: string;
  /** Default: that of the URL. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** On a connection of its own. Default: on one that is kept. */
  readonly isAlone?: boolean;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

export async function send(url: string, raw: RawRequest = {}): Promise<RawAnswer> {
  const { method = 'POST', path, body, isAlone = false } = raw;
  const isFramed = body === undefined || raw.headers?.['transfer-encoding'] !== undefined;
  const framing = isFramed ? {} : { 'content-length': Buffer.byteLength(body) };
  const headers = { ...framing, ...raw.headers };
  const request = httpRequest(url, {
    method, headers, ...(path !== undefined && { path }), ...(isAlone && { agent: false }),
  });
  request.end(body);
  const [response] = await once(request, 'response') as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return {
    status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks),
  };
}
