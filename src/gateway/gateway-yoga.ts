/** Puts Yoga together: what is asked passes the refusals, then the limits, then the cache. */
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { callerReader } from './caller-reader.ts';
import type { FreshetConfig } from './config.ts';
import type { Core } from './core.ts';
import type { PlannedSchema } from './plan-cache.ts';
import { ResponseCache } from './response-cache.ts';
import { executeStitched } from './tagged-execution.ts';
import type { TokenOptions } from './token-reducer.ts';
import { useLimits } from './use-limits.ts';
import { useRefusals } from './use-refusals.ts';
import { useResponseCache } from './use-response-cache.ts';

export interface GatewayYogaParts {
  readonly core: Core;
  readonly log: Logger;
  /** The one that a request which begins now is answered by. */
  readonly schema: () => GraphQLSchema;
  readonly planned: (schema: GraphQLSchema) => PlannedSchema;
}

/** Texts of documents that are kept parsed, or refused, so that each is parsed once. */
const DOCUMENTS_MAX = 1_000;
const DOCUMENT_CHARACTERS_MAX = 8 * 1024 * 1024;

export function createGatewayYoga(config: FreshetConfig, parts: GatewayYogaParts) {
  const { core, log, schema, planned } = parts;
  const { cache, headers, jwt, limits, cors, path, graphiql } = config;
  const { clock, readPath, node } = core;
  const responses = new ResponseCache({
    readPath,
    clock,
    planned,
    execution: executeStitched,
    enabled: () => cache.enabled && cache.responses,
  });
  return createYoga({
    schema,
    graphqlEndpoint: path,
    graphiql: graphiql && { title: 'Freshet' },
    landingPage: false,
    logging: yogaLogging(log),
    cors: cors === undefined ? false : corsFor(cors.origins),
    // Yoga would show the error and its stack where NODE_ENV is `development`.
    maskedErrors: { isDev: false },
    batching: limits.batchMax === 0 ? false : { limit: limits.batchMax },
    parserAndValidationCache: { documentCache: textCache(), errorCache: textCache() },
    // The listener has read the body already, within its limit.
    maxRequestBodySize: false,
    multipart: false,
    plugins: [
      useRefusals({ path }),
      useLimits(limits),
      useResponseCache({
        cache: responses,
        callerOf: callerReader({ ...headers, clock, ...(jwt && { token: tokenOptions(jwt) }) }),
        node,
        positionWaitMs: cache.positionWaitMs,
        clientMaxAgeSeconds: cache.clientMaxAgeSeconds,
        exposeTags: cache.exposeTags,
        vary: [...headers.propagate, ...(cors === undefined ? [] : ['origin'])],
        credentials: headers.credentials,
      }),
    ],
  });
}

/** What pages of other origins may read beside the body: what they need for their next request. */
const EXPOSED_HEADERS = ['age', 'cache-status', 'cache-tag', 'etag', 'freshet-position'];

/**
 * Any origin, or with credentials: not both, or every page could act as its visitor. One that is
 * not named is told nothing. Yoga itself would tell it `null`, which is the origin of any page in a
 * sandbox.
 */
function corsFor(origins: readonly string[]) {
  const any = origins.includes('*');
  return (request: Request) => {
    const origin = request.headers.get('origin');
    if (origin === null || !(any || origins.includes(origin))) return false;
    return { origin, credentials: !any, exposedHeaders: EXPOSED_HEADERS };
  };
}

function textCache<Value extends DocumentNode | Error>() {
  return new LRUCache<string, Value>({
    max: DOCUMENTS_MAX,
    maxSize: DOCUMENT_CHARACTERS_MAX,
    sizeCalculation: (_value, text) => Math.max(1, text.length),
  });
}

function tokenOptions(jwt: NonNullable<FreshetConfig['jwt']>): TokenOptions {
  return Object.fromEntries(Object.entries(jwt).filter(([, value]) => value !== undefined));
}

/** What Yoga has to say goes where the rest goes, without what it quotes of a request. */
function yogaLogging(log: Logger) {
  return {
    debug: () => undefined,
    info: (...parts: unknown[]) => log.debug(messageOf(parts)),
    warn: (...parts: unknown[]) => log.debug(messageOf(parts)),
    error: (...parts: unknown[]) => log.error({ reason: reasonOf(parts) }, 'a request failed'),
  };
}

function messageOf(parts: readonly unknown[]): string {
  return parts.map((part) => (part instanceof Error ? part.name : String(part))).join(' ');
}

function reasonOf(parts: readonly unknown[]): string {
  return parts.map((part) => (part instanceof Error ? part.message : typeof part)).join(' ');
}
