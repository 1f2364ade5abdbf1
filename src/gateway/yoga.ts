/**
 * `freshet-gateway/yoga`: the cache for a Yoga server that has a schema of its own.
 *
 * ```ts
 * const freshet = createFreshet({ redis: 'redis://localhost:6379' });
 * const yoga = createYoga({ schema, plugins: [freshet.plugin] });
 * ```
 */
import type { Cache } from '@envelop/response-cache';
import { print, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { hashOf } from '../cache/key.ts';
import {
  systemClock, systemRandom, type Clock, type Millis, type Random,
} from '../invalidation/clock.ts';
import { fault } from '../invalidation/errors.ts';
import { KeyMap, type KeyTemplates } from '../invalidation/key-map.ts';
import type { Log } from '../invalidation/log.ts';
import type { InvalidationMessage } from '../invalidation/message.ts';
import { InvalidationNode } from '../invalidation/node.ts';
import type { Position } from '../invalidation/position.ts';
import type { RedisOptions } from '../invalidation/redis.ts';
import { definitionsOf } from '../policy/definition-nodes.ts';
import { SchemaPolicy, type SchemaPolicyOptions } from '../policy/schema-policy.ts';
import { callerReader, type CallerReaderOptions } from './http/caller-reader.ts';
import { COOKIE_NAME, PositionCookie } from './http/position-cookie.ts';
import { Auditor, type AuditSettings, type AuditStats } from './caching/auditor.ts';
import { Core } from './core.ts';
import {
  entityLoader, type EntityLoader, type EntityLoaderOptions,
} from './caching/entity-loader.ts';
import { envelopCache } from './caching/envelop-cache.ts';
import { PlanCache, type PlannedSchema } from './caching/plan-cache.ts';
import { ContextRenewal } from './caching/renewal.ts';
import { ResponseCache } from './caching/response-cache.ts';
import { executeOwnSchema } from './caching/tagged-execution.ts';
import { useResponseCache } from './caching/use-response-cache.ts';

export interface FreshetPluginOptions {
  /** Shared by several servers: their log, their channel, and L2. Default none: one by itself. */
  readonly redis?: RedisOptions;
  /** Before every key of the cache in Redis. Default none. */
  readonly keyPrefix?: string;
  /** Instead of the log in Redis: for tests, and for services in the same process. */
  readonly log?: Log;
  /** Where no rule gives a time to live. Default 60 s. */
  readonly defaultTtlSeconds?: number;
  /** What `@cacheControl` and the others say, by `Type` or `Type.field`. */
  readonly rules?: NonNullable<SchemaPolicyOptions['rules']>;
  /** Fields that identify a type. Default `id`, where it has one. */
  readonly keyFields?: NonNullable<SchemaPolicyOptions['keyFields']>;
  /** Keys of services that are spelled otherwise, as templates. */
  readonly keys?: KeyTemplates;
  /**
   * Which request headers an answer may depend on: the `credentials`, by default `authorization`
   * and `cookie`, and those in `propagate`. Name every one that your resolvers or your context
   * look at.
   */
  readonly headers?: CallerReaderOptions;
  /** While the log cannot be heard, nothing read longer ago is served. Default 5,000 ms. */
  readonly maxStalenessMs?: Millis;
  /** Memory for entries. Default 256 MiB and 100,000 entries. */
  readonly l1?: { readonly bytesMax?: number; readonly entriesMax?: number };
  /** No read of the cache waits longer for Redis. Default 50 ms. */
  readonly readTimeoutMs?: Millis;
  /** How long to wait for a position that a client has seen. Default 500 ms. */
  readonly positionWaitMs?: Millis;
  /** Cookie that carries the position of a write as well, for browsers. Default none. */
  readonly positionCookie?: string;
  /** How long clients may use an answer without asking: no purge reaches them. Default 0. */
  readonly clientMaxAgeSeconds?: number;
  /**
   * Read again what a share of the hits was made of, and compare: what is the same for everybody,
   * at most five times a second by default. Default none.
   */
  readonly audit?: Pick<AuditSettings, 'share'> & Partial<Omit<AuditSettings, 'private'>>;
  /** Send the tags of an answer as `Cache-Tag`. Default false. */
  readonly exposeTags?: boolean;
  /** Told of what an operator should know. */
  readonly warn?: (text: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

export interface Freshet {
  /** For `plugins` of `createYoga`. */
  readonly plugin: Plugin;
  /** A DataLoader over the entity cache; its values carry their tags into the response. */
  entityLoader<Value, Context extends object>(
    options: EntityLoaderOptions<Value, Context>,
  ): EntityLoader<Value, Context>;
  /** For who keeps `useResponseCache` of `@envelop/response-cache`: its option `cache`. */
  readonly envelopCache: (context: object) => Cache;
  /** Resolves when the message is applied here, and is in the log or kept until it can be. */
  invalidate(message: InvalidationMessage): Promise<Position | undefined>;
  /** Staleness that the auditor has seen so far. */
  audited(): AuditStats;
  close(): Promise<void>;
}

/** What the plugin keeps at most, where `@envelop/response-cache` would keep for ever. */
const ENVELOP_TTL_MS_MAX = 24 * 60 * 60 * 1_000;
const MAX_STALENESS_MS = 5_000;
const CREDENTIALS = ['authorization', 'cookie'];
const AUDIT_DEFAULTS = { share: 0, perSecondMax: 5, private: false, graceMs: 1_000 };
const L1_DEFAULTS = { bytesMax: 256 * 1024 * 1024, entriesMax: 100_000 };

/** @throws REDIS_OPTIONS_INVALID, KEY_MAP_INVALID, CONFIG_INVALID */
export function createFreshet(options: FreshetPluginOptions = {}): Freshet {
  const core = createCore(options);
  const started = core.start();
  const planned = schemaPlanner(options);
  const { readPath, clock, node, tiers, invalidate } = core;
  const { credentials = CREDENTIALS, propagate = [] } = options.headers ?? {};
  const names = [...credentials, ...propagate];
  const { positionCookie: cookie, maxStalenessMs = MAX_STALENESS_MS } = options;
  const callerOf = callerReader({
    clock, ...options.headers, credentials, propagate: names, sentOn: false, ownCookie: cookie,
  });
  const renewal = new ContextRenewal();
  const auditor = new Auditor({
    ...AUDIT_DEFAULTS, ...options.audit,
    horizon: node.horizon, hearing: node, clock, random: options.random ?? systemRandom,
  });
  const execution = executeOwnSchema(invalidate);
  const caching = useResponseCache({
    cache: new ResponseCache({
      readPath, clock, planned, enabled: () => true, execution, auditor,
    }),
    renewal,
    callerOf: async (headers) => {
      await started;
      return callerOf(headers);
    },
    node,
    clock,
    positionWaitMs: options.positionWaitMs ?? 500,
    positionCookie: positionCookieOf(cookie, maxStalenessMs),
    clientMaxAgeSeconds: options.clientMaxAgeSeconds ?? 0,
    exposeTags: options.exposeTags ?? false,
    vary: names,
    credentials,
  });
  return {
    plugin: { ...renewal.plugin, ...caching },
    entityLoader: (loader) => entityLoader({ readPath, clock, planned }, loader),
    envelopCache: envelopCache({
      tiers, clock, invalidate, horizon: node.horizon, ttlMsMax: ENVELOP_TTL_MS_MAX,
    }),
    invalidate: (message) => node.invalidate(message),
    audited: () => auditor.stats,
    close() {
      auditor.close();
      return core.close();
    },
  };
}

/** @throws CONFIG_INVALID */
function positionCookieOf(name: string | undefined, maxStalenessMs: Millis) {
  if (name === undefined) return undefined;
  if (COOKIE_NAME.test(name)) return new PositionCookie({ name, maxStalenessMs });
  const required = 'positionCookie: the name of a cookie was required';
  throw fault('CONFIG_INVALID', { faults: `${required}, got ${JSON.stringify(name)}` });
}

/** The plugin alone, for a server that needs nothing else of it. */
export function useFreshet(options: FreshetPluginOptions = {}): Plugin {
  return createFreshet(options).plugin;
}

function createCore(options: FreshetPluginOptions): Core {
  const { redis, log, clock = systemClock, random = systemRandom, keys, warn } = options;
  const node = new InvalidationNode({
    clock,
    random,
    ...(keys !== undefined && { keyMap: new KeyMap(keys) }),
    ...(warn !== undefined && { warn }),
    ...(log !== undefined && { log }),
    ...(redis !== undefined && log === undefined && { redis: { redis } }),
  });
  const { keyPrefix = '', readTimeoutMs = 50, maxStalenessMs = MAX_STALENESS_MS, l1 } = options;
  return new Core({
    node,
    clock,
    random,
    redis: redis === undefined ? undefined : { connection: redis, keyPrefix, readTimeoutMs },
    l1: { ...L1_DEFAULTS, ...l1 },
    maxStalenessMs,
    source: 'freshet',
  });
}

/** Works out a schema's policy when it is first seen; Yoga may change it while it runs. */
function schemaPlanner(options: FreshetPluginOptions): (schema: GraphQLSchema) => PlannedPolicy {
  const { defaultTtlSeconds = 60, rules = {}, keyFields = {} } = options;
  const known = new WeakMap<GraphQLSchema, PlannedPolicy>();
  return (schema) => {
    const before = known.get(schema);
    if (before !== undefined) return before;
    const defaultTtlMs = defaultTtlSeconds * 1_000;
    const policy = new SchemaPolicy(schema, { defaultTtlMs, rules, keyFields });
    const definitions = definitionsOf(schema).map(print);
    const hash = hashOf([definitions, defaultTtlSeconds, rules, keyFields]);
    const made = { policy, hash, plans: new PlanCache(policy, schema) };
    known.set(schema, made);
    return made;
  };
}

interface PlannedPolicy extends PlannedSchema {
  readonly policy: SchemaPolicy;
}
