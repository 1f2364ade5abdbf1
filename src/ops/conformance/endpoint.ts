/** One node of the tested cache, as its clients see it: GraphQL over HTTP, and nothing else. */
import { Failed, shown } from './verdict.ts';

export interface Question {
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Sent as the header Authorization. */
  readonly caller?: string | undefined;
  readonly method?: 'POST' | 'GET';
  readonly validators?: Validators | undefined;
}

/** What a client that has an answer asks with whether it has changed (RFC 9110, section 13.1). */
export interface Validators {
  /** Sent as If-None-Match. */
  readonly etag: string;
  /** Sent as If-Modified-Since, where the answer had it. */
  readonly lastModified?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: unknown;
  readonly errors: readonly unknown[];
}

/** What the kit asks for is never this large. */
const ANSWER_BYTES_MAX = 1_048_576;

export class Endpoint {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @throws Failed where there is no answer that can be read. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { status, headers, text } = await this.#exchange(question, signal).catch((error) => {
      throw new Failed(`${this.url}: an answer was required, got ${reasonOf(error)}`);
    });
    const { data, errors } = parsed(text);
    return { status, headers, data, errors: Array.isArray(errors) ? errors : [] };
  }

  async #exchange(
    { query, variables = {}, caller, method = 'POST', validators }: Question,
    signal: AbortSignal,
  ): Promise<{ status: number; headers: Headers; text: string }> {
    const headers = {
      accept: 'application/graphql-response+json, application/json',
      ...(method === 'POST' && { 'content-type': 'application/json' }),
      ...(caller !== undefined && { authorization: caller }),
      ...(validators !== undefined && { 'if-none-match': validators.etag }),
      ...(validators?.lastModified !== undefined && {
        'if-modified-since': validators.lastModified,
      }),
    };
    const body = JSON.stringify({ query, variables });
    const response = method === 'POST'
      ? await fetch(this.url, { method, headers, body, signal })
      : await fetch(urlFor(this.url, { query, variables }), { method, headers, signal });
    return { status: response.status, headers: response.headers, text: await textOf(response) };
  }
}

/** The value at a path of an answer's data: `item.name`, `items.0.name`. */
export function valueAt(answer: Answer, path: string): unknown {
  let value = answer.data;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return value;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function urlFor(target: string, { query, variables }: {
  query: string;
  variables: Readonly<Record<string, unknown>>;
}): URL {
  const url = new URL(target);
  url.searchParams.set('query', query);
  url.searchParams.set('variables', JSON.stringify(variables));
  return url;
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): { data?: unknown; errors?: unknown } {
  if (text === '') return {};
  try {
    return (JSON.parse(text) ?? {}) as { data?: unknown; errors?: unknown };
  } catch {
    throw new Failed(`JSON was required, got ${shown(text)}`);
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause ?? error : error;
  const code = (cause as { code?: unknown }).code;
  if (typeof code === 'string') return code;
  return cause instanceof Error ? cause.message : String(cause);
}
