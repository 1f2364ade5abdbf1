/**
 * The log of a process: one line an event. JSON in production, for machines; in development the
 * same events as lines for people. What may hold a secret is cut out by name.
 */
import { pino, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  readonly level: string;
  readonly production: boolean;
  /** Default: standard output. */
  readonly write?: (line: string) => void;
}

/** At the top of an event and one level below it. Headers come as `headers`, in whole. */
const SECRET_NAMES = [
  'authorization', 'cookie', '"set-cookie"', 'token', 'adminToken', 'password', 'secret', 'headers',
  'variables', 'body', 'payload',
];

const SECRET_PATHS = SECRET_NAMES.flatMap((name) =>
  [name, name.startsWith('"') ? `*[${name}]` : `*.${name}`]
    .map((path) => (path.startsWith('"') ? `[${path}]` : path)));

export function createLogger({ level, production, write }: LoggerOptions): Logger {
  const out = write ?? ((line: string) => void process.stdout.write(line));
  const destination: DestinationStream = {
    write: production ? out : (line) => out(readable(line)),
  };
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET_PATHS, censor: '(hidden)' },
    serializers: { error: describeError },
    errorKey: 'error',
  }, destination);
}

interface Event extends Readonly<Record<string, unknown>> {
  readonly time: string;
  readonly level: string;
  readonly msg?: string;
}

/** `12:00:00.000 info  listening url=http://127.0.0.1:4000/graphql` */
function readable(line: string): string {
  const { time, level, msg = '', ...rest } = JSON.parse(line) as Event;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${show(value)}`);
  return `${[time.slice(11, 23), level.padEnd(5), msg, ...details].join(' ')}\n`;
}

function show(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}

/** On one line: the stack only of what is not a known fault. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined) return { code, message: error.message };
  return { message: error.message, stack: error.stack };
}
