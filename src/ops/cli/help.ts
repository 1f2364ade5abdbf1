/** The help: of all commands, and of one. */
import type { Command, Flag } from './command.ts';
import { EXIT, EXIT_MEANINGS } from './exit-codes.ts';

export function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) => [name, summary] as const);
  return [
    'A GraphQL gateway whose cache never serves what it has been told is stale.',
    '',
    'Usage: freshet COMMAND [FLAG ...]',
    '',
    'Commands:',
    ...table(rows),
    '',
    'Flags:',
    ...table([['--help', 'this, or the help of a command'], ['--version', 'the version']]),
    '',
    'Exit codes:',
    ...table(exitCodes()),
    '',
  ].join('\n');
}

export function helpOf(command: Command): string {
  const { name, summary, argument, flags, examples, notes = [] } = command;
  return [
    `freshet ${name}: ${summary}`,
    '',
    `Usage: freshet ${name}${usageOf(command)}`,
    '',
    ...(argument ? [...table([[argument.name, argument.description]]), ''] : []),
    'Flags:',
    ...table(flags.map((flag) => [nameOf(flag), flag.description])),
    '',
    ...(notes.length > 0 ? [...notes, ''] : []),
    'Examples:',
    ...examples.map((example) => `  ${example.replaceAll('\n', '\n  ')}`),
    '',
  ].join('\n');
}

/** The codes and what they mean, as rows. */
export function exitCodes(): (readonly [string, string])[] {
  return Object.entries(EXIT).map(([name, code]) =>
    [String(code), EXIT_MEANINGS[name as keyof typeof EXIT]] as const);
}

function usageOf({ argument, flags }: Command): string {
  const word = argument && ` ${argument.name}${argument.multiple === true ? ' ...' : ''}`;
  return `${word ?? ''}${flags.length > 0 ? ' [FLAG ...]' : ''}`;
}

function nameOf({ name, value, multiple }: Flag): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}${multiple === true ? ' ...' : ''}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}
