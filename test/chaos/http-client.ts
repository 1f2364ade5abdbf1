/** Asks gateways over HTTP on connections that are kept alive; cheap, since it is done often. */
import { Agent, request } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly cacheStatus: string;
  readonly position: string | undefined;
}

/** Far above every bound: who waits so long waits in vain. */
const TIMEOUT_MS = 15_000;

export class HttpClient {
  // What was idle for long is closed here, before the gateway closes it as a request is sent on it.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, timeout: 5_000 });

  /** Rejects where no answer came. `position` is sent as `Freshet-Position`. */
  post(port: number, body: Buffer, position?: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        outgoing.destroy(new Error(`no answer in ${TIMEOUT_MS} ms`));
      }, TIMEOUT_MS);
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const outgoing = request({
        agent: this.#agent, host: '127.0.0.1', port, method: 'POST', path: '/graphql',
        headers: {
          'content-type': 'application/json',
          'content-length': body.byteLength,
          ...(position !== undefined && { 'freshet-position': position }),
        },
      }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', fail);
        response.once('end', () => {
          clearTimeout(timer);
          resolve({
            status: response.statusCode ?? 0,
            text: Buffer.concat(chunks).toString(),
            cacheStatus: String(response.headers['cache-status'] ?? ''),
            position: response.headers['freshet-position'] as string | undefined,
          });
        });
      });
      outgoing.once('error', fail);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
