/**
 * Sees, before the first test, that the programs are there which the tests start. Where it may, it
 * installs Debian's packages; otherwise it ends the run with one line that says what to install.
 * Nothing is skipped.
 */

import { spawnSync } from 'node:child_process';

import { findProgram } from './process.ts';

export interface ProgramRequirement {
  /** What is missing when it is missing: "redis-server". */
  program: string;
  /** Debian's package that holds it. */
  debianPackage: string;
  /** Looks for it; called again after an installation. */
  find(): string | undefined;
}

/** Vitest calls this once, before any test file is loaded. */
export default function setup(): void {
  try {
    requireProgram({
      program: 'redis-server',
      debianPackage: 'redis-server',
      find: () => findProgram('redis-server'),
    });
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

/** The path of a program, installed first where that is needed and allowed. Throws one line. */
export function requireProgram({ program, debianPackage, find }: ProgramRequirement): string {
  const present = find();
  if (present !== undefined) return present;
  const wanted = `the tests need ${program}, which is not on this machine`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) {
    throw new Error(`${wanted}: install it (Debian: apt-get install ${debianPackage})`);
  }
  process.stderr.write(`${wanted}: installing Debian's package ${debianPackage}\n`);
  const complaint = installed(debianPackage);
  const path = find();
  if (path !== undefined) return path;
  throw new Error(`${wanted}: apt-get install ${debianPackage} did not help: ${complaint}`);
}

/** Runs apt-get; returns the last thing that it complained about. */
function installed(debianPackage: string): string {
  const commands = [
    ['update'],
    ['install', '--yes', '--no-install-recommends', debianPackage],
  ];
  let complaint = '';
  for (const command of commands) {
    // Several test processes may come here at once; all but the first wait for its lock.
    const options = ['-o', 'DPkg::Lock::Timeout=120', ...WITHOUT_SERVICES];
    const { stderr } = spawnSync('apt-get', [...options, ...command], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
    });
    complaint = stderr.trim().split('\n').at(-1) ?? '';
  }
  return complaint;
}

/** Debian's packages begin their services at once, unless this program tells them not to. */
const POLICY = '/usr/sbin/policy-rc.d';

/** apt-get runs them while it has the lock, so that two processes do not disturb each other. */
const WITHOUT_SERVICES = [
  '-o', `DPkg::Pre-Invoke::=[ -e ${POLICY} ] || ` +
    `{ printf '#!/bin/sh\\n# freshet\\nexit 101\\n' >${POLICY}; chmod 755 ${POLICY}; }`,
  '-o', `DPkg::Post-Invoke::=! grep -qs '^# freshet$' ${POLICY} || rm ${POLICY}`,
];
