/**
 * Stands for `freshet` where it would not end by itself, when commands of the documentation are
 * run: it looks whether the command line is one that would be taken. Exit code 0 if so.
 */
import { COMMANDS } from '../../src/ops/cli/commands.ts';
import { main } from '../../src/ops/cli/main.ts';

process.exitCode = await main(process.argv.slice(2), {
  directory: '/nowhere',
  environment: {},
  version: '1',
  commands: COMMANDS.map((command) => ({ ...command, run: async () => 0 })),
  print: () => undefined,
  printError: (text) => void process.stderr.write(text),
});
