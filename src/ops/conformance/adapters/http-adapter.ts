/**
 * Purges by a request over HTTP. In the URL and the body `{type}`, `{id}`, `{tag}` and `{action}`
 * stand for what has changed: percent-encoded in the URL, as in a JSON text in the body.
 */
import type { Clock } from '../../../invalidation/clock.ts';
import type { Adapter, Change } from '../adapter.ts';

export interface HttpAdapterOptions {
  /** `http://127.0.0.1:4001/purge?tag={tag}` */
  readonly url: string;
  /** Default POST. */
  readonly method?: string;
  readonly body?: string;
  /** Each as `Name: value`. A body is application/json by default. */
  readonly headers?: readonly string[];
  readonly clock: Clock;
}

const PURGE_MS_MAX = 5_000;

export function httpAdapter(options: HttpAdapterOptions): Adapter {
  const { url, method = 'POST', body, headers = [], clock } = options;
  return {
    async purge(change) {
      const aborter = new AbortController();
      const cancel = clock.after(PURGE_MS_MAX, () => aborter.abort());
      const response = await fetch(filled(url, change, encodeURIComponent), {
        method,
        headers: new Headers([
          ...(body === undefined ? [] : [['content-type', 'application/json'] as [string, string]]),
          ...headers.map(headerOf),
        ]),
        ...(body !== undefined && { body: filled(body, change, inJson) }),
        signal: aborter.signal,
      });
      await response.arrayBuffer();
      cancel();
      if (!response.ok) throw new Error(`the purge was answered with status ${response.status}`);
    },
  };
}

function filled(template: string, change: Change, encoded: (text: string) => string): string {
  return template.replaceAll(/\{(type|id|tag|action)\}/g, (_, name: keyof Change) =>
    encoded(change[name]));
}

function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function headerOf(line: string): [string, string] {
  const at = line.indexOf(':');
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
}
