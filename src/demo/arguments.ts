/** Reads the command line of `main.ts`. */
import { parseArgs } from 'node:util';
import { DEFAULT_PORTS, SERVICE_NAMES, type ServiceName } from './run.ts';

export interface ServiceArguments {
  readonly service: ServiceName | 'all';
  readonly redisUrl: string;
  readonly databaseUrl: string | undefined;
  readonly host: string;
  readonly port: number | undefined;
  readonly slowMs: number;
  readonly authUrl: string;
}

const SLOW_MS_MAX = 60_000;

export const USAGE = `Usage: node src/demo/main.ts --service NAME --redis URL [options]

  --service NAME   ${SERVICE_NAMES.join(', ')}, or all
  --redis URL      where invalidations go: redis://127.0.0.1:6379
  --database URL   postgres://user:password@host:5432/name (default: inside the process, in memory)
  --host ADDRESS   to listen on (default 127.0.0.1)
  --port N         (default ${portList()})
  --auth URL       where auth is (default http://127.0.0.1:${DEFAULT_PORTS.auth})
  --slow-ms N      each GraphQL request waits this long first (default 0)
  --help
`;

/** The arguments, `help`, or what is wrong with them. */
export function readArguments(args: readonly string[]): ServiceArguments | string {
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({ args: [...args], options: OPTIONS }));
  } catch (error) {
    return (error as Error).message;
  }
  if (values['help'] === true) return 'help';
  const texts = values as Partial<Record<string, string>>;
  const { service, redis, database, host = '127.0.0.1', port, auth } = texts;
  if (service === undefined || !isService(service)) {
    return wrong('service', `${SERVICE_NAMES.join(', ')} or all`, service);
  }
  if (redis === undefined) return wrong('redis', 'a URL', redis);
  if (database !== undefined && !isUrl(database, /^postgres(ql)?:$/)) {
    return wrong('database', 'a URL that begins with postgres:', 'another text');
  }
  const authUrl = auth ?? `http://127.0.0.1:${DEFAULT_PORTS.auth}`;
  if (!isUrl(authUrl, /^https?:$/)) return wrong('auth', 'an http or https URL', authUrl);
  const slow = texts['slow-ms'];
  const slowMs = wholeNumber(slow ?? '0', SLOW_MS_MAX);
  if (slowMs === undefined) return wrong('slow-ms', `0 to ${SLOW_MS_MAX}`, slow);
  const portNumber = port === undefined ? undefined : wholeNumber(port, 65_535);
  if (port !== undefined && portNumber === undefined) return wrong('port', '0 to 65535', port);
  if (port !== undefined && service === 'all') return wrong('port', 'none with all', port);
  return {
    service, host, slowMs, authUrl,
    redisUrl: redis, databaseUrl: database, port: portNumber,
  };
}

const OPTIONS = {
  service: { type: 'string' },
  redis: { type: 'string' },
  database: { type: 'string' },
  host: { type: 'string' },
  port: { type: 'string' },
  auth: { type: 'string' },
  'slow-ms': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

function isService(name: string): name is ServiceName | 'all' {
  return name === 'all' || (SERVICE_NAMES as readonly string[]).includes(name);
}

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol);
}

function wholeNumber(text: string, max: number): number | undefined {
  return /^\d{1,6}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function wrong(option: string, required: string, got: string | undefined): string {
  return `--${option}: ${required} was required, got ${got ?? 'none'}.`;
}

function portList(): string {
  return Object.entries(DEFAULT_PORTS).map(([name, port]) => `${name} ${port}`).join(', ');
}
