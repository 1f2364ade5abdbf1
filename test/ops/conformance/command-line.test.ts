/** The kit from the command line: each adapter, what it prints, and its exit codes. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { CHECKS } from '../../../src/ops/conformance/checks.ts';
import { freePort, temporaryDirectory } from '../../support/process.ts';
import { startSmallCache, type Defect, type SmallCache } from './small-cache.ts';
import { notPassed, reportOfKit, runKit } from './kit.ts';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
});

const QUICK = ['--settle-ms', '50', '--only', 'update', '--only', 'list-after-create'];

interface Place {
  readonly cache: SmallCache;
  readonly args: readonly string[];
}

async function place(defect?: Defect): Promise<Place> {
  const port = String(await freePort());
  const cache = await startSmallCache(`http://127.0.0.1:${port}/graphql`, defect);
  closers.push(() => cache.stop());
  return { cache, args: ['--target', cache.url, '--origin-port', port, ...QUICK] };
}

/** A program that asks for the purge, as somebody would write it. */
function purgeProgram(cache: SmallCache): string {
  const file = join(temporaryDirectory('purge'), 'purge.mjs');
  writeFileSync(file, `
    const url = new URL(${JSON.stringify(cache.purgeUrl)});
    url.searchParams.set('id', process.env.CHANGE_TAG.replace(/^[a-z]+:/, ''));
    if (process.env.CHANGE_TYPE !== 'Item' || process.env.CHANGE_ACTION === '') process.exit(1);
    await fetch(url);
  `);
  return file;
}

function moduleFile(cache: SmallCache): string {
  const file = join(temporaryDirectory('module'), 'adapter.mjs');
  writeFileSync(file, `
    export async function purge({ type, id, action, tag }) {
      if (type !== 'Item' || !/^(created|updated)$/.test(action) || tag !== 'item:' + id) throw 1;
      await fetch(${JSON.stringify(`${cache.purgeUrl}?id=`)} + encodeURIComponent(id));
    }
  `);
  return file;
}

describe('a change', () => {
  const ADAPTERS: [string, (place: Place) => readonly string[]][] = [
    ['goes through the endpoint', () => []],
    ['is told by HTTP', ({ cache }) =>
      ['--adapter', 'http', '--purge-url', `${cache.purgeUrl}?id={id}&tag={tag}`]],
    ['is told by HTTP with a body', ({ cache }) => [
      '--adapter', 'http', '--purge-url', `${cache.purgeUrl}?id={id}`, '--purge-method', 'PUT',
      '--purge-body', '{"ids":["{id}"]}', '--purge-header', 'x-token: a:b',
    ]],
    ['is told by a command', ({ cache }) =>
      ['--adapter', 'command', '--purge-command', `${process.execPath} ${purgeProgram(cache)}`]],
    ['is told by a module', ({ cache }) => ['--adapter', 'module', '--module', moduleFile(cache)]],
  ];

  test.each(ADAPTERS)('%s, and is seen', async (_, adapter) => {
    const at = await place();
    const { code, report } = await reportOfKit([...at.args, ...adapter(at)]);
    expect(notPassed(report)).toEqual([]);
    expect([code, report.passed, report.failed, report.notApplicable]).toEqual([0, 2, 0, 0]);
  });

  test.each([
    ['http', ['--purge-url', 'http://127.0.0.1:9/purge']],
    ['command', ['--purge-command', 'exit 3']],
  ])('that cannot be told by %s is a failure', async (adapter, flags) => {
    const at = await place();
    const { code, report } = await reportOfKit([...at.args, '--adapter', adapter, ...flags]);
    expect([code, report.failed]).toEqual([1, 2]);
  });
});

test('prints where the origin is, then a table, and exits 0 where all passed', async () => {
  const { code, out, err } = await runKit((await place()).args);
  expect(out).toMatch(/The origin answers at http:\/\/127.0.0.1:\d+\/graphql/);
  expect(out).toMatch(/^update {13}pass {2}after an update, the old state is not served$/m);
  expect(out).toMatch(/\n2 passed, 0 failed, 0 not applicable\n$/);
  expect([code, err]).toEqual([0, '']);
});

test('says what it expected and got, and exits 1 where something failed', async () => {
  const { code, out } = await runKit((await place('never-purges')).args);
  expect(out).toMatch(/^update +fail +.*item.name of .*: expected "new", got "old"$/m);
  expect(code).toBe(1);
});

test('exits 2 where nothing answers, or what answers is not before its origin', async () => {
  const origin = ['--origin-port', String(await freePort()), '--wait', '0'];
  const nobody = await runKit(['--target', 'http://127.0.0.1:9/graphql', ...origin]);
  expect(nobody).toMatchObject({ code: 2 });
  expect(nobody.err).toMatch(/^freshet: the checks could not be run: http:\/\/127.0.0.1:9\S+ an /);
  const { cache } = await place();
  const other = await startSmallCache(cache.url);
  closers.push(() => other.stop());
  expect(await runKit(['--target', other.url, ...origin])).toMatchObject({ code: 2 });
});

test('exits 2 where its port is taken, or its adapter cannot be had', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const target = ['--target', 'http://127.0.0.1:9/graphql'];
  const taken = await runKit([...target, '--origin-port', String(port)]);
  server.close();
  expect(taken.err).toMatch(/EADDRINUSE/);
  const missing = await runKit([
    ...target, '--origin-port', '0', '--adapter', 'module', '--module', './not-there.js',
  ]);
  expect(missing.err).toMatch(/^freshet: the checks could not be run: .*not-there.js/);
  const redis = await runKit([
    ...target, '--origin-port', '0', '--adapter', 'freshet-redis', '--redis', 'redis://127.0.0.1:9',
  ]);
  expect([taken.code, missing.code, redis.code]).toEqual([2, 2, 2]);
});

test('lists the checks', async () => {
  const { code, out } = await runKit(['--list']);
  expect(out.trim().split('\n').map((line) => line.split(' ')[0]))
    .toEqual(CHECKS.map(({ name }) => name));
  expect(code).toBe(0);
});
