import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { COMMANDS } from '../../../src/ops/cli/commands.ts';
import { main } from '../../../src/ops/cli/main.ts';
import { documentCommands } from './document.ts';

const PAGE = fileURLToPath(new URL('../../../docs/cli.md', import.meta.url));

it('docs/cli.md says what the help says', async () => {
  await expect(documentCommands(COMMANDS)).toMatchFileSnapshot(PAGE);
});

/** The words of a line as a shell would give them to the program. */
function wordsOf(line: string): string[] {
  const whole = line.replaceAll(/\\\n\s*/g, '');
  const [, command = ''] = /^(?:.*\| )?freshet ([^|>#]*)/.exec(whole) ?? [];
  const words = command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g);
  return [...words].map(([word]) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

it.each(COMMANDS.flatMap(({ name, examples }) => examples.map((example) => [name, example])))(
  '%s: the command line takes the example %s',
  async (name = '', example = '') => {
    let given: readonly string[] | undefined;
    let errors = '';
    const code = await main(wordsOf(example), {
      directory: '/nowhere', environment: {}, version: '1',
      print: () => undefined,
      printError: (text) => void (errors += text),
      commands: COMMANDS.map((command) => ({
        ...command,
        run: async (values, _surroundings, words) => {
          given = [command.name, ...values.keys(), ...words];
          return 0;
        },
      })),
    });
    expect([code, errors]).toEqual([0, '']);
    expect(given?.[0]).toBe(name);
  },
);
