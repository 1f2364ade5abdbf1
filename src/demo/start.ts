/**
 * All sample services in one process, for `freshet demo`: on loopback, with one PostgreSQL inside
 * the process in which each has a schema of its own.
 */
import type { Log } from '../invalidation/log.ts';
import { INTROSPECTION_PATH, JWKS_PATH } from './auth/service.ts';
import { DEMO_PASSWORD } from './auth/storage.ts';
import { openPGlite } from './database-pglite.ts';
import { openPostgres } from './database-postgres.ts';
import { dataset } from './dataset.ts';
import {
  DEFAULT_PORTS, runService, SERVICE_NAMES, type LogSource, type RunningService, type ServiceName,
} from './run.ts';

export interface DemoOptions {
  /** Where the services publish and hear: the gateway's own log. Either this or `redisUrl`. */
  readonly log?: Log;
  readonly redisUrl?: string;
  /** PostgreSQL by URL. Default: one inside the process, in memory. */
  readonly databaseUrl?: string;
  /** Each GraphQL request waits this long first. Default 0. */
  readonly slowMs?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: any free ones. Default 5001 to 5005. */
  readonly ports?: 0 | Readonly<Record<ServiceName, number>>;
  /** Told of trouble that no caller is shown. Default: one line on stderr. */
  readonly onError?: (service: ServiceName, error: unknown) => void;
}

export interface DemoServices {
  /** `users` -> `http://127.0.0.1:5001/graphql`. */
  readonly endpoints: Readonly<Record<ServiceName, string>>;
  /** Of the keys that sign the tokens. */
  readonly jwksUrl: string;
  /** An account to log in with. */
  readonly account: { readonly login: string; readonly password: string };
  close(): Promise<void>;
}

/** Rejects when a port cannot be had or the database cannot be reached; then nothing is left. */
export async function startDemoServices(options: DemoOptions): Promise<DemoServices> {
  const source = sourceOf(options);
  const { databaseUrl, slowMs = 0, host = '127.0.0.1', ports = DEFAULT_PORTS } = options;
  const { onError = reportError } = options;
  const database = databaseUrl === undefined
    ? await openPGlite()
    : await openPostgres({ url: databaseUrl });
  const running = new Map<ServiceName, RunningService>();
  const close = async (): Promise<void> => {
    // Auth last: the others ask it until they have answered what is under way.
    for (const name of SERVICE_NAMES.toReversed()) await running.get(name)?.close();
    await database.close();
  };
  const start = async (name: ServiceName): Promise<void> => {
    running.set(name, await runService(name, {
      database, source, host, slowMs,
      port: ports === 0 ? 0 : ports[name],
      introspectionUrl: `${running.get('auth')?.origin}${INTROSPECTION_PATH}`,
      onError: (error) => onError(name, error),
    }));
  };
  try {
    const [first, ...others] = SERVICE_NAMES;
    await start(first);
    const started = await Promise.allSettled(others.map(start));
    const failed = started.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  } catch (error) {
    await close();
    throw error;
  }
  return {
    endpoints: endpointsOf(running),
    jwksUrl: `${running.get('auth')?.origin}${JWKS_PATH}`,
    account: { login: dataset().users[0]?.handle ?? '', password: DEMO_PASSWORD },
    close,
  };
}

function sourceOf({ log, redisUrl }: DemoOptions): LogSource {
  if (log !== undefined) return { log };
  if (redisUrl !== undefined) return { redis: redisUrl };
  throw new TypeError('log or redisUrl was required, got neither.');
}

function endpointsOf(
  running: ReadonlyMap<ServiceName, RunningService>,
): Readonly<Record<ServiceName, string>> {
  const entries = [...running].map(([name, { origin }]) => [name, `${origin}/graphql`]);
  return Object.fromEntries(entries) as Record<ServiceName, string>;
}

/** One line on stderr. Not the whole error: those of a database show the values of the row. */
export function reportError(service: string, error: unknown): void {
  const { message = '', code = 'unknown trouble' } = error as Partial<NodeJS.ErrnoException>;
  const text = message === '' ? code : message;
  process.stderr.write(`${service}: ${text}\n`);
}
