/** How the page asks the operators' listener that it came from. */
import { lack, token } from './session.ts';

/** Why there is no answer: the code of the refusal, or NODE_UNREACHABLE. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  override get name(): string {
    return 'Refusal';
  }
}

export const UNREACHABLE = 'NODE_UNREACHABLE';

export type Values = Readonly<Record<string, string | undefined>>;

export interface Question {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  /** In the query of the URL: what is empty is left out. */
  readonly query?: Values;
  readonly signal?: AbortSignal;
}

/** `path` has no slash at its beginning. Rejects with a Refusal, or as `signal` says. */
export async function ask<Answer>(path: string, question: Question = {}): Promise<Answer> {
  const response = await send(path, question);
  return await response.json() as Answer;
}

/** An answer that goes on. */
export async function open(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { body } = await send(path, { signal });
  if (body === null) throw new Refusal('ANSWER_INVALID', 'The node sent an empty answer.');
  return body;
}

async function send(path: string, { method, body, query, signal }: Question): Promise<Response> {
  // Below wherever a proxy has put the page.
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value) url.searchParams.set(name, value);
  }
  const sent = token.value;
  const response = await fetch(url, {
    method: method ?? 'GET',
    headers: {
      ...(sent !== undefined && { authorization: `Bearer ${sent}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
    cache: 'no-store',
    credentials: 'same-origin',
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Refusal(UNREACHABLE, 'The node does not answer.');
  });
  if (response.ok) return response;
  const refusal = await refusalOf(response);
  // Unless another has been named meanwhile.
  if (response.status === 401 && sent === token.value) {
    lack.value = sent === undefined ? 'none' : 'another';
  }
  throw refusal;
}

async function refusalOf(response: Response): Promise<Refusal> {
  const answer = await response.json().catch(() => undefined) as {
    errors?: { message?: unknown; extensions?: { code?: unknown } }[];
  } | undefined;
  const { message, extensions } = answer?.errors?.[0] ?? {};
  if (typeof message === 'string' && typeof extensions?.code === 'string') {
    return new Refusal(extensions.code, message);
  }
  // Of a proxy in between, or of another server.
  return new Refusal(UNREACHABLE, `The node answered with HTTP status ${response.status}.`);
}
