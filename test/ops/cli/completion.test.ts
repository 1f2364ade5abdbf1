import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../../src/ops/cli/commands.ts';
import { findProgram, temporaryDirectory } from '../../support/process.ts';
import { run } from './operators.ts';

async function scriptOf(shell: string): Promise<string> {
  const { code, out, err } = await run(['completion', shell]);
  expect([code, err]).toEqual([0, '']);
  return out;
}

/** What bash would offer for the last of `words`. */
async function offered(...words: string[]): Promise<string[]> {
  const file = join(temporaryDirectory('completion'), 'freshet.bash');
  writeFileSync(file, `${await scriptOf('bash')}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _freshet; printf '%s\\n' "\${COMPREPLY[@]}"\n`);
  const output = execFileSync('bash', [file, 'freshet', ...words], { encoding: 'utf8' });
  return output.split('\n').filter((line) => line !== '');
}

describe('freshet completion', () => {
  it('lets bash complete commands, flags, choices and the names of commands', async () => {
    expect(await offered('pu')).toEqual(['purge']);
    expect(await offered('')).toEqual(expect.arrayContaining(COMMANDS.map(({ name }) => name)));
    expect(await offered('purge', '--dr')).toEqual(['--dry-run']);
    expect(await offered('watch', '--action', 'D')).toEqual(['Delete']);
    expect(await offered('watch', '--source', '')).toEqual([]);
    expect((await offered('completion', '')).toSorted())
      .toEqual(['--help', 'bash', 'fish', 'zsh']);
    expect(await offered('help', 'doc')).toEqual(['doctor']);
  });

  it('lets fish complete them too, where there is one', async () => {
    const fish = findProgram('fish');
    if (fish === undefined) return;
    const directory = temporaryDirectory('completion');
    writeFileSync(join(directory, 'freshet.fish'), await scriptOf('fish'));
    const offers = (line: string): string[] => execFileSync(fish, [
      '--no-config', '-c', `source freshet.fish; complete -C '${line}'`,
    ], { cwd: directory, env: { ...process.env, HOME: directory }, encoding: 'utf8' })
      .split('\n').flatMap((offer) => offer.split('\t', 1)).filter((offer) => offer !== '');
    expect(offers('freshet pur')).toEqual(['purge']);
    expect(offers('freshet purge --dr')).toEqual(['--dry-run']);
    expect(offers('freshet watch --action D')).toEqual(['Delete']);
    expect(offers('freshet completion f')).toEqual(['fish']);
  });

  it.each(['bash', 'zsh', 'fish'])('knows every command and flag in %s', async (shell) => {
    const script = await scriptOf(shell);
    for (const { name, flags } of COMMANDS) {
      expect(script).toMatch(new RegExp(`\\b${name}\\b`));
      const dashes = shell === 'fish' ? '-l ' : '--';
      for (const flag of flags) expect(script).toContain(`${dashes}${flag.name}`);
    }
    const program = findProgram(shell);
    if (program === undefined) return;
    const file = join(temporaryDirectory('completion'), `freshet.${shell}`);
    writeFileSync(file, script);
    execFileSync(program, ['-n', file]);
  });

  it('wants a shell that it knows', async () => {
    expect(await run(['completion', 'tcsh'])).toMatchObject({
      code: 2, err: 'freshet: completion: one of bash, zsh, fish was required, got "tcsh"\n',
    });
    expect((await run(['completion'])).code).toBe(2);
  });
});
