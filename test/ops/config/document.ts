/** docs/configuration.md, made from the schema. */
import { extname } from 'node:path';
import {
  CONFIG_OPTIONS, findOption, type ConfigOption,
} from '../../../src/gateway/config/config-options.ts';
import {
  PLAIN_VARIABLES, STANDARD_VARIABLES, variableOf,
} from '../../../src/ops/config/environment.ts';
import { FILE_NAMES } from '../../../src/ops/config/file.ts';

/** The page, as Markdown. */
export function documentConfig(): string {
  const groups = new Map<string, ConfigOption[]>();
  for (const option of CONFIG_OPTIONS) {
    if (option.kind === 'group' || option.path.at(-1) === '*') continue;
    const group = option.path.slice(0, -1).join('.');
    groups.set(group, [...(groups.get(group) ?? []), option]);
  }
  const sections = [...groups].map(([group, options]) => section(group, options));
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}

const PLAIN = Object.entries(PLAIN_VARIABLES)
  .map(([name, path]) => `- \`${name}\` for \`${path.join('.')}\``).join('\n');

const STANDARD = Object.entries(STANDARD_VARIABLES)
  .map(([name, path]) => `\`${name}\` for \`${path.join('.')}\``).join(', ');

const ENDINGS = FILE_NAMES.map((name) => `\`${extname(name)}\``).join(', ');

const INTRODUCTION = `# Configuration

<!-- Made from src/gateway/config/config-schema.ts by \`npx vitest run test/ops/config -u\`. -->

One file in the working directory, \`freshet.config\` with one of the endings
${ENDINGS}, or another that \`--config\` or \`FRESHET_CONFIG\`
names. It is overridden by the environment, and that by flags. All of it is validated before
anything starts, and every fault is reported at once, with its path, where the value came from,
what was required and what was got; the exit code is then 2.

\`\`\`ts
import { defineConfig } from 'freshet-gateway';

export default defineConfig({
  supergraph: './supergraph.graphql',
  redis: 'redis://localhost:6379',
  cache: { defaultTtlSeconds: 120 },
});
\`\`\`

Each option has an environment variable: \`FRESHET_\` and its path in capitals, so that
\`cache.l1.bytesMax\` is \`${variableOf(['cache', 'l1', 'bytesMax'])}\`. A list is written with
commas, a map as JSON. A variable that begins with \`FRESHET_\` and names no option is a fault.
Four options have a plain variable as well, over which the other one goes:

${PLAIN}

Below all others stands what OpenTelemetry has a variable for: ${STANDARD}.

The unit is in the name: \`Ms\` milliseconds, \`Seconds\` seconds, \`BytesMax\` bytes; any other
integer is a count. \`NODE_ENV=production\` is production, anything else development.
`;

function section(group: string, options: readonly ConfigOption[]): string {
  const rows = options.map(row);
  const title = group === '' ? 'Top level' : `\`${group.replaceAll('*', '<name>')}\``;
  const about = findOption(group.split('.'))?.description;
  const lines = about ? [about, ''] : [];
  const head = ['| option | value | default | |', '|---|---|---|---|'];
  return [`## ${title}`, '', ...lines, ...head, ...rows, ''].join('\n');
}

function row({ path, required, defaultValue, description, secret }: ConfigOption): string {
  const standard = defaultValue === undefined ? 'none' : `\`${JSON.stringify(defaultValue)}\``;
  const hidden = secret ? ' Never logged or shown.' : '';
  return `| \`${path.at(-1)}\` | ${required} | ${standard} | ${description}${hidden} |`;
}
