/**
 * The schema of one subgraph, as the subgraph itself tells it: `{ _service { sdl } }`, which every
 * federated subgraph answers (Apollo Federation subgraph specification), or else introspection,
 * for an API that knows nothing of federation. A file that the operator names is taken instead.
 */
import { readFile } from 'node:fs/promises';
import {
  buildClientSchema, getIntrospectionQuery, parse, printSchema, type IntrospectionQuery,
} from 'graphql';
import {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../../invalidation/clock.ts';
import { fault } from '../../invalidation/errors.ts';
import { exchangeHttp, type Fetch } from '../subgraph/bounded-http.ts';
import { endpointOf } from '../subgraph/endpoint.ts';
import { Hopeless, tryFor } from './patience.ts';

export interface SubgraphAddress {
  readonly name: string;
  readonly url: string;
  /** Read instead of asking the subgraph for its SDL. */
  readonly sdlFile?: string | undefined;
  /** Sent with the question for the SDL, where the subgraph wants a token for it. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface SubgraphSdlOptions {
  /** For one question. Default 10,000 ms. */
  readonly timeoutMs?: Millis;
  /** How long a subgraph that does not answer is asked again. Default 30,000 ms; 0: once. */
  readonly patienceMs?: Millis;
  /** Default 16 MiB. */
  readonly sdlBytesMax?: number;
  readonly fetch?: Fetch;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal | undefined;
}

/** @throws SUPERGRAPH_UNAVAILABLE */
export async function fetchSubgraphSdl(
  address: SubgraphAddress,
  options: SubgraphSdlOptions = {},
): Promise<string> {
  const { clock = systemClock, random = systemRandom, patienceMs = 30_000, signal } = options;
  const subgraph = `subgraph ${address.name}`;
  const { shown } = endpointOf(address.url, subgraph);
  const { sdlFile } = address;
  try {
    if (sdlFile !== undefined) return checked(await readFile(sdlFile, 'utf8'));
    const patience = { forMs: patienceMs, clock, random, signal };
    return await tryFor(patience, () => askForSdl(address, options));
  } catch (cause) {
    const source = `${subgraph} (${sdlFile ?? shown})`;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw fault('SUPERGRAPH_UNAVAILABLE', { source, reason, cause });
  }
}

async function askForSdl(address: SubgraphAddress, options: SubgraphSdlOptions): Promise<string> {
  const service = await ask('{ _service { sdl } }', address, options);
  const { sdl } = (service.data?.['_service'] ?? {}) as { sdl?: unknown };
  if (typeof sdl === 'string' && sdl.trim() !== '') return checked(sdl);
  const { data } = await ask(getIntrospectionQuery(), address, options);
  return introspectedSdl(data);
}

/** For an API that is no subgraph; one that is, and hides its SDL, must not pass for one. */
function introspectedSdl(data: Answer['data']): string {
  if (data?.['__schema'] === undefined || data['__schema'] === null) {
    throw new Error('an SDL by { _service { sdl } } or by introspection was required, got neither');
  }
  try {
    const schema = buildClientSchema(data as unknown as IntrospectionQuery);
    const isSubgraph = schema.getQueryType()?.getFields()['_service'] !== undefined;
    if (!isSubgraph) return printSchema(schema);
  } catch (cause) {
    throw new Hopeless(`a valid introspection was required, got: ${messageOf(cause)}`, { cause });
  }
  throw new Error('an SDL by { _service { sdl } } was required, got none');
}

function checked(sdl: string): string {
  try {
    parse(sdl, { noLocation: true });
    return sdl;
  } catch (cause) {
    throw new Hopeless(`an SDL was required, got: ${messageOf(cause)}`, { cause });
  }
}

interface Answer {
  readonly data: Readonly<Record<string, unknown>> | null | undefined;
}

async function ask(
  query: string,
  { name, url, headers }: SubgraphAddress,
  options: SubgraphSdlOptions,
): Promise<Answer> {
  const { timeoutMs = 10_000, sdlBytesMax = 16 * 1024 * 1024 } = options;
  const endpoint = endpointOf(url, name);
  const json = { 'content-type': 'application/json', accept: ACCEPT };
  const { response, text } = await exchangeHttp({
    url: endpoint.url,
    init: {
      method: 'POST',
      headers: { ...headers, ...endpoint.headers, ...json },
      body: JSON.stringify({ query }),
    },
    limits: { timeoutMs, bytesMax: sdlBytesMax, retries: 0 },
    fetch: options.fetch ?? globalThis.fetch,
    clock: options.clock ?? systemClock,
    signal: options.signal,
  });
  if (response.status === 401 || response.status === 403) {
    throw new Hopeless(`leave to ask for the SDL was required, got status ${response.status}`);
  }
  return answerIn(text ?? '', response.status);
}

const ACCEPT = 'application/graphql-response+json, application/json';

function answerIn(text: string, status: number): Answer {
  try {
    const answer: unknown = JSON.parse(text);
    const isAnswer = typeof answer === 'object' && answer !== null
      && ('data' in answer || 'errors' in answer);
    if (isAnswer) return answer as Answer;
  } catch {
    // Told below: what was got is not quoted, it may be anything.
  }
  throw new Error(`a GraphQL answer was required, got another with status ${status}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
