/**
 * Renews the tables of docs/conformance.md: `npm run conformance:page`. It runs the kit against
 * two nodes of our gateway, and against Yoga with its response cache, in memory and in Redis.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'node:util';
import type { Report, Verdict } from '../../../src/ops/conformance/index.ts';
import { freePort } from '../../support/process.ts';
import { startRedis } from '../../support/redis.ts';
import { freshetPair } from './freshet-pair.ts';
import { reportOfKit } from './kit.ts';
import { startYogaServer } from './yoga-server.ts';

const root = new URL('../../../', import.meta.url);
const page = fileURLToPath(new URL('docs/conformance.md', root));
const SETTLE = ['--settle-ms', '1000'];

interface Column {
  readonly name: string;
  readonly report: Report;
}

async function freshet(): Promise<Column> {
  const pair = await freshetPair();
  try {
    const [{ report }] = await Promise.all([
      reportOfKit([...pair.args, ...pair.redisArgs, ...SETTLE]), pair.start(),
    ]);
    return { name: 'Freshet, 2 nodes', report };
  } finally {
    await pair.stop();
  }
}

async function yogaInMemory(): Promise<Column> {
  const originPort = await freePort();
  const originUrl = `http://127.0.0.1:${originPort}/graphql`;
  const server = await startYogaServer({ originUrl, port: 0 });
  try {
    const { report } = await reportOfKit([
      '--target', server.url, '--origin-port', String(originPort), ...purge(server.purgeUrl),
    ]);
    return { name: 'Yoga, in memory, 1 node', report };
  } finally {
    await server.stop();
  }
}

async function yogaOnRedis(): Promise<Column> {
  const redis = await startRedis();
  const [originPort, relayPort] = [await freePort(), await freePort()];
  const originUrl = `http://127.0.0.1:${originPort}/graphql`;
  const servers = await Promise.all([redis.url, `redis://127.0.0.1:${relayPort}`]
    .map((redisUrl) => startYogaServer({ originUrl, port: 0, redisUrl })));
  try {
    const { report } = await reportOfKit([
      ...servers.flatMap(({ url }) => ['--target', url]),
      '--origin-port', String(originPort),
      '--relay', `${relayPort}=127.0.0.1:${redis.port}`,
      ...purge(servers[0]?.purgeUrl ?? ''),
    ]);
    return { name: 'Yoga, on Redis, 2 nodes', report };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await redis.stop();
  }
}

function purge(url: string): string[] {
  const template = `${url}?type={type}&id={id}&action={action}`;
  return ['--adapter', 'http', '--purge-url', template, ...SETTLE];
}

function tablesOf(columns: readonly Column[]): string {
  const verdicts = columns[0]?.report.verdicts ?? [];
  const cell = (one: Report, check: string): string => {
    const outcome = find(one, check)?.outcome ?? '';
    return outcome === 'fail' ? '**fail**' : outcome;
  };
  const rows = verdicts.map(({ check, requires }) => [
    `\`${check}\``, requires, ...columns.map(({ report }) => cell(report, check)),
  ]);
  const counts = columns.map(({ report: { passed, failed, notApplicable } }) =>
    `${passed} passed, ${failed} failed, ${notApplicable} n/a`);
  const header = ['check', 'it is required that', ...columns.map(({ name }) => name)];
  const lines = [header, header.map(() => '---'), ...rows, ['', '', ...counts]]
    .map((cells) => `| ${cells.join(' | ')} |`);
  return [environment(), '', ...lines, '', ...columns.flatMap(detailsOf)].join('\n');
}

function detailsOf({ name, report }: Column): string[] {
  const open = report.verdicts.filter(({ outcome }) => outcome !== 'pass');
  if (open.length === 0) return [];
  const line = ({ check, outcome, detail }: Verdict): string =>
    `- \`${check}\`, ${outcome}: ${code(detail)}`;
  return [`${name}, as the kit saw it:`, '', ...open.map(line), ''];
}

/** Names that are made up anew in each run are left out. */
function code(text: string): string {
  const plain = text.replaceAll(/[a-z0-9]{5,9}-[a-z-]+-[a-z0-9]{3,7}-(\d+)/g, 'id-$1');
  return `\`${plain.replaceAll('`', "'")}\``;
}

function find({ verdicts }: Report, name: string): Verdict | undefined {
  return verdicts.find(({ check }) => check === name);
}

function environment(): string {
  const versions = [
    'graphql-yoga', '@graphql-yoga/plugin-response-cache', '@envelop/response-cache',
    '@envelop/response-cache-redis',
  ].map((name) => `${name} ${versionOf(`node_modules/${name}/package.json`)}`);
  const day = new Date().toISOString().slice(0, 10);
  return format('Of %s. Freshet %s; %s; Node %s.', day, versionOf('package.json'),
    versions.join(', '), process.versions.node);
}

function versionOf(path: string): string {
  const text = readFileSync(new URL(path, root), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

const columns = [await freshet(), await yogaInMemory(), await yogaOnRedis()];
const [begin, end] = ['<!-- results -->', '<!-- end of results -->'];
const before = readFileSync(page, 'utf8');
if (!before.includes(begin) || !before.includes(end)) throw new Error(`no place in ${page}`);
const renewed = `${before.slice(0, before.indexOf(begin))}${begin}\n${tablesOf(columns)}\n` +
  before.slice(before.indexOf(end));
writeFileSync(page, renewed.replaceAll(/\n{3,}/g, '\n\n'));
process.stdout.write(`${columns.map(({ name, report }) =>
  `${name}: ${report.passed} passed, ${report.failed} failed, ` +
  `${report.notApplicable} not applicable`).join('\n')}\n`);
