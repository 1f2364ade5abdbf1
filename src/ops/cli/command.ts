/** What a command of the command line is. */
import type { Environment } from '../config/environment.ts';

export interface Command {
  readonly name: string;
  /** One line in the list of commands. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** Lines that can be run as they are. */
  readonly examples: readonly string[];
  /** Resolves to the exit code, or to undefined where the process goes on. */
  readonly run: (flags: FlagValues, surroundings: Surroundings) => Promise<number | undefined>;
}

export interface Flag {
  readonly name: string;
  /** What stands for its value in the help; without it the flag has none. */
  readonly value?: string;
  readonly multiple?: boolean;
  readonly description: string;
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
  readonly print: (text: string) => void;
}

/** The command line is not as it has to be. Exit code 2. */
export class UsageError extends Error {}
