/** docs/cli.md, made from the help. */
import type { Command } from '../../../src/ops/cli/command.ts';
import { OPERATORS_FLAGS } from '../../../src/ops/cli/operators-client.ts';
import { exitCodes, helpOf } from '../../../src/ops/cli/help.ts';

/** The page, as Markdown. */
export function documentCommands(commands: readonly Command[]): string {
  const rows = commands.map(({ name, summary }) =>
    `| [\`${name}\`](#freshet-${name}) | ${summary} |`);
  const asking = commands
    .filter(({ flags }) => flags.some((flag) => OPERATORS_FLAGS.includes(flag)))
    .map(({ name }) => `\`${name}\``);
  const codes = exitCodes().map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const sections = commands.map((command) =>
    `## freshet ${command.name}\n\n\`\`\`text\n${helpOf(command)}\`\`\`\n`);
  return `# The command line

<!-- Made from src/ops/cli by \`npx vitest run test/ops/cli/document.test.ts -u\`. -->

| command | |
|---|---|
${rows.join('\n')}

\`freshet COMMAND --help\` says what stands here.

## Which node is asked

${asking.join(', ')} ask the operators' listener of one node: \`--url\`,
else \`FRESHET_ADMIN_URL\`, else \`http://127.0.0.1:4001\`. What they do reaches all nodes by the
log; what they show is of the node that was asked, except for the audit.

The token stands in a file (\`--token-file\`) or in \`FRESHET_ADMIN_TOKEN\`. Whoever lists the
processes of a machine sees what is given by \`--token\`. In development, on the same machine, none
is needed (docs/operators.md).

## Output

What was asked for goes to standard output, all else to standard error. With \`--json\` the output
is one JSON value, of \`watch\` one for each line; what went wrong is then JSON as well:

\`\`\`json
{"error":{"code":"TOKEN_REQUIRED","message":"A valid bearer token was required","exit_code":4}}
\`\`\`

Codes stay, messages do not. They are those of the operators' HTTP, and \`USAGE\`,
\`NODE_UNREACHABLE\`, \`ANSWER_INVALID\`, \`UNEXPECTED\`.

## Exit codes

| code | |
|---|---|
${codes.join('\n')}

5 and 3 leave it open whether a purge was done: run it again with the \`--request-id\` that the
message names, and it is done once (with \`--redis\` within a minute).

${sections.join('\n')}`;
}
