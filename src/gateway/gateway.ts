/**
 * Composition root of the gateway: here the concrete classes are named, and nowhere else. It knows
 * nothing of sockets; `handler` answers what a listener is asked.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { Clock, Random } from '../invalidation/clock.ts';
import type { Log, LogRecord } from '../invalidation/log.ts';
import type { NodeStats } from '../invalidation/node.ts';
import { formatPosition } from '../invalidation/position.ts';
import type { Siblings } from '../invalidation/siblings.ts';
import { buildSchema, type BuiltSchema } from './built-schema.ts';
import type { FreshetConfig } from './config/config.ts';
import { Auditor, type AuditStats } from './caching/auditor.ts';
import type { HitPathStats } from './caching/hit-path.ts';
import { Core } from './core.ts';
import type { Explainer } from './explaining/explainer.ts';
import { createExplainer } from './gateway-explainer.ts';
import { createHitPath } from './gateway-hit-path.ts';
import { createGatewayYoga } from './gateway-yoga.ts';
import type { HttpListener } from './http/http-server.ts';
import type { Repeat } from './http/repeat.ts';
import { createNode, redisConnection } from './invalidation-node.ts';
import { memoryShares } from './memory-shares.ts';
import { Operations } from './operations.ts';
import { LiveSchema } from './supergraph/live-schema.ts';
import { supergraphSource } from './supergraph/supergraph-source.ts';
import type { SupergraphSource } from './supergraph/supergraph.ts';

export interface GatewayDependencies {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
  /** Instead of the one that the configuration describes: in one process with its services. */
  readonly invalidationLog?: Log;
  /** Instead of the one that the configuration names. */
  readonly supergraph?: SupergraphSource;
  /** Other processes that share this one's ports. Default none. */
  readonly siblings?: Siblings;
  /** Told of records of the log once they are applied, from the first one on. */
  readonly onRecords?: (records: readonly LogRecord[]) => void;
  readonly signal?: AbortSignal;
}

export interface GatewayStatus {
  /** How far this node has followed the log. */
  readonly position: string;
  /** Entries stamped below it count as invalidated. */
  readonly floor: string;
  /** Whether the log is being heard. */
  readonly hears: boolean;
  /** Invalidations that wait to be appended. */
  readonly kept: number;
  readonly schemaHash: string;
  readonly l1: { readonly entries: number; readonly bytes: number; readonly evictions: number };
  readonly tiers: Core['tiers']['stats'];
  /** Answers that Yoga was not asked for. */
  readonly hitPath: HitPathStats;
  readonly loads: Core['readPath']['stats'];
  readonly writeThrough: Core['writeThrough']['stats'];
  readonly redis: NonNullable<Core['l2']>['stats'] | undefined;
  /** Whether Redis answers as L2; undefined where there is none. */
  readonly redisAnswers: boolean | undefined;
  readonly invalidation: NodeStats;
  /** Staleness that the online auditor has seen. */
  readonly audit: AuditStats;
}

export interface Gateway {
  readonly handler: (request: IncomingMessage, response: ServerResponse) => unknown;
  /** For `listeners` of `HttpServer`: answers at once what `handler` has answered before. */
  readonly listener: HttpListener;
  /** For `repeats` of `HttpServer`: the same for requests that are not parsed. */
  readonly repeats: (wire: string) => Repeat | undefined;
  /** What an operator does to its cache. */
  readonly operations: Operations;
  /** Says why something is answered as it is. */
  readonly explainer: Explainer;
  status(): GatewayStatus;
  /** Whether requests can be answered; a log that cannot be heard does not stand in the way. */
  ready(): boolean;
  close(): Promise<void>;
}

/**
 * Loads the supergraph and connects to the log; resolves when requests can be answered.
 *
 * @throws SUPERGRAPH_UNAVAILABLE, COMPOSITION_FAILED, POLICY_INVALID, REDIS_OPTIONS_INVALID
 */
export async function createGateway(
  config: FreshetConfig,
  dependencies: GatewayDependencies,
): Promise<Gateway> {
  const { log, clock, random, signal } = dependencies;
  const core = createCore(config, dependencies);
  const { horizon } = core.node;
  const auditor = new Auditor({
    ...config.cache.audit, horizon, hearing: core.node, clock, random,
  });
  const schemaHash = (): string => live.current().hash;
  const hitPath = createHitPath(config, { core, auditor, schemaHash });
  // Requests under way end on the version that they began with.
  const built = new WeakMap<GraphQLSchema, BuiltSchema>();
  const live = await LiveSchema.open<BuiltSchema>({
    source: dependencies.supergraph ?? supergraphSource(config, { clock, random }),
    build: (supergraph) => {
      const made = buildSchema({ supergraph, config, core });
      built.set(made.schema, made);
      return made;
    },
    onSwap: ({ hash }) => {
      hitPath.forget();
      log.info({ schemaHash: hash }, 'supergraph swapped');
    },
    onFailure: (error) => log.warn({ reason: error.message }, 'supergraph not taken'),
    ...(signal && { signal }),
  }).catch(async (error: unknown) => {
    await core.close();
    throw error;
  });
  if (dependencies.onRecords !== undefined) core.node.onRecords(dependencies.onRecords);
  await core.start();
  const { retentionMs, recordsMax } = config.log;
  const operations = new Operations({ core, clock, retentionMs, recordsMax });
  const planned = (schema: GraphQLSchema): BuiltSchema => built.get(schema) ?? live.current();
  const schema = (): GraphQLSchema => live.current().schema;
  const yoga = createGatewayYoga(config, { core, log, schema, planned, auditor, hitPath });
  const { explainer, close: closeExplainer } = createExplainer(config, {
    core, clock, random, current: () => live.current(),
    invalidationLog: dependencies.invalidationLog,
  });
  let closed = false;
  return {
    handler: (request, response) => yoga(request, response),
    listener: hitPath.listener,
    repeats: hitPath.repeats,
    operations,
    explainer,
    status: () => ({
      ...statusOf(core, live.current()), hitPath: hitPath.stats, audit: auditor.stats,
    }),
    ready: () => !closed,
    async close() {
      closed = true;
      live.stop();
      auditor.close();
      operations.close();
      closeExplainer();
      await core.close();
    },
  };
}

function createCore(config: FreshetConfig, dependencies: GatewayDependencies): Core {
  const { clock, random, invalidationLog } = dependencies;
  const { redis, cache } = config;
  const tier = redis === undefined || invalidationLog !== undefined ? undefined : {
    connection: redisConnection(redis),
    keyPrefix: redis.keyPrefix,
    readTimeoutMs: redis.readTimeoutMs,
  };
  return new Core({
    node: createNode(config, dependencies),
    clock,
    random,
    redis: tier,
    l1: { ...cache.l1, bytesMax: memoryShares(cache.l1.bytesMax).entries },
    maxStalenessMs: cache.maxStalenessMs,
    appendTimeoutMs: redis?.appendTimeoutMs,
    source: 'freshet',
  });
}

function statusOf(
  { node, l1, l2, tiers, readPath, writeThrough }: Core,
  { hash }: BuiltSchema,
): Omit<GatewayStatus, 'audit' | 'hitPath'> {
  const stats = node.stats;
  return {
    position: formatPosition(stats.position),
    floor: formatPosition(stats.floor),
    hears: stats.hears,
    kept: stats.outbox,
    schemaHash: hash,
    l1: { entries: l1.size, bytes: l1.bytes, evictions: l1.stats.evictions },
    tiers: tiers.stats,
    loads: readPath.stats,
    writeThrough: writeThrough.stats,
    redis: l2?.stats,
    redisAnswers: l2?.isAnswering,
    invalidation: stats,
  };
}
