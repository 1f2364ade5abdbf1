/** `freshet demo`: the sample services and a gateway in front of them, in one process. */
import type { DemoOptions, DemoServices } from '../../demo/start.ts';
import type { FreshetConfig } from '../../gateway/config/config.ts';
import type { Log } from '../../invalidation/log.ts';
import type { Assignment } from '../config/layer.ts';
import { UsageError, type Command, type Flag, type FlagValues } from './command.ts';
import { configOf, JSON_LOG_FLAG, LISTENER_FLAGS } from './gateway-flags.ts';
import { invitation } from './invitation.ts';
import { startProcess } from './start.ts';

const SLOW_FLAG: Flag = {
  name: 'slow-ms',
  value: 'N',
  description: 'let the services wait this long before each answer (default 0)',
};

const flags = [...LISTENER_FLAGS, SLOW_FLAG, JSON_LOG_FLAG];

/** Where the services are is known only once they run; until then this stands for them. */
const NOT_YET: Assignment = {
  path: ['subgraphs', 'demo', 'url'],
  value: 'http://localhost/graphql',
  source: 'freshet demo',
};

export const demo: Command = {
  name: 'demo',
  summary: 'start five sample services and a gateway in front of them',
  flags,
  examples: [
    'freshet demo',
    'freshet demo --slow-ms 300',
    'freshet demo --redis redis://localhost:6379 --port 4100 --admin-port 4101',
  ],
  async run(values, surroundings) {
    const slowMs = slowMsOf(values);
    const given = await configOf(values, { flags, surroundings, extra: [NOT_YET] });
    const json = values.has(JSON_LOG_FLAG.name);
    const process = await startProcess(given, surroundings, { json });
    const { services, invalidationLog } = await startServices(given, {
      slowMs,
      onError: (service, error) => process.log.warn({ service, error }, 'a sample service failed'),
    });
    process.lifecycle.onClose('services', () => services.close());
    const node = await process.serve(configFor(given, services), { invalidationLog });
    if (node === undefined) return undefined;
    const { endpoints } = services;
    if (json) process.log.info({ ...node, endpoints }, 'listening');
    else surroundings.print(invitation(node, services));
    return undefined;
  },
};

function slowMsOf(values: FlagValues): number {
  const text = values.get(SLOW_FLAG.name)?.at(-1) ?? '0';
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new UsageError(`--slow-ms: at most 5 digits were required, got ${JSON.stringify(text)}`);
}

interface Started {
  readonly services: DemoServices;
  /** Shared with the gateway where there is no Redis. */
  readonly invalidationLog: Log | undefined;
}

/** On the ports that the documentation names, or on any where one of them is taken. */
async function startServices(config: FreshetConfig, part: Partial<DemoOptions>): Promise<Started> {
  const [{ startDemoServices }, { MemoryLog }] = await Promise.all([
    import('../../demo/start.ts'),
    import('../../invalidation/log-memory.ts'),
  ]);
  const { redis, database, log } = config;
  if (redis !== undefined && redis.url === undefined) {
    throw new UsageError('--redis: the sample services need a URL, got Sentinels');
  }
  const { heartbeatMs } = log;
  const invalidationLog = redis === undefined ? new MemoryLog({ heartbeatMs }) : undefined;
  const options: DemoOptions = {
    ...part,
    ...(invalidationLog && { log: invalidationLog }),
    ...(redis?.url !== undefined && { redisUrl: redis.url }),
    ...(database !== undefined && { databaseUrl: database }),
  };
  const services = await startDemoServices(options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    return startDemoServices({ ...options, ports: 0 });
  });
  return { services, invalidationLog };
}

/**
 * Tokens are verified, so that answers are shared by what is in them, and end with the session; and
 * there is an audit to look into.
 */
function configFor(given: FreshetConfig, { endpoints, jwksUrl }: DemoServices): FreshetConfig {
  const subgraphs = Object.fromEntries(Object.entries(endpoints)
    .map(([name, url]) => [name, { url }]));
  const jwt = given.jwt ?? { jwksUrl, claims: ['sub'], sessionClaim: 'sid' };
  return { ...given, subgraphs, jwt, audit: { ...given.audit, enabled: true } };
}
