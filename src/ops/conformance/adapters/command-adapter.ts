/**
 * Purges, cuts off and reconnects by command lines, run by the shell. What has changed is in the
 * environment: `CHANGE_TAG`, `CHANGE_TYPE`, `CHANGE_ID`, `CHANGE_ACTION`; the place of the node to
 * cut off among the targets, from 0, is in `NODE`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Adapter } from '../adapter.ts';

export interface CommandAdapterOptions {
  readonly purge: string;
  readonly cut?: string | undefined;
  readonly reconnect?: string | undefined;
}

const COMMAND_MS_MAX = 10_000;

export function commandAdapter({ purge, cut, reconnect }: CommandAdapterOptions): Adapter {
  const onNode = (line: string) => (node: number) => run(line, { NODE: String(node) });
  return {
    purge: ({ tag, type, id, action }) => run(purge, {
      CHANGE_TAG: tag, CHANGE_TYPE: type, CHANGE_ID: id, CHANGE_ACTION: action,
    }),
    ...(cut !== undefined && { cut: onNode(cut) }),
    ...(reconnect !== undefined && { reconnect: onNode(reconnect) }),
  };
}

async function run(line: string, variables: Readonly<Record<string, string>>): Promise<void> {
  const child = spawn(line, {
    shell: true,
    stdio: 'ignore',
    env: { ...process.env, ...variables },
    timeout: COMMAND_MS_MAX,
    killSignal: 'SIGKILL',
  });
  const [code] = await once(child, 'close') as [number | null];
  if (code !== 0) throw new Error(`exit code 0 of the command was required, got ${code ?? 'none'}`);
}
