/**
 * A private, real NATS server with JetStream: on a free port of 127.0.0.1, with its streams in a
 * directory of its own, and gone with the test process.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { end, findProgram, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';
import { requireProgram } from './requirements.ts';

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Ends the server in good order. May be called again. */
  stop(): Promise<void>;
  /** SIGKILL: connections break. */
  kill(): Promise<void>;
  /** Ends the server if it still runs, and starts it on the same port, with its streams. */
  restart(): Promise<void>;
}

export interface NatsOptions {
  /** Asks clients for this user and password; `url` then carries them. Default none. */
  readonly user?: string;
  readonly password?: string;
  /** Lets in who has the key to this one, and nobody else. */
  readonly publicKey?: string;
}

/** Resolves when the server accepts connections. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const server = new PrivateNats(await freePort(), options);
  await server.restart();
  return server;
}

class PrivateNats implements NatsServer {
  readonly url: string;
  readonly port: number;
  readonly #program: string;
  readonly #directory = temporaryDirectory('nats');
  readonly #configuration = join(this.#directory, 'nats.conf');
  #child: ChildProcess | undefined;

  constructor(port: number, { user, password, publicKey }: NatsOptions) {
    this.port = port;
    this.#program = requireProgram({
      program: 'nats-server', debianPackage: 'nats-server', find: findNats,
    });
    const isGuarded = user !== undefined && password !== undefined;
    const credentials = isGuarded ? `${user}:${encodeURIComponent(password)}@` : '';
    this.url = `nats://${credentials}127.0.0.1:${port}`;
    const authorization = JSON.stringify({
      ...(isGuarded ? { user, password } : {}),
      ...(publicKey === undefined ? {} : { users: [{ nkey: publicKey }] }),
    });
    writeFileSync(this.#configuration, [
      `listen: "127.0.0.1:${port}"`,
      `authorization: ${authorization}`,
      `jetstream { store_dir: "${this.#directory}" }`,
    ].join('\n'));
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#child = spawnBound(this.#program, ['-c', this.#configuration]);
    await printed(this.#child, /Server is ready/, { name: 'nats-server' });
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  async kill(): Promise<void> {
    if (this.#child) await end(this.#child, 'SIGKILL');
  }
}

/** Debian installs it where not everybody's PATH leads. */
function findNats(): string | undefined {
  const places = [findProgram('nats-server'), '/usr/sbin/nats-server'];
  return places.find((path) => path !== undefined && existsSync(path));
}
