/** `freshet conformance`: black-box checks of freshness against any GraphQL cache. */
import type { Check } from '../conformance/check.ts';
import type { Origin } from '../conformance/origin/origin.ts';
import { UsageError, type Command } from './command.ts';
import { CONFORMANCE_FLAGS, conformOptions } from './conformance-flags.ts';

export const conformance: Command = {
  name: 'conformance',
  summary: 'check the freshness of any GraphQL cache, as its clients see it',
  flags: CONFORMANCE_FLAGS,
  examples: [
    'freshet conformance --target http://127.0.0.1:4000/graphql',
    'freshet conformance --target http://127.0.0.1:4000/graphql \\\n' +
    '  --target http://127.0.0.1:4010/graphql \\\n' +
    '  --adapter freshet-redis --redis redis://127.0.0.1:6379 --relay 6390=127.0.0.1:6379',
    'freshet conformance --target http://127.0.0.1:4000/graphql --adapter http \\\n' +
    "  --purge-url 'http://127.0.0.1:4000/purge?type={type}&id={id}'",
    'freshet conformance --target http://127.0.0.1:4000/graphql --adapter command \\\n' +
    "  --purge-command 'my-purge \"$CHANGE_TAG\"' --json",
  ],
  async run(values, { directory, print }) {
    const { CHECKS } = await import('../conformance/checks.ts');
    if (values.has('list')) {
      print(listOf(CHECKS));
      return 0;
    }
    const { json, ...options } = conformOptions(values, {
      checks: CHECKS.map(({ name }) => name),
      directory,
    });
    const onOrigin = (origin: Origin): void => print(invitation(origin, options.targets));
    const { conform } = await import('../conformance/conform.ts');
    const { tableOf } = await import('../conformance/report.ts');
    const report = await conform({ ...options, ...(!json && { onOrigin }) }).catch(notRun);
    print(json ? `${JSON.stringify(report, undefined, 2)}\n` : tableOf(report));
    return report.failed === 0 ? 0 : 1;
  },
};

function listOf(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.map(({ name, requires }) => `${name.padEnd(width)}  ${requires}\n`).join('');
}

function invitation({ url, subgraphUrl }: Origin, targets: readonly string[]): string {
  return `The origin answers at ${url} (as a subgraph: ${subgraphUrl});\n` +
    `its schema is at ${url}.sdl. Waiting until ${targets.join(' and ')} can be asked.\n\n`;
}

/** Nothing was checked, so nothing has passed or failed: exit code 2. */
function notRun(cause: unknown): never {
  const reason = cause instanceof Error ? cause.message : String(cause);
  throw new UsageError(`the checks could not be run: ${reason}`, { cause });
}
