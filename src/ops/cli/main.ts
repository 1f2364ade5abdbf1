/** Reads the command line, runs the command, and says in one message why it could not. */
import { parseArgs } from 'node:util';
import { nearestWord } from '../../gateway/config/config-faults.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import { UsageError, type Command, type FlagValues, type Surroundings } from './command.ts';
import { COMMANDS } from './commands.ts';
import { helpOf, overview } from './help.ts';

export interface MainOptions extends Surroundings {
  readonly printError: (text: string) => void;
  /** Default: all there are. */
  readonly commands?: readonly Command[];
}

const FAILED = 1;
const AT_FAULT = 2;

/** Resolves to the exit code, or to undefined where the process goes on. Never rejects. */
export async function main(
  args: readonly string[],
  options: MainOptions,
): Promise<number | undefined> {
  try {
    return await run(args, options);
  } catch (error) {
    options.printError(`freshet: ${messageOf(error, options)}\n`);
    const atFault = error instanceof UsageError ||
      (error instanceof FreshetError && error.code === 'CONFIG_INVALID');
    return atFault ? AT_FAULT : FAILED;
  }
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
    return name === undefined ? AT_FAULT : 0;
  }
  const command = findCommand(name, commands);
  if (rest.includes('--help') || rest.includes('-h')) {
    print(helpOf(command));
    return 0;
  }
  return command.run(parseFlags(command, rest), options);
}

function findCommand(name: string, commands: readonly Command[]): Command {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const names = commands.map((one) => one.name);
  const hint = hintAt(nearestWord(name, names)) || `: one of ${names.join(', ')} was required`;
  throw new UsageError(`unknown command ${JSON.stringify(name)}${hint}`);
}

function parseFlags(command: Command, args: readonly string[]): FlagValues {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(command.flags
      .map(({ name, value }) => [name, { type: value === undefined ? 'boolean' : 'string' }])),
  });
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      throw new UsageError(`${command.name}: only flags were required, got ` +
        JSON.stringify(token.value));
    }
    const flag = command.flags.find(({ name }) => name === token.name);
    if (flag === undefined) {
      const nearest = nearestWord(token.name, command.flags.map(({ name }) => name));
      const hint = hintAt(nearest && `--${nearest}`);
      throw new UsageError(`${command.name}: unknown flag ${token.rawName}${hint}`);
    }
    const { value } = token;
    if (flag.value === undefined && value !== undefined) {
      throw new UsageError(`--${flag.name}: no value was required, got one`);
    }
    // `--port --host` is a forgotten value, not a host called --host.
    if (flag.value !== undefined && (value === undefined || value === '' || looksLikeFlag(token))) {
      throw new UsageError(`--${flag.name}: ${flag.value} was required, got nothing`);
    }
    values.set(flag.name, [...(values.get(flag.name) ?? []), value ?? '']);
  }
  return values;
}

function looksLikeFlag({ value, inlineValue }: { value?: string; inlineValue?: boolean }): boolean {
  return inlineValue === false && value?.startsWith('--') === true;
}

function hintAt(nearest: string | undefined): string {
  return nearest === undefined ? '' : `: did you mean ${nearest}?`;
}

function messageOf(error: unknown, { environment }: Surroundings): string {
  if (!(error instanceof Error)) return String(error);
  return environment['FRESHET_DEBUG'] ? error.stack ?? error.message : error.message;
}
