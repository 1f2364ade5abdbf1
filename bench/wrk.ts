/** Load by wrk from a core of its own, with what the answers were, so that no error is measured. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { end, spawnBound, temporaryDirectory } from '../test/support/process.ts';
import { CORES, type Core } from './server.ts';

/** A request as it goes over the wire; `{id}` in its body is replaced by a number, each time. */
export interface Request {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
}

export interface LoadOptions {
  readonly port: number;
  /** Sent in turn. */
  readonly requests: readonly Request[];
  readonly connections: number;
  readonly seconds: number;
  /** The first number for `{id}`: no two requests of one benchmark may be the same. */
  readonly firstId?: number;
  /** Each connection waits so long before each request: a bound on the rate. Default 0. */
  readonly delayMs?: number;
  /** Requests may stay without an answer for 10 s: they are counted. Default false: none may. */
  readonly mayTimeOut?: boolean;
  /**
   * Where the load is made: by one thread, or with `all` by one for each core, as otherwise all
   * servers would wait for one. Default `load`.
   */
  readonly core?: Core;
}

export interface Load {
  readonly requests: number;
  readonly perSecond: number;
  /** Of the whole answer, in us. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of an answer with its headers. */
  readonly bytesEach: number;
  /** The first number for `{id}` that was not sent. */
  readonly nextId: number;
  /** Requests that were not answered within 10 s. */
  readonly timeouts: number;
}

const folder = temporaryDirectory('wrk');
const PLACE = '{id}';
const ID_DIGITS = 8;

/** A run that is too short for each connection to be answered says nothing: it is made longer. */
const LONGER_MAX = 8;

/** Rejects where one request was not answered, or one answer was no 200. */
export async function load(options: LoadOptions, factor = 1): Promise<Load> {
  const { port, connections } = options;
  const seconds = options.seconds * factor;
  const { core = 'load' } = options;
  const threads = core === 'all' ? threadsFor(connections) : 1;
  const script = path.join(folder, `${port}.lua`);
  writeFileSync(script, scriptOf(options, threads));
  const output = await outputOf(core, [
    `-t${threads}`, `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script,
    `http://127.0.0.1:${port}/`,
  ]);
  const line = output.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`wrk gave no result:\n${output}`);
  const { errors, ...figures } = JSON.parse(line) as Load & { errors: Record<string, number> };
  const result = { ...figures, timeouts: errors['timeout'] ?? 0 };
  if (result.requests < connections && factor < LONGER_MAX) {
    return load({ ...options, firstId: result.nextId + 1 }, factor * 2);
  }
  const failed = Object.entries(errors).filter(([kind, count]) =>
    count > 0 && !(options.mayTimeOut && kind === 'timeout'));
  if (failed.length > 0) {
    const list = failed.map(([what, count]) => `${what} ${count}`).join(', ');
    throw new Error(`of ${result.requests} requests to port ${port} some failed: ${list}`);
  }
  return result;
}

/** One for each core, or for fewer: each has the same number of connections. */
function threadsFor(connections: number): number {
  let threads = Math.min(availableParallelism(), connections);
  while (connections % threads !== 0) threads -= 1;
  return threads;
}

async function outputOf(core: Core, args: readonly string[]): Promise<string> {
  const child = spawnBound('taskset', ['-c', CORES[core], 'wrk', ...args]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  }
  await new Promise((resolve) => child.once('close', resolve));
  await end(child, 'SIGTERM');
  return output;
}

/** The requests are put together here; in the loop wrk only takes the next. */
function scriptOf(
  { requests, firstId = 0, delayMs = 0, port }: LoadOptions,
  threads: number,
): string {
  const wires = requests.map((request) => wireOf(request, port));
  const isUnique = wires.some((wire) => wire.includes(PLACE));
  const parts = wires.map((wire) => `{${wire.split(PLACE).map(quoted).join(',')}}`);
  return `
local parts = {${parts.join(',\n')}}
local wires = {}
for i, part in ipairs(parts) do wires[i] = part[1] end
local count, at, id = #parts, 0, ${firstId}
function request()
  at = at % count + 1
  ${isUnique ? `local part = parts[at]
  if part[2] == nil then return part[1] end
  id = id + ${threads}
  sent = id
  return part[1] .. string.format('%0${ID_DIGITS}d', id) .. part[2]` : 'return wires[at]'}
end
${delayMs === 0 ? '' : delay(delayMs)}
local threads = {}
function setup(thread)
  thread:set('place', #threads)
  table.insert(threads, thread)
end
function init() id = id + place end
function done(summary, latency, requests)
  local e = summary.errors
  local next = ${firstId}
  for _, thread in ipairs(threads) do next = math.max(next, thread:get('sent') or 0) end
  print(string.format('{"requests":%d,"perSecond":%f,"p50":%d,"p99":%d,"max":%d,' ..
    '"bytesEach":%f,"nextId":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}',
    summary.requests, summary.requests / (summary.duration / 1000000),
    latency:percentile(50), latency:percentile(99), latency.max,
    summary.bytes / math.max(1, summary.requests), next,
    e.connect, e.read, e.write, e.status, e.timeout))
end
`;
}

/** Whole milliseconds only: by chance above or below. */
function delay(ms: number): string {
  return `function delay() return math.floor(${ms} * 2 * math.random() + 0.5) end`;
}

function wireOf({ method, path: target, headers = [], body = '' }: Request, port: number): string {
  const length = body.includes(PLACE) ? body.length - PLACE.length + ID_DIGITS : body.length;
  const lines = [
    `${method} ${target} HTTP/1.1`, `host: 127.0.0.1:${port}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === 'POST' ? ['content-type: application/json', `content-length: ${length}`] : []),
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** As Lua writes it; JSON's escapes of what is ASCII are Lua's too. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
