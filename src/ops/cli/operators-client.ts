/**
 * How a command asks the operators' listener of a node:
 *
 *     flags: [MY_FLAG, ...OPERATORS_FLAGS, JSON_FLAG],
 *     async run(values, surroundings, words) {
 *       const client = operatorsClient(values, surroundings);
 *       const answer = await client.request<Answer>('POST', '/admin/cache/explain', body);
 *       surroundings.print(values.has('json') ? asJson(answer) : textOf(answer));
 *       return EXIT.done;
 *     }
 *
 * `request` resolves to the answer, parsed. Whatever else comes of it rejects with a
 * `CommandFailure`, which `main` prints, as JSON with `--json`, and ends with its exit code: nobody
 * answers (3), the token is refused (4), the node cannot do it now (5), what was asked is at fault
 * (2), anything else (1). The code is the one of the refusal.
 *
 * It promises: every wait and every answer is bounded, no redirect is followed, and the token is in
 * no message.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  exchangeHttp, HttpFailure, type HttpAnswer, type HttpExchange,
} from '../../gateway/subgraph/bounded-http.ts';
import { systemClock, type Millis } from '../../invalidation/clock.ts';
import {
  CommandFailure, lastOf, UsageError, type Flag, type FlagValues, type Surroundings,
} from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const URL_FLAG: Flag = {
  name: 'url',
  value: 'URL',
  description: "operators' listener (default $FRESHET_ADMIN_URL, else http://127.0.0.1:4001)",
};
const TOKEN_FLAG: Flag = {
  name: 'token',
  value: 'TOKEN',
  description: 'seen by all who list processes: better a file, or $FRESHET_ADMIN_TOKEN',
};
const TOKEN_FILE_FLAG: Flag = {
  name: 'token-file',
  value: 'FILE',
  description: 'file that holds the token',
};

/** Of every command that asks a node. */
export const OPERATORS_FLAGS: readonly Flag[] = [URL_FLAG, TOKEN_FILE_FLAG, TOKEN_FLAG];

export interface OperatorsClient {
  /** Without the path. */
  readonly url: string;
  /** `path` begins with `/` and may have a query (see `withQuery`); a body is sent as JSON. */
  request<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  /** The answer to a GET as it comes. It ends when `signal` aborts. */
  open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>>;
}

const DEFAULT_URL = 'http://127.0.0.1:4001';
/** Longer than any request of an operator takes: a survey, a search in the audit. */
const TIMEOUT_MS: Millis = 30_000;
const ANSWER_BYTES_MAX = 64 * 2 ** 20;
const TOKEN_LENGTH_MAX = 8_192;

/** Throws UsageError. Nothing is connected before the first request. */
export function operatorsClient(
  values: FlagValues,
  surroundings: Surroundings,
): OperatorsClient {
  const url = urlOf(lastOf(values, URL_FLAG) || surroundings.environment['FRESHET_ADMIN_URL']);
  const token = tokenOf(values, surroundings);
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const exchangeOf = (path: string, init: RequestInit): HttpExchange => ({
    url: `${url}${path}`,
    init: { ...init, headers: { ...authorization, ...init.headers as Record<string, string> } },
    fetch: globalThis.fetch,
    limits: { timeoutMs: TIMEOUT_MS, bytesMax: ANSWER_BYTES_MAX, retries: 0 },
    clock: systemClock,
  });
  return {
    url,
    async request<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
      const { response, text } = await ask(exchangeOf(path, {
        method,
        headers: { accept: 'application/json', ...(body !== undefined && JSON_TYPE) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }), url);
      const answer = parse(text);
      if (!response.ok) throw refusalOf(response.status, answer, url);
      if (answer === undefined) throw answerInvalid(url, 'something that is no JSON');
      return answer as Answer;
    },
    async open(path, signal) {
      const { response, text } = await ask({
        ...exchangeOf(path, { headers: { accept: 'text/event-stream' } }),
        signal,
        streams: ({ ok, body }) => ok && body !== null,
      }, url);
      if (!response.ok) throw refusalOf(response.status, parse(text), url);
      if (text !== undefined || response.body === null) throw answerInvalid(url, 'an empty one');
      return response.body;
    },
  };
}

/** `path` with those of `values` that are not undefined. */
export function withQuery(
  path: string,
  values: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

const JSON_TYPE = { 'content-type': 'application/json' };

function urlOf(text: string = DEFAULT_URL): string {
  const url = URL.parse(text);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.search === '' &&
    url.hash === '' && url.username === '' && url.password === '';
  // What is no URL is not shown: it may hold a password anywhere.
  if (!isPlain) {
    throw new UsageError('--url: http://HOST:PORT without credentials was required, got another');
  }
  return url.href.replace(/\/+$/, '');
}

function tokenOf(values: FlagValues, surroundings: Surroundings): string | undefined {
  const { directory, environment } = surroundings;
  const file = lastOf(values, TOKEN_FILE_FLAG);
  const given = lastOf(values, TOKEN_FLAG);
  if (file !== undefined && given !== undefined) {
    throw new UsageError('--token: one of --token and --token-file was required, got both');
  }
  const text = file === undefined
    ? given ?? environment['FRESHET_ADMIN_TOKEN']
    : readToken(resolve(directory, file));
  const token = text?.trim();
  if (!token) {
    if (file === undefined) return undefined;
    throw new UsageError('--token-file: a file with a token was required, got an empty one');
  }
  // Anything else would break the header, and an error of that would show it.
  if (/^[\x21-\x7e]+$/.test(token) && token.length <= TOKEN_LENGTH_MAX) return token;
  throw new UsageError('--token: one line of visible ASCII was required, got another text');
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw new UsageError(`--token-file: a file that can be read was required, got ${code}`);
  }
}

async function ask(exchange: HttpExchange, url: string): Promise<HttpAnswer> {
  try {
    return await exchangeHttp(exchange);
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    throw new CommandFailure(
      `${url}: ${error.message}. Is the node running, and is this its operators' listener (--url)?`,
      { code: 'NODE_UNREACHABLE', exitCode: EXIT.unreachable, cause: error },
    );
  }
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

/** In the words of the node; anybody else may have answered at that address. */
function refusalOf(status: number, answer: unknown, url: string): CommandFailure {
  const { errors } = (answer ?? {}) as {
    errors?: { message?: unknown; extensions?: { code?: unknown } }[];
  };
  const { message, extensions } = errors?.[0] ?? {};
  const code = extensions?.code;
  if (typeof message !== 'string' || typeof code !== 'string') {
    return answerInvalid(url, `HTTP status ${status} without a reason`);
  }
  return new CommandFailure(`${message}${HINTS[code] ?? ''}`, { code, exitCode: exitOf(status) });
}

const HINTS: Readonly<Record<string, string>> = {
  TOKEN_REQUIRED: ' Name it by --token-file or $FRESHET_ADMIN_TOKEN.',
};

function exitOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.refused;
  if (status === 429 || status === 503) return EXIT.later;
  return status === 400 || status === 409 || status === 413 ? EXIT.usage : EXIT.failed;
}

function answerInvalid(url: string, got: string): CommandFailure {
  return new CommandFailure(
    `${url}: an answer of an operators' listener was required, got ${got}.`,
    { code: 'ANSWER_INVALID', exitCode: EXIT.failed },
  );
}
