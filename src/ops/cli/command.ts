/** What a command of the command line is. */
import type { Environment } from '../config/environment.ts';
import type { ExitCode } from './exit-codes.ts';

export interface Command {
  readonly name: string;
  /** One line in the list of commands. */
  readonly summary: string;
  /** What stands after the name beside flags. Default nothing. */
  readonly argument?: Argument;
  readonly flags: readonly Flag[];
  /** Lines that can be run as they are. */
  readonly examples: readonly string[];
  /** What else its help says, at most 98 columns wide. */
  readonly notes?: readonly string[];
  /**
   * Resolves to the exit code, or to undefined where the process goes on. `words` is what was given
   * for `argument`.
   */
  readonly run: (
    flags: FlagValues,
    surroundings: Surroundings,
    words: readonly string[],
  ) => Promise<number | undefined>;
}

export interface Argument {
  /** What stands for it in the help: `PATTERN`. */
  readonly name: string;
  readonly description: string;
  /** May be given several times. Default false. */
  readonly multiple?: boolean;
  /** Where it is not one of these, the command is not run. */
  readonly choices?: readonly string[];
}

export interface Flag {
  readonly name: string;
  /** What stands for its value in the help; without it the flag has none. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly description: string;
  /** Where its value is not one of these, the command is not run. */
  readonly choices?: readonly string[];
  /** The option of the configuration that it sets. */
  readonly path?: readonly string[];
}

/** The values of the flags that were given, by name. */
export type FlagValues = ReadonlyMap<string, readonly string[]>;

/** What a command sees of the process that it runs in. */
export interface Surroundings {
  readonly directory: string;
  readonly environment: Environment;
  readonly version: string;
  /** What was asked for: standard output. */
  readonly print: (text: string) => void;
  /** What has to be said beside it: standard error. */
  readonly printError: (text: string) => void;
}

/** Of every command that prints what another program may want to read. */
export const JSON_FLAG: Flag = {
  name: 'json',
  description: 'print JSON; what went wrong as well, to standard error',
};

/** The command line is not as it has to be. Exit code 2. */
export class UsageError extends Error {}

/** A command could not do what it was asked: with a code that stays, and its exit code. */
export class CommandFailure extends Error {
  readonly code: string;
  readonly exitCode: ExitCode;

  constructor(
    message: string,
    { code, exitCode, cause }: { code: string; exitCode: ExitCode; cause?: unknown },
  ) {
    super(message, { cause });
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** The value that was given last. */
export function lastOf(values: FlagValues, { name }: Pick<Flag, 'name'>): string | undefined {
  return values.get(name)?.at(-1);
}

/** A whole number from `least` to `most`; `byDefault` where none was given. Throws UsageError. */
export function numberOf(
  values: FlagValues,
  { name }: Pick<Flag, 'name'>,
  { least, most, byDefault }: { least: number; most: number; byDefault: number },
): number {
  const text = values.get(name)?.at(-1);
  if (text === undefined) return byDefault;
  if (/^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
  throw new UsageError(`--${name}: a whole number from ${least} to ${most} was required, got ` +
    JSON.stringify(text));
}

export function asJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
