/** `freshet doctor`: whether all is there that a node with this configuration needs. */
import type { FreshetConfig } from '../../gateway/config/config.ts';
import { systemClock, systemRandom } from '../../invalidation/clock.ts';
import { FreshetError } from '../../invalidation/errors.ts';
import type { Finding } from '../doctor/finding.ts';
import { asJson, JSON_FLAG, type Command, type Flag } from './command.ts';
import { EXIT } from './exit-codes.ts';
import { CONFIG_FLAG, configOf, LISTENER_FLAGS, SCHEMA_FLAGS } from './gateway-flags.ts';
import { printable } from './text.ts';

const STRICT_FLAG: Flag = { name: 'strict', description: 'exit 1 for a warning as well' };

const configFlags = [CONFIG_FLAG, ...SCHEMA_FLAGS, ...LISTENER_FLAGS];

export const doctor: Command = {
  name: 'doctor',
  summary: 'check the configuration, Redis, the subgraphs and the database',
  flags: [...configFlags, STRICT_FLAG, JSON_FLAG],
  notes: [
    'It reads the configuration as `freshet start` does, and changes nothing. Each line is ok, a',
    'warning or failed, with what to do. Exit code 1 where one has failed.',
  ],
  examples: [
    'freshet doctor',
    'freshet doctor --config freshet.config.yaml --json',
    'freshet doctor --supergraph supergraph.graphql --redis redis://localhost:6379 --strict',
  ],
  async run(values, surroundings) {
    const config = await configOf(values, { flags: configFlags, surroundings }).catch(invalid);
    const findings = 'level' in config ? [config] : await findingsOf(config);
    const isGood = findings.every(({ level }) =>
      level === 'ok' || (level === 'warning' && !values.has(STRICT_FLAG.name)));
    surroundings.print(values.has('json')
      ? asJson({ ok: isGood, checks: findings })
      : textOf(findings));
    return isGood ? EXIT.done : EXIT.failed;
  },
};

function invalid(error: unknown): Finding {
  if (!(error instanceof FreshetError) || error.code !== 'CONFIG_INVALID') throw error;
  return {
    check: 'configuration',
    level: 'failed',
    message: error.message,
    advice: 'docs/configuration.md has every option. Nothing else was looked at.',
  };
}

async function findingsOf(config: FreshetConfig): Promise<readonly Finding[]> {
  const { examine } = await import('../doctor/examine.ts');
  const found = await examine(config, { clock: systemClock, random: systemRandom });
  return [{ check: 'configuration', level: 'ok', message: 'valid' }, ...found];
}

function textOf(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.flatMap(({ check, level, message, advice }) => {
    const margin = ' '.repeat('warning'.length + width + 4);
    const text = message.split('\n').map(printable).join(`\n${margin}`);
    const head = `${level.padEnd('warning'.length)}  ${check.padEnd(width)}  ${text}`;
    return advice === undefined ? [head] : [head, `${margin}${advice}`];
  });
  const count = (level: Finding['level']): number =>
    findings.filter((finding) => finding.level === level).length;
  const summary = `${count('ok')} ok, ${count('warning')} warnings, ${count('failed')} failed`;
  return `${[...lines, summary].join('\n')}\n`;
}
