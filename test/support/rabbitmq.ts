/**
 * A private, real RabbitMQ server: on free ports of 127.0.0.1, with a name, a directory and a port
 * mapper (epmd) of its own, and gone with the test process. It takes about ten seconds to start.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { end, findProgram, freePort, printed, spawnBound, temporaryDirectory } from './process.ts';
import { requireProgram } from './requirements.ts';

export interface RabbitmqServer {
  readonly url: string;
  readonly port: number;
  /** Ends the server in good order. May be called again. */
  stop(): Promise<void>;
  /** SIGKILL: connections break. */
  kill(): Promise<void>;
  /** Ends the server if it still runs, and starts it on the same port, with its queues. */
  restart(): Promise<void>;
}

const START_MS = 60_000;

/** Resolves when the server accepts connections. */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  const [port, distributionPort, mapperPort] =
    [await freePort(), await freePort(), await freePort()];
  const server = new PrivateRabbitmq({ port, distributionPort, mapperPort });
  await server.restart();
  return server;
}

interface Ports {
  readonly port: number;
  /** Where Erlang nodes talk to each other. */
  readonly distributionPort: number;
  /** Of epmd. */
  readonly mapperPort: number;
}

class PrivateRabbitmq implements RabbitmqServer {
  readonly url: string;
  readonly port: number;
  readonly #program: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #mapperArgs: readonly string[];
  #mapper: ChildProcess | undefined;
  #child: ChildProcess | undefined;

  constructor({ port, distributionPort, mapperPort }: Ports) {
    this.port = port;
    this.url = `amqp://127.0.0.1:${port}`;
    this.#program = requireProgram({
      program: 'rabbitmq-server', debianPackage: 'rabbitmq-server', find: findRabbitmq,
    });
    const directory = temporaryDirectory('rabbitmq');
    this.#environment = {
      PATH: process.env['PATH'],
      // The cookie of Erlang lies there.
      HOME: directory,
      ERL_EPMD_PORT: String(mapperPort),
      ERL_EPMD_ADDRESS: '127.0.0.1',
      RABBITMQ_NODENAME: `freshet${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_LOGS: '-',
      RABBITMQ_PID_FILE: join(directory, 'pid'),
      RABBITMQ_CONF_ENV_FILE: join(directory, 'rabbitmq-env.conf'),
      RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'enabled_plugins'),
      // The process that is started is then the server itself, and no shell that waits for it.
      RABBITMQ_ALLOW_INPUT: 'true',
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput +sbwt none +sbwtdcpu none +sbwtdio none',
    };
    this.#mapperArgs = ['-port', String(mapperPort), '-address', '127.0.0.1'];
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    this.#mapper ??= spawnBound('epmd', this.#mapperArgs, { stdio: 'ignore' });
    this.#mapper.unref();
    this.#child = spawnBound(this.#program, [], { env: this.#environment });
    await printed(this.#child, /Server startup complete/, {
      name: 'rabbitmq-server', deadlineMs: START_MS,
    });
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    if (this.#mapper) await end(this.#mapper, 'SIGTERM');
    this.#mapper = undefined;
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child) await end(this.#child, signal);
  }
}

/** Not the program on PATH, which Debian has made a script that changes the user. */
function findRabbitmq(): string | undefined {
  const places = ['/usr/lib/rabbitmq/bin/rabbitmq-server', findProgram('rabbitmq-server')];
  return places.find((path) => path !== undefined && existsSync(path));
}
