/** Puts Yoga together: what is asked passes the refusals, then the limits, then the cache. */
import type { GraphQLSchema } from 'graphql';
import { createYoga } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { AnswerHeaderOptions } from './caching/answer-headers.ts';
import type { HitPath } from './caching/hit-path.ts';
import { callerReader, type CallerReader } from './http/caller-reader.ts';
import type { Clock } from '../invalidation/clock.ts';
import type { FreshetConfig } from './config/config.ts';
import type { Core } from './core.ts';
import { DocumentCache } from './http/document-cache.ts';
import type { Auditor } from './caching/auditor.ts';
import type { PlannedSchema } from './caching/plan-cache.ts';
import { exchangeRenewal } from './caching/renewal.ts';
import { ResponseCache } from './caching/response-cache.ts';
import { executeStitched } from './caching/tagged-execution.ts';
import { PositionCookie } from './http/position-cookie.ts';
import type { TokenOptions } from './http/token-reducer.ts';
import { useFieldAliases } from './supergraph/use-field-aliases.ts';
import { graphiqlPage } from './http/graphiql-page.ts';
import { useLimits } from './http/use-limits.ts';
import { useRefusals } from './http/use-refusals.ts';
import { useResponseCache } from './caching/use-response-cache.ts';

export interface GatewayYogaParts {
  readonly core: Core;
  readonly log: Logger;
  /** The one that a request which begins now is answered by. */
  readonly schema: () => GraphQLSchema;
  readonly planned: (schema: GraphQLSchema) => PlannedSchema;
  readonly auditor: Auditor;
  readonly hitPath: HitPath;
}

export function createGatewayYoga(config: FreshetConfig, parts: GatewayYogaParts) {
  const { core, log, schema, planned, auditor, hitPath } = parts;
  const { cache, limits, cors, path, graphiql } = config;
  const { clock, readPath, node, caching } = core;
  const { maxStalenessMs, positionCookie: cookie } = cache;
  const positionCookie = cookie && new PositionCookie({ name: cookie, maxStalenessMs });
  const responses = new ResponseCache({
    readPath,
    clock,
    planned,
    execution: executeStitched,
    enabled: () => cache.enabled && cache.responses && caching.isOn,
    auditor,
  });
  const documents = new DocumentCache();
  return createYoga({
    schema,
    graphqlEndpoint: path,
    graphiql: graphiql && { title: 'Freshet' },
    ...(graphiql && { renderGraphiQL: graphiqlPage(config) }),
    landingPage: false,
    logging: yogaLogging(log),
    cors: cors === undefined ? false : corsFor(cors.origins),
    // Yoga would show the error and its stack where NODE_ENV is `development`.
    maskedErrors: { isDev: false },
    batching: limits.batchMax === 0 ? false : { limit: limits.batchMax },
    parserAndValidationCache: documents.caches,
    // The listener has read the body already, within its limit.
    maxRequestBodySize: false,
    multipart: false,
    plugins: [
      useRefusals({ path }),
      documents.plugin,
      useLimits(limits),
      // Before the cache, which then executes what this one has put in its place.
      useFieldAliases,
      useResponseCache({
        cache: responses,
        callerOf: callerReaderOf(config, clock),
        node,
        clock,
        positionWaitMs: cache.positionWaitMs,
        ...(positionCookie && { positionCookie }),
        renewal: exchangeRenewal,
        hitPath,
        ...answerHeaderOptions(config),
      }),
    ],
  });
}

/** Who asks, by the headers of a request. */
export function callerReaderOf({ cache, headers, jwt }: FreshetConfig, clock: Clock): CallerReader {
  const { positionCookie: ownCookie } = cache;
  return callerReader({
    ...headers, clock, ownCookie, ...(jwt && { token: tokenOptions(jwt) }),
  });
}

/** What answers say of themselves, whoever gives them. */
export function answerHeaderOptions(config: FreshetConfig): AnswerHeaderOptions {
  const { cache, headers, cors } = config;
  return {
    clientMaxAgeSeconds: cache.clientMaxAgeSeconds,
    exposeTags: cache.exposeTags,
    vary: [...headers.propagate, ...(cors === undefined ? [] : ['origin'])],
    credentials: headers.credentials,
    positionInCookie: cache.positionCookie !== undefined,
    coded: cache.compression,
  };
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
