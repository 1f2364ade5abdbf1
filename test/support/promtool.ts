/** Runs `promtool`, of Debian's package `prometheus`. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { findProgram } from './process.ts';
import { requireProgram } from './requirements.ts';

/** What it wrote, of both streams, where it found no fault; rejects with that where it did. */
export async function promtool(options: readonly string[], input = ''): Promise<string> {
  const program = requireProgram({
    program: 'promtool',
    debianPackage: 'prometheus',
    find: () => findProgram('promtool'),
  });
  const child = spawn(program, options);
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.stdin.end(input);
  const [told, complained] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const status = await ended;
  if (status !== 0) throw new Error(`promtool ${options.join(' ')}: ${told}${complained}`);
  return `${told}${complained}`;
}
