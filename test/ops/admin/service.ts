/** The operators' app over a cache of its own: a real node on a log in memory, without sockets. */
import { createHash, createHmac } from 'node:crypto';
import { buildSchema } from 'graphql';
import { responseKey } from '../../../src/cache/key.ts';
import { PlanCache } from '../../../src/gateway/caching/plan-cache.ts';
import {
  resolveConfig, type FreshetConfig, type FreshetOptions,
} from '../../../src/gateway/config/config.ts';
import { Core } from '../../../src/gateway/core.ts';
import { createExplainer } from '../../../src/gateway/gateway-explainer.ts';
import type { GatewayStatus } from '../../../src/gateway/gateway.ts';
import { Operations } from '../../../src/gateway/operations.ts';
import { systemClock, systemRandom, type Clock } from '../../../src/invalidation/clock.ts';
import { MemoryLog } from '../../../src/invalidation/log-memory.ts';
import type { Log, LogRecord } from '../../../src/invalidation/log.ts';
import { InvalidationNode } from '../../../src/invalidation/node.ts';
import { formatPosition } from '../../../src/invalidation/position.ts';
import { SchemaPolicy } from '../../../src/policy/schema-policy.ts';
import { createAdminApp, type AdminOptions } from '../../../src/ops/admin/app.ts';
import { Dashboard } from '../../../src/ops/admin/dashboard.ts';
import { Invalidator } from '../../../src/ops/admin/invalidator.ts';
import { PurgeEvents } from '../../../src/ops/admin/purge-events.ts';
import { entryOf } from '../../cache/samples.ts';
import { until } from '../../support/until.ts';

export const SECRET = 'a-shared-secret-of-webhooks-0123456789';
export const TOKENS = {
  read: 'token-of-a-reader', purge: 'token-of-a-purger', admin: 'token-of-an-admin',
};

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

export interface ServiceOptions {
  readonly config?: Partial<FreshetOptions>;
  readonly log?: Log;
  readonly clock?: Clock;
  readonly admin?: Partial<AdminOptions>;
}

export interface Asking {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Service = Awaited<ReturnType<typeof openService>>;

/** With a token for each role, and webhooks. */
export async function openService(options: ServiceOptions = {}) {
  const { log = new MemoryLog(), clock = systemClock } = options;
  const config = resolveConfig({
    supergraph: 'unused',
    adminTokens: Object.entries(TOKENS).map(([role, token]) =>
      ({ name: `the-${role}`, role: role as keyof typeof TOKENS, hash: hashOf(token) })),
    webhook: { secrets: [SECRET] },
    ...options.config,
  });
  const node = new InvalidationNode({ log, outboxRecordsMax: 10, settleMs: 0 });
  const core = new Core({
    node, clock: systemClock, random: systemRandom, redis: undefined,
    l1: { bytesMax: 2 ** 24, entriesMax: 1_000 }, maxStalenessMs: 5_000, source: 'freshet',
  });
  const invalidator = new Invalidator({ clock, replayMs: 600_000, replaysMax: 1_000 });
  const records: LogRecord[] = [];
  const events = new PurgeEvents({
    clock, heartbeatMs: 50,
    purgesOf: (message) => node.purgesOf(message),
    touched: (record) => invalidator.touched(record),
    position: () => formatPosition(node.position),
    gaps: () => node.stats.gaps,
  });
  node.onRecords((some) => {
    records.push(...some);
    invalidator.heard(some);
    events.heard(some);
  });
  await core.start();
  await until(() => node.hears(systemClock.now()), { what: 'the log is heard' });
  const operations = new Operations({
    core, clock: systemClock, retentionMs: 3_600_000, recordsMax: 1_000,
  });
  invalidator.open(operations);
  const stats = async () => ({
    processId: 7, version: '1', ready: true, uptimeSeconds: 2, memoryBytes: 3,
    gateway: statusOf(core),
  });
  const explain = explainOf({ core, config, log, operations });
  const dashboard = new Dashboard({
    config, clock, random: systemRandom, colleagues: options.admin?.colleagues, stats,
    isLogOwn: true,
    caching: () => operations.caching, explainer: explain.explainer,
  });
  await dashboard.start();
  const app = createAdminApp({
    config, clock, version: '1', invalidator, events, stats, dashboard: dashboard.routes,
    explain,
    log: { warn: () => undefined, error: () => undefined },
    health: () => ({ notReadyBecause: undefined, hearing: true }),
    ...options.admin,
  });
  return {
    app, core, operations, records, config, events,
    /** Keeps an entry with these tags under a name. */
    fill(name: string, ...tags: string[]) {
      const [readAt, stamp] = [systemClock.now(), node.position];
      return core.tiers.set(responseKey([name]), entryOf(name, { tags, readAt, stamp }));
    },
    holds: (name: string): boolean => core.tiers.peek(responseKey([name])) !== undefined,
    ask(path: string, { method, token, body, headers = {} }: Asking = {}): Promise<Response> {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return Promise.resolve(app.request(path, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          host: 'localhost:4001',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: text }),
      }));
    },
    async close() {
      events.close();
      await dashboard.close();
      operations.close();
      await core.close();
    },
  };
}

/** Of a schema with a field. */
function explainOf({ core, config, log, operations }: {
  core: Core; config: FreshetConfig; log: Log; operations: Operations;
}): AdminOptions['explain'] {
  const schema = buildSchema('type Query { user(id: ID): User } type User { id: ID }');
  const policy = new SchemaPolicy(schema);
  const plans = new PlanCache(policy, schema);
  const { explainer } = createExplainer(config, {
    core, clock: systemClock, random: systemRandom, invalidationLog: log,
    current: () => ({ schema, policy, plans, hash: 'of-the-schema' }),
  });
  return {
    explainer: () => explainer,
    node: () => {
      const { position, floor } = core.node.horizon;
      return {
        caching: operations.caching.isOn ? 'on' : 'off', hears_log: true,
        position: formatPosition(position), floor: formatPosition(floor),
      };
    },
  };
}

function statusOf({ node, l1, tiers, readPath }: Core): GatewayStatus {
  const { stats } = node;
  return {
    position: formatPosition(stats.position), floor: formatPosition(stats.floor),
    hears: stats.hears, kept: stats.outbox,
    l1: { entries: l1.size, bytes: l1.bytes, evictions: l1.stats.evictions },
    tiers: tiers.stats, loads: readPath.stats, invalidation: stats,
  } as unknown as GatewayStatus;
}

/** The header of a webhook whose sender knows the secret. */
export function signatureOf(
  body: string,
  { at = Date.now(), secret = SECRET }: { at?: number; secret?: string } = {},
): Record<string, string> {
  const time = Math.floor(at / 1_000);
  const mac = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return { 'freshet-signature': `t=${time},v1=${mac}` };
}

export async function codeOf(response: Response): Promise<[number, string]> {
  const { errors } = await response.json() as { errors: [{ extensions: { code: string } }] };
  return [response.status, errors[0].extensions.code];
}
