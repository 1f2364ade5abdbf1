import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { end, freePort, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startSubgraph, type TestSubgraph } from '../../support/subgraph.ts';
import { until } from '../../support/until.ts';

/** A whole process starts here, on a machine that may be busy with other tests. */

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
});

async function users(): Promise<TestSubgraph> {
  const subgraph = await startSubgraph({
    name: 'users',
    sdl: `type Query { user(id: ID!): User } type User @key(fields: "id") { id: ID! name: String }`,
    resolvers: { Query: { user: (_, { id }) => ({ id, name: 'Ada' }) } },
    entities: { User: ({ id }) => ({ id, name: 'Ada' }) },
  });
  stops.push(() => subgraph.stop());
  return subgraph;
}

function freshet(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const { PATH = '' } = process.env;
  const child = spawnBound(process.execPath, [BIN, ...args], {
    cwd: temporaryDirectory('cli'),
    env: { PATH, NODE_ENV: 'production', ...environment },
  });
  stops.push(() => end(child, 'SIGKILL'));
  return child;
}

/** Exit code and all output of a command that ends by itself. */
async function outcome(child: ChildProcess): Promise<{ code: unknown; out: string; err: string }> {
  let [out, err] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code] = await once(child, 'close') as [unknown];
  return { code, out, err };
}

const PORTS = ['--host', '127.0.0.1', '--port', '0', '--admin-port', '0'];

async function startGateway(subgraph: TestSubgraph) {
  const child = freshet(['start', '--subgraph', `users=${subgraph.url}`, ...PORTS]);
  const output = await printed(child, /"msg":"listening"/, {
    name: 'freshet start',
  });
  const line = output.split('\n').find((one) => one.includes('"msg":"listening"')) ?? '';
  return { child, ...JSON.parse(line) as { url: string; adminUrl: string } };
}

function ask(url: string, query: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
}

describe('freshet start', () => {
  it('serves what the subgraphs answer, ends requests under way on SIGTERM, exits 0', async () => {
    const subgraph = await users();
    const { child, url, adminUrl } = await startGateway(subgraph);
    const query = '{ user(id: "1") { name } }';
    expect(await (await ask(url, query)).json()).toEqual({ data: { user: { name: 'Ada' } } });
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200);

    const gate = subgraph.hold();
    const underWay = ask(url, '{ user(id: "2") { name } }');
    await gate.arrived;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await until(async () => (await fetch(`${adminUrl}/readyz`)).status === 503, {
      what: 'the node is not ready any more',
    });
    await expect(ask(url, query)).rejects.toThrow();
    gate.release();
    expect(await (await underWay).json()).toEqual({ data: { user: { name: 'Ada' } } });
    expect(await exited).toEqual([0, null]);
  });

  it('survives bad requests, and keeps answering', async () => {
    const { url } = await startGateway(await users());
    const post = (body: BodyInit, headers = {}): Promise<Response> => fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
    const refused = [
      post('x'.repeat(10_000_000)),
      post('{"query":'),
      post('{"query":"{ \\u0000 }"}'),
      post('{}', { 'content-type': 'text/plain' }),
      ask(url, '{user(id:1){name'.repeat(300)),
      ask(url, `{ ${Array.from({ length: 10_000 }, (_, n) => `x${n}: __typename`).join(' ')} }`),
      fetch(url.replace('/graphql', '/other')),
      fetch(url, { method: 'DELETE' }),
    ];
    for (const response of await Promise.all(refused)) {
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      const { errors } = await response.json() as { errors: object[] };
      expect(errors[0]).toMatchObject({
        message: expect.any(String),
        extensions: { code: expect.any(String) },
      });
    }
    expect((await ask(url, '{ user(id: "1") { name } }')).status).toBe(200);
  });

  it('says in one message that its port is in use, and exits 1', async () => {
    const subgraph = await users();
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const args = ['start', '--subgraph', `users=${subgraph.url}`, ...PORTS, '--port', `${port}`];
    const { code, err } = await outcome(freshet(args));
    taken.close();
    expect(err).toBe(`freshet: Port ${port} was required to be free, got one that is in use.\n`);
    expect(code).toBe(1);
  });

  it.each([
    [
      'a supergraph that is not there',
      ['--supergraph', './missing.graphql'],
      /^freshet: The supergraph cannot be read from [^\n]*missing.graphql[^\n]*\n$/,
    ],
    [
      'a service that is not there',
      ['--subgraph', 'users=http://127.0.0.1:9/graphql'],
      /^freshet: The supergraph cannot be read from subgraph users[^\n]*\n$/,
    ],
  ])('says in one message that there is %s, and exits 1', async (_, args, message) => {
    const child = freshet(['start', ...args, ...PORTS], { FRESHET_SUBGRAPH_WAIT_MS: '0' });
    const { code, err } = await outcome(child);
    expect(err).toMatch(message);
    expect(code).toBe(1);
  });

  it('says all that is wrong with the configuration at once, and exits 2', async () => {
    const directory = temporaryDirectory('config');
    const file = join(directory, 'freshet.yaml');
    writeFileSync(file, 'chache: {}\nport: [1]\n');
    const { code, out, err } = await outcome(freshet(['start', '--config', file]));
    expect(err).toContain('chache');
    expect(err).toContain('did you mean cache?');
    expect(err).toContain('port (');
    expect(err).toContain('supergraph: required exactly one of');
    expect(err).not.toMatch(/^ +at /m);
    expect([code, out]).toEqual([2, '']);
  });

  it('ends cleanly when it is told to while it waits for its services', async () => {
    const adminPort = String(await freePort());
    const child = freshet([
      'start', '--subgraph', 'users=http://127.0.0.1:9/graphql', '--admin-port', adminPort,
    ]);
    const ended = outcome(child);
    const health = `http://127.0.0.1:${adminPort}/readyz`;
    await until(async () => (await fetch(health)).status === 503, {
      what: 'the operators see the node starting',
    });
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});

describe('freshet compose', () => {
  it('prints the supergraph, and nothing else', async () => {
    const subgraph = await users();
    const { code, out, err } = await outcome(freshet([
      'compose', '--subgraph', `users=${subgraph.url}`,
    ]));
    expect(out).toContain('type User @join__type(graph: USERS, key: "id")');
    expect(out).toContain(subgraph.url);
    expect([code, err]).toEqual([0, '']);
  });

  it('says which service is not there, and exits 1', async () => {
    const { code, out, err } = await outcome(freshet([
      'compose', '--subgraph', 'users=http://127.0.0.1:9/graphql',
    ]));
    expect(err).toMatch(/^freshet: [^\n]*subgraph users[^\n]*\n$/);
    expect([code, out]).toEqual([1, '']);
  });
});
