/** Puts the program anew in the place of its own process: the same id, environment and files. */
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import process from 'node:process';

/** Not a loader of programs, which Node may have been started by. */
const IS_NODE = /^node/i;

/**
 * Under `execArgv`, by execve(2). Returns where that cannot be: on Windows, where Node is not to
 * run anything (`--permission`) or is not what it was started as, and where a parent has a channel
 * to this process (it is a worker, or watched), which would be lost. What the kernel refuses all
 * the same ends the process; whoever gives such an argument is not restarted (`NODE_OPTIONS`).
 */
export function restart(execArgv: readonly string[]): void {
  const { execPath, argv, env } = process;
  if (process.connected || !IS_NODE.test(path.basename(execPath))) return;
  try {
    accessSync(execPath, constants.X_OK);
    // What Node says of its being experimental would be said in the next turn, which there is not.
    process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], env);
  } catch {
    // The heap is not bound as well as it could be; all else is as it should be.
  }
}
