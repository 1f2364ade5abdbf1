import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { TOKENS } from '../admin/service.ts';
import { freePort, temporaryDirectory } from '../../support/process.ts';
import { openOperators, run, type Operators } from './operators.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function answering(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Each command that asks a node, as it is run. */
const COMMANDS = [
  ['purge', 'user:1'], ['purge', 'user:1', '--dry-run'], ['watch'], ['audit'], ['stats'],
];

describe('a command that asks a node', () => {
  let operators: Operators;
  beforeAll(async () => {
    operators = await openOperators();
  });
  afterAll(() => operators.close());

  it.each(COMMANDS)('%s %s %s: says that nobody is listening, and exits 3', async (...args) => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const words = args.filter((arg) => arg !== undefined);
    const { code, out, err } = await run([...words, '--url', url]);
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(`freshet: ${url}: a connection was required, got ECONNREFUSED. Is the`);
    const json = await run([...words, '--json'], { environment: { FRESHET_ADMIN_URL: url } });
    expect(JSON.parse(json.err)).toMatchObject({
      error: { code: 'NODE_UNREACHABLE', exit_code: 3, message: expect.stringContaining(url) },
    });
  });

  it.each(COMMANDS)('%s %s %s: is refused without a token, with another, and exits 4',
    async (...args) => {
      const words = args.filter((arg) => arg !== undefined);
      for (const token of [[], ['--token', 'of-nobody']]) {
        const { code, out, err } = await run([...words, '--url', operators.url, ...token]);
        expect([code, out]).toEqual([4, '']);
        expect(err).toMatch(/^freshet: A valid bearer token was required.*--token-file/);
        expect(err).not.toContain('of-nobody');
      }
    });

  it('is refused where the role of its token is too small', async () => {
    const args = ['purge', 'user:1', '--url', operators.url, '--token', TOKENS.read];
    const { code, err } = await run(args);
    expect(code).toBe(4);
    expect(err).toContain('A token with the role purge was required, got one with read.');
  });

  it('takes the token from a file or from the environment', async () => {
    const directory = temporaryDirectory('token');
    writeFileSync(join(directory, 'token'), `${TOKENS.read}\n`);
    const args = ['stats', '--url', `${operators.url}/`];
    const file = await run([...args, '--token-file', 'token'], { directory });
    expect(file).toMatchObject({ code: 0, err: '' });
    const environment = { FRESHET_ADMIN_TOKEN: TOKENS.read };
    expect(await run(args, { environment })).toMatchObject({ code: 0, err: '' });
  });

  it.each([
    [['--url', 'localhost:4001'], '--url: http://HOST:PORT without credentials'],
    [['--url', 'ftp://localhost'], '--url: http://HOST:PORT'],
    [['--url', 'http://ann:secret@localhost'], '--url: http://HOST:PORT'],
    [['--url', 'http://localhost?a=b'], '--url: http://HOST:PORT'],
    [['--token', 'secret text'], '--token: one line of visible ASCII'],
    [['--token', 'secret', '--token-file', 'b'], '--token: one of --token and --token-file'],
    [['--token-file', 'secret'], '--token-file: a file that can be read was required, got ENOENT'],
    [['--urll', 'a'], 'stats: unknown flag --urll: did you mean --url?'],
    [['now'], 'stats: only flags were required, got "now"'],
  ])('refuses %j, without what may be a secret', async (flags, message) => {
    const { code, out, err } = await run(['stats', ...flags]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).not.toContain('secret');
  });

  it('says that somebody else answers, follows no redirect, and exits 1', async () => {
    let asked = 0;
    const other = await answering((_, response) => {
      asked += 1;
      response.end('{}');
    });
    const moved = await answering((_, response) => {
      response.writeHead(302, { location: other }).end();
    });
    const page = await answering((_, response) => response.end('<html>'));
    for (const url of [moved, page]) {
      const { code, err } = await run(['audit', '--url', url, '--token', 'a-secret']);
      expect(code).toBe(1);
      expect(err).toContain("an answer of an operators' listener was required");
    }
    expect(asked).toBe(0);
  });
});
