/** The sample services, each a process of its own, as in production: one Redis, five ports. */
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { end, freePort, printed, spawnBound } from '../support/process.ts';

const NAMES = ['auth', 'users', 'content', 'feed', 'notifications'] as const;

export type ServiceName = (typeof NAMES)[number];

export interface Services {
  /** For the configuration of a node; and to change something directly in a service. */
  readonly subgraphs: Readonly<Record<ServiceName, string>>;
  readonly jwksUrl: string;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('../../src/demo/main.ts', import.meta.url));

export async function startServices(redisUrl: string): Promise<Services> {
  const ports = await freePorts(NAMES.length);
  const at = (index: number): string => `http://127.0.0.1:${ports[index]}`;
  const processes: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((child) => end(child, 'SIGTERM')));
  };
  try {
    await Promise.all(NAMES.map(async (name, index) => {
      const child = spawnBound(process.execPath, [
        MAIN, '--service', name, '--port', String(ports[index]), '--redis', redisUrl,
        '--auth', at(NAMES.indexOf('auth')),
      ]);
      processes.push(child);
      await printed(child, /is ready/, { name: `the service ${name}` });
    }));
  } catch (error) {
    await stop();
    throw error;
  }
  const urls = NAMES.map((name, index) => [name, `${at(index)}/graphql`] as const);
  const subgraphs = Object.fromEntries(urls) as Record<ServiceName, string>;
  return { subgraphs, jwksUrl: `${at(0)}/.well-known/jwks.json`, stop };
}

async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
