/** Puts the program anew in the place of its own process: the same id, environment and files. */
import process from 'node:process';

/**
 * Under `execArgv`, by execve(2). Returns where that cannot be: on Windows, where Node is not to
 * run anything (`--permission`), and where a parent has a channel to this process (it is a worker,
 * or watched), which would be lost.
 */
export function restart(execArgv: readonly string[]): void {
  if (process.connected) return;
  const { execPath, argv, env } = process;
  try {
    // What Node says of its being experimental would be said in the next turn, which there is not.
    process.execve?.(execPath, [execPath, ...execArgv, ...argv.slice(1)], env);
  } catch {
    // The heap is not bound as well as it could be; all else is as it should be.
  }
}
