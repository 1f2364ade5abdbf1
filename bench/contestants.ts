/** Our gateway and its peers, each started as a process on the core of the servers. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, freePort, temporaryDirectory } from '../test/support/process.ts';
import { startServer, type Core, type Server, type ServerOptions } from './server.ts';

export interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly server: Server;
  /** Default POST. What caches in front of a server and knows no GraphQL is asked by GET. */
  readonly method?: 'GET';
  /** How often the resolvers ran on whose answers it depends. */
  calls(): Promise<number>;
  /** Tells it of the size that is asked for next, where it answers fixed bytes. */
  expect?(bytes: number): void;
  stop(): Promise<void>;
}

const HERE = fileURLToPath(new URL('.', import.meta.url));
const NODE = process.execPath;

export async function startSubgraph(name: string, core: Core = 'other') {
  const port = await freePort();
  const args = [path.join(HERE, 'subgraph.ts'), String(port), name];
  const server = await startServer({ name, command: NODE, args, core });
  return { ...server, port, url: `http://127.0.0.1:${port}/graphql` };
}

export interface FreshetOptions {
  readonly name?: string;
  /** Beside ports and logging, as in a configuration file. */
  readonly config: object;
  /** For the process that runs the gateway: `--cpu-prof`. */
  readonly nodeArgs?: readonly string[];
  readonly calls?: () => Promise<number>;
  /** Default `server`. */
  readonly core?: Core;
  /** As the package is published, without TypeScript; `buildPackage` first. Default false. */
  readonly built?: boolean;
}

export interface Gateway extends Contestant {
  /** What the operators' listener says of the node. */
  stats(): Promise<Stats>;
  readonly adminPort: number;
}

/** As much of `/stats` as the benchmarks look at. */
export interface Stats {
  readonly memoryBytes: number;
  readonly gateway: {
    readonly hears: boolean;
    readonly position: string;
    readonly l1: { readonly entries: number; readonly bytes: number; readonly evictions: number };
    readonly tiers: { readonly hits: { readonly l1: number; readonly l2: number } };
    readonly invalidation: {
      readonly received: number;
      readonly foreign: number;
      readonly rejected: number;
      readonly gaps: number;
      readonly marks: number;
      readonly outbox: number;
      readonly floor: string;
    };
  };
}

/** The gateway as an operator starts it: `freshet start --config`. */
export async function startFreshet(options: FreshetOptions): Promise<Gateway> {
  const { name = 'freshet', config, nodeArgs = [], calls = () => Promise.resolve(0) } = options;
  const { core = 'server', built = false } = options;
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = path.join(temporaryDirectory('bench'), 'freshet.config.json');
  writeFileSync(file, JSON.stringify({
    host: '127.0.0.1', port, adminPort, adminOpen: true, logLevel: 'info', workers: 1, ...config,
  }));
  const bin = path.join(HERE, '..', built ? 'dist/ops/cli/bin.js' : 'src/ops/cli/bin.ts');
  const args = [...nodeArgs, bin, 'start', '--config', file];
  const server = await startServer({ name, command: NODE, args, ready: /listening/, core });
  const stats = async (): Promise<Stats> => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}/stats`);
    return await answer.json() as Stats;
  };
  // The operators' listener may be there before the gateway is.
  const isReady = async (): Promise<boolean> =>
    (await stats() as Partial<Stats>).gateway?.hears === true;
  for (let attempt = 0; !await isReady(); attempt += 1) {
    if (attempt > 100) throw new Error(`${name} does not hear the log after 10 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { name, port, adminPort, server, stats, calls, stop: () => server.stop() };
}

export function buildPackage(): void {
  execFileSync('npm', ['run', 'build'], { cwd: path.join(HERE, '..'), stdio: 'ignore' });
}

/** Installs the peers where they are not there yet. */
export function installPeers(): void {
  const folder = path.join(HERE, 'peers');
  if (existsSync(path.join(folder, 'node_modules/.package-lock.json'))) return;
  console.log('installing the peers in bench/peers');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--prefix', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** One of bench/peers: `bare`, `yoga`. */
export async function startPeer(
  name: string,
  { file = name, argument, core }: { file?: string; argument?: string; core?: Core } = {},
): Promise<Contestant> {
  const port = await freePort();
  const script = path.join(HERE, 'peers', `${file}.js`);
  const args = [script, String(port), ...(argument === undefined ? [] : [argument])];
  const server = await startServer({ name, command: NODE, args, ...(core && { core }) });
  return {
    name, port, server, calls: () => server.calls(), stop: () => server.stop(),
    ...(file === 'bare' && { expect: (bytes: number) => server.tell({ bytes }) }),
  };
}

export interface HiveOptions {
  readonly name: string;
  readonly subgraphs: Readonly<Record<string, string>>;
  readonly caching: boolean;
  readonly calls: () => Promise<number>;
}

/** Hive Gateway by its own command, before the same subgraphs. */
export async function startHive(options: HiveOptions): Promise<Contestant> {
  const { name, subgraphs, caching, calls } = options;
  const port = await freePort();
  const supergraph = path.join(temporaryDirectory('bench-hive'), 'supergraph.graphql');
  const flags = Object.entries(subgraphs).flatMap(([one, url]) => ['--subgraph', `${one}=${url}`]);
  writeFileSync(supergraph, execFileSync(NODE, [
    path.join(HERE, '../src/ops/cli/bin.ts'), 'compose', ...flags,
  ]));
  const bin = path.join(HERE, 'peers/node_modules/@graphql-hive/gateway/dist/bin.js');
  const server = await startQuiet({
    name, command: NODE, cwd: path.join(HERE, 'peers'),
    args: [
      bin, 'supergraph', '-c', 'hive.config.js', '--port', String(port), '--host', '127.0.0.1',
    ],
    environment: { SUPERGRAPH: supergraph, CACHING: caching ? 'yes' : 'no' },
  }, port);
  return { name, port, server, calls, stop: () => server.stop() };
}

/** nginx's proxy cache, if it is there, in front of a bare server on the core of the load. */
export async function startNginx(bare: Contestant): Promise<Contestant | undefined> {
  const command = programOf('nginx');
  if (command === undefined) return undefined;
  const port = await freePort();
  const folder = temporaryDirectory('bench-nginx');
  for (const name of ['cache', 'temp', 'logs']) mkdirSync(path.join(folder, name));
  const file = path.join(folder, 'nginx.conf');
  const temporary = ['client_body', 'fastcgi', 'uwsgi', 'scgi'].map((kind) =>
    `${kind}_temp_path ${folder}/temp/${kind};`).join('\n');
  writeFileSync(file, `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events { worker_connections 1024; }
    http {
      access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; ${temporary}
      proxy_temp_path ${folder}/temp/proxy;
      proxy_cache_path ${folder}/cache keys_zone=all:50m max_size=1g inactive=1h;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://127.0.0.1:${bare.port}; proxy_cache all; proxy_cache_valid 200 1h;
          proxy_cache_key $request_uri; proxy_ignore_headers Vary;
        }
      }
    }`);
  return startProxy({ name: 'nginx (GET)', command, args: ['-c', file, '-p', folder], port, bare });
}

/** Varnish, if it is there, in front of a bare server on the core of the load. */
export async function startVarnish(bare: Contestant): Promise<Contestant | undefined> {
  const command = programOf('varnishd');
  if (command === undefined) return undefined;
  const port = await freePort();
  const folder = temporaryDirectory('bench-varnish');
  const args = [
    '-F', '-j', 'none', '-a', `127.0.0.1:${port}`, '-f', '', '-n', folder, '-s', 'malloc,256m',
    '-p', 'thread_pools=1', '-p', 'thread_pool_min=100',
  ];
  // Its language, in place of `-b`: no cookie of the load keeps an answer from being shared.
  const file = path.join(folder, 'bench.vcl');
  writeFileSync(file, `vcl 4.0;
    backend default { .host = "127.0.0.1"; .port = "${bare.port}"; }
    sub vcl_recv { unset req.http.cookie; return (hash); }`);
  args[args.indexOf('')] = file;
  return startProxy({ name: 'Varnish (GET)', command, args, port, bare });
}

interface ProxyOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly bare: Contestant;
}

async function startProxy(options: ProxyOptions): Promise<Contestant> {
  const { name, command, args, port, bare } = options;
  const server = await startQuiet({ name, command, args }, port);
  return {
    name, port, server, method: 'GET', calls: () => bare.calls(), stop: () => server.stop(),
  };
}

/** What prints nothing once it runs is ready when it answers. */
async function startQuiet(options: ServerOptions, port: number): Promise<Server> {
  const { command, args, name } = options;
  const shell = ['-c', 'echo started; exec "$0" "$@"', command, ...args];
  const server = await startServer({ ...options, command: 'sh', ready: /started/, args: shell });
  await answering(port, name);
  return server;
}

function programOf(name: string): string | undefined {
  const inSbin = `/usr/sbin/${name}`;
  return findProgram(name) ?? (existsSync(inSbin) ? inSbin : undefined);
}

async function answering(port: number, name: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/?bytes=200`).catch(() => undefined);
    if (answer !== undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${name} does not answer after 30 s`);
}
