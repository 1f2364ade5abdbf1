/**
 * Makes connections to Redis, and is the only place that does: one server, a Cluster, or a master
 * that Sentinels name.
 *
 * It promises: a connection never throws because Redis is absent, now or later; it tries again by
 * itself, at most a second apart; a command that cannot be sent is refused at once instead of being
 * queued; one that is not answered is refused after the bound that was asked for, and never sent a
 * second time; and no error of it shows a credential.
 */
import type { ConnectionOptions } from 'node:tls';
import { Cluster, Redis, type RedisOptions as ClientOptions } from 'ioredis';
import { systemRandom, type Millis, type Random } from './clock.ts';
import { fault, FreshetError } from './errors.ts';
import { readRedisOptions, type RedisOptions, type RedisPlan } from './redis-options.ts';

export type { RedisOptions } from './redis-options.ts';

export type RedisClient = Redis | Cluster;

export interface RedisConnectionOptions {
  /** Shown by CLIENT LIST. Default `freshet`. */
  readonly name?: string;
  /**
   * A command without an answer is refused after this long, also where the answer lies unread in a
   * process that stood still. `Infinity` for who waits with `within`, which reads it first. Default
   * 1,000 ms.
   */
  readonly commandTimeoutMs?: Millis;
  /** Commands sent in one turn of the event loop travel together. Default false. */
  readonly autoPipelining?: boolean;
  /**
   * Names of commands that do not wait for others to travel with, nor for the answers to those that
   * did before. In a Cluster all do. Default none.
   */
  readonly unpipelined?: readonly string[];
  /** Spreads the attempts of many clients. Default `systemRandom`. */
  readonly random?: Random;
}

/** No caller waits longer until an invalidation is in the log, where nothing else is said. */
export const APPEND_MS_MAX: Millis = 250;
const RETRY_FIRST_MS = 50;
const RETRY_CAP_MS = 1_000;
/** How long a socket may take to close in good order: a server that is stopped never answers. */
const DISCONNECT_TIMEOUT_MS = 50;

/**
 * Begins to connect and returns at once. `options` is a URL, a comma-separated list of URLs (a
 * Cluster), or an object. Throws `REDIS_OPTIONS_INVALID` for options that can never work, and for
 * nothing else. `disconnect()` ends it.
 */
export function connectRedis(
  options: RedisOptions,
  connection: RedisConnectionOptions = {},
): RedisClient {
  const plan = readRedisOptions(options);
  const client = plan.kind === 'cluster' ? cluster(plan, connection) : single(plan, connection);
  // Without a listener Node would end the process. Whoever waits for the client learns of the
  // trouble by its command being refused.
  client.on('error', () => undefined);
  return client;
}

/**
 * As `connectRedis`, for Pub/Sub. In a Cluster every node passes on what is published at any other,
 * so one of those named is enough: each `attempt` takes the next.
 */
export function connectListener(
  options: RedisOptions,
  { attempt, ...connection }: RedisConnectionOptions & { readonly attempt: number },
): Redis {
  const plan = readRedisOptions(options);
  const node = plan.nodes[attempt % Math.max(1, plan.nodes.length)];
  const client = single({ ...plan, nodes: node === undefined ? [] : [node] }, connection);
  client.on('error', () => undefined);
  return client;
}

/** Doubles from 50 ms to a second; half of it by chance, so that a fleet does not come at once. */
export function backoffMs(attempt: number, random: Random, capMs: Millis = RETRY_CAP_MS): Millis {
  const fullMs = Math.min(capMs, RETRY_FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.ceil(fullMs * (0.5 + random() / 2));
}

/**
 * Why a command failed, in words that are safe to show. The client's own error objects hold the
 * arguments of the command, and so the password where logging in failed: they are never passed on.
 */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown failure';
  const code = (error as NodeJS.ErrnoException).code;
  return error.message === '' ? (code ?? error.name) : error.message;
}

/** What Redis itself answers, where it was reached and does not do it: so it is there. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** What a caller of the log is told when a command failed. */
export function unavailable(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error;
  return fault('LOG_UNAVAILABLE', { reason: reasonOf(error) });
}

function single(plan: RedisPlan, connection: RedisConnectionOptions): Redis {
  const retry = retryStrategy(connection);
  const sentinels = plan.sentinels === undefined ? {} : {
    sentinels: plan.sentinels.map(({ host, port }) => ({ host, port })),
    name: plan.sentinelName,
    sentinelUsername: plan.sentinelUsername,
    sentinelPassword: plan.sentinelPassword,
    sentinelRetryStrategy: retry,
    sentinelCommandTimeout: RETRY_CAP_MS,
    enableTLSForSentinelMode: plan.tls !== undefined,
    // A master that was replaced is left when a Sentinel says so, not when it stops to answer.
    failoverDetector: true,
    ...(plan.sentinelTls === undefined ? {} : { sentinelTLS: plan.sentinelTls }),
  };
  const [node] = plan.nodes;
  const client = new Redis({
    ...common(plan, connection),
    ...(node === undefined ? {} : { host: node.host, port: node.port }),
    ...sentinels,
    db: plan.db,
    retryStrategy: retry,
    enableOfflineQueue: false,
    enableAutoPipelining: connection.autoPipelining ?? false,
    autoPipeliningIgnoredCommands: [...(connection.unpipelined ?? [])],
  });
  comeBack(client);
  return client;
}

/**
 * A client that is told of a failover while it connects anew ends for good, as if its owner had
 * ended it. It begins again, unless its owner has.
 */
function comeBack(client: Redis): void {
  const disconnect = client.disconnect.bind(client);
  let isOver = false;
  client.disconnect = (reconnect = false) => {
    isOver ||= !reconnect;
    disconnect(reconnect);
  };
  client.on('end', () => {
    if (!isOver) client.connect().catch(() => undefined);
  });
}

function cluster(plan: RedisPlan, connection: RedisConnectionOptions): Cluster {
  const client = new Cluster(plan.nodes.map(({ host, port }) => ({ host, port })), {
    clusterRetryStrategy: retryStrategy(connection),
    enableOfflineQueue: false,
    enableAutoPipelining: connection.autoPipelining ?? false,
    slotsRefreshTimeout: RETRY_CAP_MS,
    // A certificate is for the name; the address behind it would not match.
    ...(plan.tls === undefined ? {} : {
      dnsLookup: (address: string, done: (error: null, address: string) => void) =>
        done(null, address),
    }),
    redisOptions: common(plan, connection),
  });
  client.on('+node', settleAsking);
  return client;
}

/**
 * While a slot moves, the client sends ASKING before a command that it was told to send elsewhere,
 * and looks at no answer. Where none comes, the rejection would end the process; the command itself
 * is refused in the same way, and that is seen.
 */
function settleAsking(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = (...args) => {
    const asked = asking(...args);
    asked.catch(() => undefined);
    return asked;
  };
}

type NodeOptions = ClientOptions & { readonly replyMapping: 'legacy' };

function common(plan: RedisPlan, connection: RedisConnectionOptions): NodeOptions {
  const { name = 'freshet', commandTimeoutMs = 1_000 } = connection;
  return {
    ...(plan.username === undefined ? {} : { username: plan.username }),
    ...(plan.password === undefined ? {} : { password: plan.password }),
    ...(plan.tls === undefined ? {} : { tls: plan.tls satisfies ConnectionOptions }),
    connectionName: name,
    // Replies look the same whichever version of the protocol the server speaks.
    replyMapping: 'legacy',
    ...(Number.isFinite(commandTimeoutMs) ? { commandTimeout: commandTimeoutMs } : {}),
    connectTimeout: plan.connectTimeoutMs,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    autoResendUnfulfilledCommands: false,
    // What was sent on a connection that broke is refused, not kept for the next one.
    maxRetriesPerRequest: 0,
    // A master that became a replica refuses writes: connect again, to whoever is master now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function retryStrategy(connection: RedisConnectionOptions): (times: number) => number {
  const { random = systemRandom } = connection;
  return (times) => backoffMs(times - 1, random);
}
