/**
 * One sample service as a process of its own, or all of them in one:
 *
 *   node src/demo/main.ts --service users --redis redis://127.0.0.1:6379
 *   node src/demo/main.ts --service all --redis redis://127.0.0.1:6379
 *
 * Ends on SIGTERM or SIGINT once the requests under way are answered. Exit codes: 0 after a signal,
 * 1 when it cannot start, 2 for arguments that it cannot use.
 */
import { openPGlite } from './database-pglite.ts';
import { openPostgres } from './database-postgres.ts';
import { readArguments, USAGE, type ServiceArguments } from './arguments.ts';
import { INTROSPECTION_PATH } from './auth/service.ts';
import { DEFAULT_PORTS, runService, type ServiceName } from './run.ts';
import { reportError, startDemoServices } from './start.ts';

interface Running {
  readonly lines: readonly string[];
  close(): Promise<void>;
}

async function main(): Promise<void> {
  const given = readArguments(process.argv.slice(2));
  if (given === 'help') {
    process.stdout.write(USAGE);
    return;
  }
  if (typeof given === 'string') {
    process.stderr.write(`${given}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  let running: Running;
  try {
    running = await (given.service === 'all' ? runAll(given) : runOne(given.service, given));
  } catch (error) {
    reportError(given.service, error);
    // Connections that are still being tried would keep the process.
    process.exit(1);
  }
  endOnSignal(running);
  for (const line of running.lines) process.stdout.write(`${line}\n`);
}

async function runAll(given: ServiceArguments): Promise<Running> {
  const { redisUrl, databaseUrl, slowMs, host } = given;
  const services = await startDemoServices({
    redisUrl, slowMs, host, ...(databaseUrl !== undefined && { databaseUrl }),
  });
  const lines = Object.entries(services.endpoints).map(([name, url]) => ready(name, url));
  return { lines, close: () => services.close() };
}

async function runOne(name: ServiceName, given: ServiceArguments): Promise<Running> {
  const { redisUrl, databaseUrl, slowMs, host, port = DEFAULT_PORTS[name], authUrl } = given;
  const database = databaseUrl === undefined
    ? await openPGlite()
    : await openPostgres({ url: databaseUrl });
  const service = await runService(name, {
    database, host, port, slowMs,
    source: { redis: redisUrl },
    introspectionUrl: new URL(INTROSPECTION_PATH, authUrl).href,
    onError: (error) => reportError(name, error),
  });
  return {
    lines: [ready(name, `${service.origin}/graphql`)],
    async close() {
      await service.close();
      await database.close();
    },
  };
}

function ready(name: string, url: string): string {
  return `${name} is ready at ${url}`;
}

function endOnSignal(running: Running): void {
  let ending = false;
  const end = (): void => {
    // Whoever asks twice does not want to wait.
    if (ending) process.exit(1);
    ending = true;
    running.close().then(() => process.exit(0), (error: unknown) => {
      reportError('demo', error);
      process.exit(1);
    });
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

await main();
