/** Reads the command line, runs the command, and says in one message why it could not. */
import { parseArgs } from 'node:util';
import { nearestWord } from '../../gateway/config/config-faults.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import {
  CommandFailure, UsageError, type Command, type Flag, type FlagValues, type Surroundings,
} from './command.ts';
import { COMMANDS } from './commands.ts';
import { EXIT } from './exit-codes.ts';
import { helpOf, overview } from './help.ts';

export interface MainOptions extends Surroundings {
  /** Default: all there are. */
  readonly commands?: readonly Command[];
}

/** Resolves to the exit code, or to undefined where the process goes on. Never rejects. */
export async function main(
  args: readonly string[],
  options: MainOptions,
): Promise<number | undefined> {
  try {
    return await run(args, options);
  } catch (error) {
    const message = messageOf(error, options);
    const { code, exitCode } = outcomeOf(error);
    options.printError(args.includes('--json')
      ? `${JSON.stringify({ error: { code, message, exit_code: exitCode } })}\n`
      : `freshet: ${message}\n`);
    return exitCode;
  }
}

function outcomeOf(error: unknown): { code: string; exitCode: number } {
  if (error instanceof CommandFailure) return error;
  if (error instanceof UsageError) return { code: 'USAGE', exitCode: EXIT.usage };
  if (!(error instanceof FreshetError)) return { code: 'UNEXPECTED', exitCode: EXIT.failed };
  const { code } = error;
  return { code, exitCode: code === 'CONFIG_INVALID' ? EXIT.usage : EXIT.failed };
}

async function run(args: readonly string[], options: MainOptions): Promise<number | undefined> {
  const { commands = COMMANDS, print, version } = options;
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') {
    print(`${version}\n`);
    return 0;
  }
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const about = rest[0] === undefined ? undefined : findCommand(rest[0], commands);
    print(about ? helpOf(about) : overview(commands));
    return name === undefined ? EXIT.usage : EXIT.done;
  }
  const command = findCommand(name, commands);
  if (rest.includes('--help') || rest.includes('-h')) {
    print(helpOf(command));
    return 0;
  }
  const { values, words } = parse(command, rest);
  return command.run(values, options, words);
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const names = commands.map((one) => one.name);
  const hint = hintAt(nearestWord(name, names)) || `: one of ${names.join(', ')} was required`;
  throw new UsageError(`unknown command ${JSON.stringify(name)}${hint}`);
}

interface Parsed {
  readonly values: FlagValues;
  readonly words: readonly string[];
}

function parse(command: Command, args: readonly string[]): Parsed {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(command.flags
      .map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }])),
  });
  const values = new Map<string, string[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      words.push(token.value);
      continue;
    }
    const value = valueOf(token, findFlag(token, command));
    values.set(token.name, [...(values.get(token.name) ?? []), value]);
  }
  checkWords(words, command);
  return { values, words };
}

interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function findFlag({ name, rawName }: FlagToken, command: Command): Flag {
  const flag = command.flags.find((one) => one.name === name);
  if (flag !== undefined) return flag;
  const nearest = nearestWord(name, command.flags.map((one) => one.name));
  const hint = hintAt(nearest && `--${nearest}`);
  throw new UsageError(`${command.name}: unknown flag ${rawName}${hint}`);
}

function valueOf(token: FlagToken, flag: Flag): string {
  const { value } = token;
  if (flag.value === undefined) {
    if (value === undefined) return '';
    throw new UsageError(`--${flag.name}: no value was required, got one`);
  }
  // `--port --host` is a forgotten value, not a host called --host.
  if (value === undefined || value === '' || looksLikeFlag(token)) {
    throw new UsageError(`--${flag.name}: ${flag.value} was required, got nothing`);
  }
  requireChoice(`--${flag.name}`, value, flag.choices);
  return value;
}

function checkWords(words: readonly string[], { name, argument }: Command): void {
  const [first, second] = words;
  if (argument === undefined) {
    if (first === undefined) return;
    throw new UsageError(`${name}: only flags were required, got ${JSON.stringify(first)}`);
  }
  if (first === undefined) throw new UsageError(`${name}: ${argument.name} was required, got none`);
  if (second !== undefined && argument.multiple !== true) {
    throw new UsageError(`${name}: one ${argument.name} was required, got ${words.length}`);
  }
  for (const word of words) {
    if (word === '') throw new UsageError(`${name}: ${argument.name} was required, got nothing`);
    requireChoice(name, word, argument.choices);
  }
}

function requireChoice(
  what: string,
  value: string,
  choices: readonly string[] | undefined,
): void {
  if (choices === undefined || choices.includes(value)) return;
  const required = choices.join(', ');
  throw new UsageError(`${what}: one of ${required} was required, got ${JSON.stringify(value)}`);
}

function looksLikeFlag({ value, inlineValue }: FlagToken): boolean {
  return inlineValue === false && value?.startsWith('--') === true;
}

function hintAt(nearest: string | undefined): string {
  return nearest === undefined ? '' : `: did you mean ${nearest}?`;
}

function messageOf(error: unknown, { environment }: Surroundings): string {
  if (!(error instanceof Error)) return String(error);
  return environment['FRESHET_DEBUG'] ? error.stack ?? error.message : error.message;
}
