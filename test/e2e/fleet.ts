/**
 * Gateway nodes for tests: whole ones, with their listeners on free ports of loopback, in the
 * test's own process, so that a test can hold a subgraph open and look into a node.
 */
import { pino } from 'pino';
import { resolveConfig, type FreshetOptions } from '../../src/gateway/config/config.ts';
import { createGateway, type Gateway } from '../../src/gateway/gateway.ts';
import {
  systemClock, systemRandom, type Clock, type Random,
} from '../../src/invalidation/clock.ts';
import type { Log } from '../../src/invalidation/log.ts';
import { startNode } from '../../src/ops/node.ts';
import { until } from '../support/until.ts';

/** Whatever came over the wire: a test knows what it asked for. */
type Loose = ReturnType<JSON['parse']>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly data: Loose;
  readonly errors: Loose;
  /** From `Cache-Status`: 'hit', 'miss', 'bypass', 'method'. */
  readonly cache: string;
}

export interface AskOptions {
  readonly variables?: Record<string, unknown>;
  readonly operationName?: string;
  readonly headers?: Record<string, string>;
  readonly method?: 'POST' | 'GET';
}

export interface TestNode {
  /** Where GraphQL is answered. */
  readonly url: string;
  readonly adminUrl: string;
  readonly gateway: Gateway;
  ask(query: string, options?: AskOptions): Promise<Answer>;
  stop(): Promise<void>;
}

export interface NodeOptions extends Partial<FreshetOptions> {
  /** In place of the log that the configuration describes. */
  readonly invalidationLog?: Log;
  /** Resolve before the log is heard. Default false. */
  readonly deaf?: boolean;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly random?: Random;
  /** Called with each line that the node logs, as JSON. Default: it logs nothing. */
  readonly onLogLine?: (line: string) => void;
}

/** Starts a node; resolves when it hears the log, so that it caches from the first request on. */
export async function startTestNode(options: NodeOptions): Promise<TestNode> {
  const { invalidationLog, deaf = false, onLogLine, ...others } = options;
  const { clock = systemClock, random = systemRandom, ...configured } = others;
  const config = resolveConfig({
    host: '127.0.0.1', port: 0, adminPort: 0, graphiql: false, subgraphWaitMs: 5_000,
    // It takes longer than most tests, which see the same without; nodes of other tests have it.
    rehearsal: false,
    ...configured,
  });
  const closers: (() => Promise<unknown>)[] = [];
  let gateway: Gateway | undefined;
  const stop = async (): Promise<void> => {
    for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
  };
  const { url, adminUrl } = await startNode(config, {
    log: onLogLine === undefined
      ? pino({ level: process.env['FRESHET_TEST_LOG'] ?? 'silent' })
      : pino({ level: 'trace' }, { write: onLogLine }),
    clock,
    random,
    version: '0.0.0-test',
    lifecycle: { onClose: (_name, close) => void closers.push(close) },
    ...(invalidationLog && { invalidationLog }),
    create: async (...args) => (gateway = await createGateway(...args)),
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const started = gateway as unknown as Gateway;
  if (!deaf) {
    const hears = (): boolean => started.status().hears;
    await until(hears, { what: 'the node hears the log' });
  }
  return { url, adminUrl, gateway: started, stop, ask: (query, ask) => askAt(url, query, ask) };
}

export async function askAt(url: string, query: string, options: AskOptions = {}): Promise<Answer> {
  const { variables, operationName, headers = {}, method = 'POST' } = options;
  const body = { query, ...(variables && { variables }), ...(operationName && { operationName }) };
  const response = method === 'POST'
    ? await fetch(url, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    : await fetch(`${url}?${searchOf(body)}`, { headers });
  const text = await response.text();
  const parsed: Loose = text === '' ? {} : JSON.parse(text);
  const status = response.headers.get('cache-status') ?? '';
  const cache = /;\s*hit/.test(status) ? 'hit' : (/fwd=([\w-]+)/.exec(status)?.[1] ?? '');
  const { data, errors } = parsed;
  return { status: response.status, headers: response.headers, text, data, errors, cache };
}

function searchOf(body: Record<string, unknown>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    search.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return search.toString();
}
