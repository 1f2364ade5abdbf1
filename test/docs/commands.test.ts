/**
 * Every command of the documentation is run against a demo with Redis, page by page, block by
 * block. `curl` and `freshet` do what they say; for what would not end (`freshet start`, `npm
 * test`) it is seen whether the command line is right.
 */
import { execFile, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  end, findProgram, freePort, printed, spawnBound, temporaryDirectory,
} from '../support/process.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { BLOCKS, nameOf, RECIPES, ROOT, type Block } from './blocks.ts';

/** Blocks that cannot be run here, with the test that sees to them, and what it has of them. */
const ELSEWHERE: readonly { page: string; holds: string; test: string; has: string }[] = [
  // Names a query that the reader has.
  {
    page: 'docs/runbook.md', holds: 'the query that is slow',
    test: 'test/ops/runbook.test.ts', has: 'names commands and flags that there are',
  },
  // Need a database.
  {
    page: 'docs/operators.md', holds: 'freshet_audit.allow',
    test: 'test/ops/audit/fleet.test.ts', has: 'freshet_audit.allow',
  },
  {
    page: 'docs/sources.md', holds: 'CREATE PUBLICATION',
    test: 'test/ops/sources/postgres/replication.test.ts', has: 'CREATE PUBLICATION',
  },
];

/** Languages in which whole pages are seen to by one test. */
const PAGES_ELSEWHERE: readonly { language: string; page: string; test: string }[] = [
  { language: 'console', page: 'docs/runbook.md', test: 'test/ops/runbook.test.ts' },
  { language: 'text', page: 'docs/cli.md', test: 'test/ops/cli/document.test.ts' },
];

/** Transcripts with parts left out, of commands that are run as they stand in another block. */
const TRANSCRIPTS: readonly { page: string; holds: string }[] = [
  { page: 'README.md', holds: '$ npm ci && npm start' },
  { page: 'docs/conformance.md', holds: '$ npx freshet conformance' },
];

const BIN = fileURLToPath(new URL('../../src/ops/cli/bin.ts', import.meta.url));
const COMMAND_LINE = fileURLToPath(new URL('command-line.ts', import.meta.url));
const TOKEN = 'a-token-of-the-documentation';
const SECRET = 'a secret of webhooks for the documentation';
const directory = temporaryDirectory('commands');

const isSeenElsewhere = (block: Block): boolean =>
  ELSEWHERE.some(({ page, holds }) => page === block.page && block.text.includes(holds));
const commands = BLOCKS.filter((block) => block.language === 'sh' && !isSeenElsewhere(block));

let redis: RedisServer;
let demo: ChildProcess;
/** What stands in the documentation, and where it is here. */
const places = new Map<string, string>();

beforeAll(async () => {
  redis = await startRedis();
  const [port, adminPort] = [await freePort(), await freePort()];
  writePrograms();
  const listeners = ['--port', `${port}`, '--admin-port', `${adminPort}`, '--redis', redis.url];
  demo = spawnBound(process.execPath, [BIN, 'demo', ...listeners], {
    cwd: directory,
    env: {
      PATH: process.env['PATH'], FRESHET_ADMIN_TOKEN: TOKEN, FRESHET_WEBHOOK_SECRETS: SECRET,
      FRESHET_AUDIT_ENABLED: 'true', FRESHET_REHEARSAL: 'false', FRESHET_WORKERS: '1',
    },
  });
  const output = await printed(demo, /Ctrl-C/, { name: 'freshet demo' });
  const portOf = (service: string): string =>
    new RegExp(`${service}\\s+http://127\\.0\\.0\\.1:(\\d+)`).exec(output)?.[1] ?? '';
  places.set('4000', String(port)).set('4001', String(adminPort));
  places.set('5001', portOf('users')).set('5002', portOf('content'));
  places.set('6379', String(redis.port));
});
afterAll(async () => {
  await end(demo, 'SIGKILL');
  await redis.stop();
});

/** Programs on the PATH of the commands, before those of the machine. */
const PROGRAMS: Readonly<Record<string, () => string>> = {
  freshet: () => `case "$1" in
  start|demo|watch|conformance) exec "${process.execPath}" "${COMMAND_LINE}" "$@";;
esac
exec "${process.execPath}" "${BIN}" "$@"`,
  // A script that there is, or what needs none.
  npm: () => `script="$1"; [ "$1" != run ] || { shift; [ "$1" != --silent ] || shift; script="$1"; }
case "$script" in
  ci|install) ;;
  *) grep -q "^    \\"$script\\":" "${ROOT}package.json" || { echo "npm: no $script"; exit 1; };;
esac`,
  npx: () => 'exec "$@"',
  // Tests that there are.
  vitest: () => `for word; do case "$word" in test/*) test -e "${ROOT}$word";; esac; done`,
  psql: () => 'grep -q CREATE',
  // A stream of events has no end; that there is one is enough.
  curl: () => `case " $* " in
  *' -N '*) "${findProgram('curl')}" --max-time 1 "$@" || test $? -eq 28; exit;;
esac
exec "${findProgram('curl')}" "$@"`,
  'redis-cli': () => `exec ${findProgram('redis-cli')} -p ${redis.port} "$@"`,
};

function writePrograms(): void {
  mkdirSync(join(directory, 'bin'));
  for (const [name, textOf] of Object.entries(PROGRAMS)) {
    writeFileSync(join(directory, 'bin', name), `#!/bin/sh\n${textOf()}\n`);
    chmodSync(join(directory, 'bin', name), 0o755);
  }
}

function environment(): Record<string, string> {
  const adminPort = places.get('4001');
  return {
    PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`,
    SECRET, URL: 'postgres://nowhere', FRESHET_ADMIN_TOKEN: TOKEN,
    ...(adminPort !== undefined && { FRESHET_ADMIN_URL: `http://127.0.0.1:${adminPort}` }),
  };
}

/** Functions that earlier blocks of the page have made. */
function functionsBefore({ page, line }: Block): string[] {
  return commands.filter((block) => block.page === page && block.line < line)
    .flatMap(({ text }) => text.match(/^\w+\(\) \{.*\}$/gm) ?? []);
}

function scriptOf(block: Block): string {
  const ported = block.text
    .replaceAll(/\b(?:localhost|127\.0\.0\.1):(\d{4})\b/g, (whole, port: string) =>
      places.has(port) ? `127.0.0.1:${places.get(port)}` : whole)
    .replaceAll(/\bnode (src|test|bench)\//g, `test -f ${ROOT}$1/`)
    .replaceAll(/^\.ci\/run\b/gm, `test -x ${ROOT}.ci/run`);
  return ['set -eo pipefail', ...functionsBefore(block), ported].join('\n');
}

function execute(script: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: directory, env: environment(), timeout: 30_000 };
    execFile('bash', ['--norc', '-c', script], options, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), output: `${out}${err}` }));
  });
}

const cases = commands.map((block) => [nameOf(block), block] as const);

it.each(cases)('%s does what it says', async (_, block) => {
  writeFileSync(join(directory, 'token'), TOKEN);
  const { code, output } = await execute(scriptOf(block));
  expect(code, output).toBe(0);
  expect(output).not.toMatch(/"errors":\[|"error":\{/);
});

it('sees to every command', () => {
  const shown = BLOCKS.filter(({ language, text }) =>
    ['sql', 'console', 'text'].includes(language) || (language === '' && /^ *\$ /m.test(text)));
  const unseen = shown.filter((block) => !isSeenElsewhere(block)
    && !PAGES_ELSEWHERE.some(({ language, page }) =>
      language === block.language && page === block.page)
    && !TRANSCRIPTS.some(({ page, holds }) => page === block.page && block.text.includes(holds)));
  expect(unseen.map(nameOf)).toEqual([]);
});

it('names tests that see to the others', () => {
  for (const page of RECIPES) {
    const test = page.replace('docs/recipes/', 'test/examples/').replace(/\.md$/, '.test.ts');
    expect(readFileSync(join(ROOT, test), 'utf8'), test).toContain(page);
  }
  for (const { page, holds, test, has } of ELSEWHERE) {
    const found = BLOCKS.filter((block) => block.page === page && block.text.includes(holds));
    expect(found.length, `${page}: ${holds}`).toBeGreaterThan(0);
    expect(readFileSync(join(ROOT, test), 'utf8'), test).toContain(has);
  }
  for (const { page, test } of PAGES_ELSEWHERE) {
    expect(readFileSync(join(ROOT, test), 'utf8'), test).toContain(page);
  }
});
