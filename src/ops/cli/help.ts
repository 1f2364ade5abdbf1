/** The help: of all commands, and of one. */
import type { Command, Flag } from './command.ts';

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
    'Exit codes: 0 as asked, 1 it failed, 2 the command line or the configuration is at fault.',
    '',
  ].join('\n');
}

export function helpOf({ name, summary, flags, examples }: Command): string {
  return [
    `freshet ${name}: ${summary}`,
    '',
    'Flags:',
    ...table(flags.map((flag) => [nameOf(flag), flag.description])),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example.replaceAll('\n', '\n  ')}`),
    '',
  ].join('\n');
}

function nameOf({ name, value, multiple }: Flag): string {
  return `--${name}${value === undefined ? '' : ` ${value}`}${multiple === true ? ' ...' : ''}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([first]) => first.length));
  return rows.map(([first, second]) => `  ${first.padEnd(width)}  ${second}`);
}
