import { describe, expect, it } from 'vitest';
import {
  CommandFailure, UsageError, type Command, type Flag,
} from '../../../src/ops/cli/command.ts';
import { COMMANDS } from '../../../src/ops/cli/commands.ts';
import { main } from '../../../src/ops/cli/main.ts';
import { fault } from '../../../src/invalidation/errors.ts';

const FLAGS: readonly Flag[] = [
  { name: 'port', value: 'N', description: 'a port' },
  { name: 'subgraph', value: 'NAME=URL', multiple: true, description: 'a service' },
  { name: 'json', description: 'as JSON' },
];

const NAMES = COMMANDS.map(({ name }) => name).join(', ');

function commandThat(run: Command['run']): Command {
  return { name: 'test', summary: 'tests', flags: FLAGS, examples: ['freshet test'], run };
}

async function run(
  args: readonly string[],
  { command, environment = {} }: { command?: Command; environment?: Record<string, string> } = {},
) {
  let [printed, errors] = ['', ''];
  const code = await main(args, {
    directory: '/nowhere',
    environment,
    version: '1.2.3',
    print: (text) => void (printed += text),
    printError: (text) => void (errors += text),
    ...(command && { commands: [command] }),
  });
  return { code, printed, errors };
}

describe('the command line', () => {
  it('prints its version', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, printed: '1.2.3\n', errors: '' });
  });

  it.each([['--help'], ['help'], ['-h']])('lists its commands on %s', async (arg) => {
    const { code, printed } = await run([arg]);
    expect(code).toBe(0);
    for (const { name, summary } of COMMANDS) {
      expect(printed).toMatch(new RegExp(`^  ${name} +${summary}$`, 'm'));
    }
  });

  it('shows the help without a command as well, as a fault', async () => {
    expect((await run([])).code).toBe(2);
  });

  it.each(COMMANDS.map(({ name }) => name))('shows flags and examples of %s', async (name) => {
    const { code, printed } = await run([name, '--help']);
    expect(code).toBe(0);
    expect(printed).toContain(`Examples:\n  freshet ${name}`);
    expect(await run(['help', name])).toEqual({ code, printed, errors: '' });
    for (const line of printed.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('gives a command its flags', async () => {
    let seen: unknown;
    const command = commandThat(async (values) => {
      seen = [...values];
      return 0;
    });
    const args = ['--port', '1', '--subgraph', 'a=b', '--subgraph=c=d=e', '--json'];
    expect((await run(['test', ...args], { command })).code).toBe(0);
    expect(seen).toEqual([['port', ['1']], ['subgraph', ['a=b', 'c=d=e']], ['json', ['']]]);
  });

  it.each([
    [['strat'], 'unknown command "strat": did you mean start?'],
    [['x'], `unknown command "x": one of ${NAMES} was required`],
    [['start', '--prot', '1'], 'start: unknown flag --prot: did you mean --port?'],
    [['start', '-z'], 'start: unknown flag -z'],
    [['start', 'here'], 'start: only flags were required, got "here"'],
    [['start', '--port'], '--port: N was required, got nothing'],
    [['start', '--port='], '--port: N was required, got nothing'],
    [['start', '--config', '--port', '1'], '--config: FILE was required, got nothing'],
    [
      ['start', '--subgraph', 'users'],
      '--subgraph: NAME=URL was required, got "users"',
    ],
    [['compose'], '--subgraph: at least one was required'],
    [
      ['compose', '--subgraph', 'a=http://a', '--wait', 'long'],
      '--wait: whole seconds were required, got "long"',
    ],
    [
      ['start', '--port', 'abc', '--supergraph', 'a'],
      'The configuration is not valid.\n' +
        '  port (flag --port): required an integer from 0 to 65535, got "abc"',
    ],
  ])('answers %j with one message and exit code 2', async (args, message) => {
    expect(await run(args)).toEqual({ code: 2, printed: '', errors: `freshet: ${message}\n` });
  });

  it('gives a command its words, and what stands after -- whatever it looks like', async () => {
    let seen: unknown;
    const command: Command = {
      ...commandThat(async (_values, _surroundings, words) => {
        seen = words;
        return 0;
      }),
      argument: { name: 'PATTERN', multiple: true, description: 'what' },
    };
    expect((await run(['test', 'a', '--json', 'b', '--', '--c'], { command })).code).toBe(0);
    expect(seen).toEqual(['a', 'b', '--c']);
  });

  it.each([
    [[], 'test: WORD was required, got none'],
    [[''], 'test: WORD was required, got nothing'],
    [['a', 'b'], 'test: one WORD was required, got 2'],
    [['c'], 'test: one of a, b was required, got "c"'],
    [['a', '--kind', 'z'], '--kind: one of x, y was required, got "z"'],
  ])('wants of the words %j what the command says', async (words, message) => {
    const command: Command = {
      ...commandThat(async () => 0),
      argument: { name: 'WORD', description: 'what', choices: ['a', 'b'] },
      flags: [{ name: 'kind', value: 'KIND', description: 'which', choices: ['x', 'y'] }],
    };
    expect(await run(['test', ...words], { command }))
      .toEqual({ code: 2, printed: '', errors: `freshet: ${message}\n` });
  });

  it('says what went wrong as JSON where that is asked for', async () => {
    const command = commandThat(async () => {
      throw new CommandFailure('not there', { code: 'NODE_UNREACHABLE', exitCode: 3 });
    });
    const { errors, code } = await run(['test', '--json'], { command });
    expect(code).toBe(3);
    expect(JSON.parse(errors))
      .toEqual({ error: { code: 'NODE_UNREACHABLE', message: 'not there', exit_code: 3 } });
    expect(JSON.parse((await run(['test', '--json', '--prot'], { command })).errors))
      .toMatchObject({ error: { code: 'USAGE', exit_code: 2 } });
  });

  it('refuses a value for a flag that has none', async () => {
    const command = commandThat(async () => 0);
    expect((await run(['test', '--json=yes'], { command })).errors)
      .toBe('freshet: --json: no value was required, got one\n');
  });

  it.each([
    [new UsageError('bad flag'), 2],
    [fault('CONFIG_INVALID', { faults: 'bad' }), 2],
    [fault('PORT_IN_USE', { port: 4000 }), 1],
    [new CommandFailure('not there', { code: 'NODE_UNREACHABLE', exitCode: 3 }), 3],
    [new Error('a bug'), 1],
  ])('exits with its own code for %s, without a stack', async (error, code) => {
    const command = commandThat(async () => {
      throw error;
    });
    expect(await run(['test'], { command }))
      .toEqual({ code, printed: '', errors: `freshet: ${error.message}\n` });
    const debugged = await run(['test'], { command, environment: { FRESHET_DEBUG: '1' } });
    expect(debugged.errors).toContain('main.test.ts');
  });
});
