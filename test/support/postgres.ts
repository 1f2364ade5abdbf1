/**
 * A private, real PostgreSQL server: on a free port of 127.0.0.1, in a directory of its own, and
 * gone with the test process.
 */

import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chownSync, existsSync, readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

import { end, findProgram, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';
import { requireProgram } from './requirements.ts';

export interface PostgresServer {
  /** Of a database that holds nothing. */
  readonly url: string;
  readonly port: number;
  /** Ends the server in good order. May be called again. */
  stop(): Promise<void>;
  /** Starts it again on the same port, with its data. */
  restart(): Promise<void>;
}

/** Resolves when the server accepts connections. */
export async function startPostgres(): Promise<PostgresServer> {
  const server = new PrivatePostgres(await freePort());
  await server.restart();
  return server;
}

class PrivatePostgres implements PostgresServer {
  readonly url: string;
  readonly port: number;
  readonly #directory = temporaryDirectory('postgres');
  readonly #data = join(this.#directory, 'data');
  readonly #postgres: string;
  readonly #owner: { uid: number; gid: number } | undefined;
  #child: ChildProcess | undefined;

  constructor(port: number) {
    this.port = port;
    this.url = `postgres://freshet@127.0.0.1:${port}/postgres`;
    this.#postgres = requireProgram({
      program: 'postgres',
      debianPackage: 'postgresql',
      find: findPostgres,
    });
    this.#owner = owner();
    if (this.#owner) chownSync(this.#directory, this.#owner.uid, this.#owner.gid);
    this.#initialise();
  }

  async restart(): Promise<void> {
    await this.stop();
    const args = [
      ['-D', this.#data, '-p', String(this.port), '-k', this.#directory],
      ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off'],
    ].flat();
    this.#child = spawnBound(this.#postgres, args, { cwd: this.#directory, ...this.#owner });
    const sign = /database system is ready to accept connections/;
    await printed(this.#child, sign, { name: 'postgres' });
  }

  async stop(): Promise<void> {
    // Fast shutdown: connections are closed, transactions under way are undone.
    this.#child?.kill('SIGINT');
    if (this.#child) await end(this.#child, 'SIGTERM');
  }

  #initialise(): void {
    const initdb = join(realpathSync(this.#postgres), '..', 'initdb');
    const args = ['-D', this.#data, '-U', 'freshet', '-A', 'trust', '-E', 'UTF8', '--no-sync'];
    const { status, stderr } = spawnSync(initdb, args, {
      cwd: this.#directory, encoding: 'utf8', ...this.#owner,
    });
    if (status !== 0) throw new Error(`initdb failed: ${stderr}`);
  }
}

/** Debian keeps the server's programs off PATH, in a folder for each version. */
function findPostgres(): string | undefined {
  const onPath = findProgram('postgres');
  if (onPath !== undefined) return onPath;
  const versions = '/usr/lib/postgresql';
  if (!existsSync(versions)) return undefined;
  const newestFirst = readdirSync(versions).toSorted((a, b) => Number(b) - Number(a));
  return newestFirst
    .map((version) => join(versions, version, 'bin', 'postgres'))
    .find((path) => existsSync(path));
}

/** PostgreSQL refuses to run as root: then it runs as the user that Debian's package makes. */
function owner(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number =>
    Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout || 'NaN');
  const [uid, gid] = [idOf('-u'), idOf('-g')];
  // Without that user: nobody.
  return Number.isNaN(uid) ? { uid: 65_534, gid: 65_534 } : { uid, gid };
}
