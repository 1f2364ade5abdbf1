import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { QUERIES } from '../../../src/ops/cli/invitation.ts';
import { end, printed, spawnBound, temporaryDirectory } from '../../support/process.ts';
import { startRedis } from '../../support/redis.ts';

/** A whole process starts here, on a machine that may be busy with other tests. */

const BIN = fileURLToPath(new URL('../../../src/ops/cli/bin.ts', import.meta.url));

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
});

async function startDemo(args: readonly string[] = [], environment = {}) {
  const child = spawnBound(process.execPath, [
    BIN, 'demo', '--port', '0', '--admin-port', '0', ...args,
  ], { cwd: temporaryDirectory('demo'), env: { PATH: process.env['PATH'], ...environment } });
  stops.push(() => end(child, 'SIGKILL'));
  const output = await printed(child, /Ctrl-C/, { name: 'freshet demo' });
  const [url = ''] = /http:\/\/[\w.:]+\/graphql/.exec(output) ?? [];
  return { child, url, output };
}

async function ask(url: string, query: string): Promise<{ status: string; body: string }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const status = response.headers.get('cache-status') ?? '';
  return { status, body: await response.text() };
}

describe('freshet demo', () => {
  it('keeps what it says: MISS, HIT, a mutation, then fresh data and MISS', async () => {
    const { child, url, output } = await startDemo();
    for (const query of Object.values(QUERIES)) {
      expect(output).toContain(JSON.stringify({ query }));
    }
    for (const query of [QUERIES.user, QUERIES.feed, QUERIES.posts]) {
      const [first, second] = [await ask(url, query), await ask(url, query)];
      expect(first.body).not.toContain('"errors"');
      expect(first.status).toMatch(/miss/);
      expect(second).toEqual({ status: expect.stringMatching(/hit/), body: first.body });
    }
    expect((await ask(url, QUERIES.rename)).body).toContain('Ada Byron');
    const fresh = await ask(url, QUERIES.user);
    expect(fresh).toEqual({
      status: expect.stringMatching(/miss/),
      body: expect.stringContaining('Ada Byron'),
    });
    expect((await ask(url, QUERIES.user)).status).toMatch(/hit/);

    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([0, null]);
  });

  it('does the same through Redis', async () => {
    const redis = await startRedis();
    stops.push(() => redis.stop());
    const { child, url } = await startDemo(['--redis', redis.url], { FRESHET_REHEARSAL: 'false' });
    expect((await ask(url, QUERIES.user)).status).toMatch(/miss/);
    expect((await ask(url, QUERIES.rename)).body).toContain('Ada Byron');
    expect((await ask(url, QUERIES.user)).body).toContain('Ada Byron');
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
