/**
 * Private, real Redis servers: on a free port of 127.0.0.1, in a directory of their own, without
 * persistence unless asked for, and gone with the test process. Faults are made with signals, as
 * they happen to a real server.
 */

import type { ChildProcess } from 'node:child_process';

import { end, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';

export { freePort } from './process.ts';

export interface RedisOptions {
  /** Listen here instead of on a free port: for a server that comes back, or comes late. */
  port?: number;
  /** Asks clients for this password; `url` then carries it. Default none. */
  password?: string;
  /** Writes an append-only file, so that `restart()` finds its data again. Default false. */
  persistence?: boolean;
  /** More of redis-server's own arguments: ['--maxmemory', '10mb']. */
  args?: readonly string[];
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly password: string | undefined;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  /** Ends the server in good order. May be called again, and while paused. */
  stop(): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  pause(): void;
  /** SIGCONT: what was waiting is answered. */
  resume(): void;
  /** SIGKILL: connections break, what was not written is lost. */
  kill(): Promise<void>;
  /** Ends the server if it still runs, and starts it on the same port. */
  restart(): Promise<void>;
}

/** Resolves when the server accepts connections. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  // Another process may take a free port before redis-server does; a port asked for is not moved.
  const attempts = options.port === undefined ? 5 : 1;
  for (let attempt = 1; ; attempt += 1) {
    const server = new PrivateRedis(options.port ?? (await freePort()), options);
    try {
      await server.restart();
      return server;
    } catch (error) {
      if (attempt >= attempts || !/already in use/i.test(String(error))) throw error;
    }
  }
}

class PrivateRedis implements RedisServer {
  readonly url: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly #args: readonly string[];
  readonly #directory = temporaryDirectory('redis');
  #child: ChildProcess | undefined;

  constructor(port: number, { password, persistence = false, args = [] }: RedisOptions) {
    this.port = port;
    this.password = password;
    const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    this.url = `redis://${credentials}127.0.0.1:${port}`;
    this.#args = [
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', this.#directory],
      ['--daemonize', 'no', '--save', '', '--appendonly', persistence ? 'yes' : 'no'],
      ['--appendfsync', 'always', '--loglevel', 'notice', '--logfile', ''],
      password === undefined ? [] : ['--requirepass', password],
      args,
    ].flat();
  }

  get pid(): number {
    return this.#running().pid ?? 0;
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#child = spawnBound('redis-server', this.#args, { cwd: this.#directory });
    await printed(this.#child, /Ready to accept connections/, { name: 'redis-server' });
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  async kill(): Promise<void> {
    await end(this.#running(), 'SIGKILL');
  }

  pause(): void {
    this.#running().kill('SIGSTOP');
  }

  resume(): void {
    this.#running().kill('SIGCONT');
  }

  #running(): ChildProcess {
    if (!this.#child) throw new Error('the Redis server was never started');
    return this.#child;
  }
}
