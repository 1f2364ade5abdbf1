/** What the documentation shows besides commands is right: schemas, configurations, programs. */
import { execFile } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { Kind, parse, visit } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { checkConfig } from '../../src/gateway/config/config.ts';
import { composeSupergraph } from '../../src/gateway/supergraph/compose.ts';
import { SchemaPolicy } from '../../src/policy/schema-policy.ts';
import { temporaryDirectory } from '../support/process.ts';
import { startRedis, type RedisServer } from '../support/redis.ts';
import { BLOCKS, nameOf, ROOT, type Block } from './blocks.ts';
import { RUN, SURROUNDINGS } from './surroundings.ts';

const run = promisify(execFile);

/** Parts of files that are tested where they belong say which file by `title`. */
const parts = BLOCKS.filter(({ title }) => title !== undefined);
const own = BLOCKS.filter(({ title }) => title === undefined);

/** Every language of a block, and who sees to it. A new one is not shown before somebody does. */
const SEEN_TO = [
  // This file.
  'json', 'yaml', 'graphql', 'ts',
  // commands.test.ts.
  'sh', 'sql', 'console', 'text',
  // test/ops/cli/redis-user.test.ts.
  'redis-acl',
  // Drawings and transcripts; commands.test.ts looks for commands in them.
  '',
];

function named(language: string): [string, Block][] {
  return own.filter((block) => block.language === language).map((block) => [nameOf(block), block]);
}

it('sees to every block', () => {
  const unseen = BLOCKS.filter(({ language, title }) =>
    title === undefined && !SEEN_TO.includes(language));
  expect(unseen.map(nameOf)).toEqual([]);
  expect(BLOCKS.length).toBeGreaterThan(60);
});

it.each(parts.map((block) => [nameOf(block), block] as const))('%s is in its file', (_, block) => {
  expect(readFileSync(join(ROOT, block.title ?? ''), 'utf8')).toContain(block.text);
});

it.each(named('json'))('%s is JSON', (_, { text }) => {
  expect(() => JSON.parse(text) as unknown).not.toThrow();
});

it.each(named('yaml'))('%s is a configuration', (_, { text }) => {
  for (const document of parseAllDocuments(text)) {
    expect(document.errors).toEqual([]);
    const values = document.toJS() as Record<string, unknown>;
    const least = 'subgraphs' in values ? {} : { subgraphs: { some: 'http://localhost/graphql' } };
    const sourceOf = () => 'the page';
    const { faults = [] } = checkConfig({ ...least, ...values }, { production: false, sourceOf });
    expect(faults).toEqual([]);
  }
});

/** What a fragment of a schema leaves out. */
function completed(text: string): string {
  const document = parse(text);
  const known = new Set(['String', 'Int', 'Float', 'Boolean', 'ID']);
  const used = new Set<string>();
  visit(document, {
    ObjectTypeDefinition: ({ name }) => void known.add(name.value),
    InputObjectTypeDefinition: ({ name }) => void known.add(name.value),
    EnumTypeDefinition: ({ name }) => void known.add(name.value),
    NamedType: ({ name }) => void used.add(name.value),
  });
  const unknown = [...used].filter((type) => !known.has(type));
  const stubs = unknown.map((type) => `type ${type} { id: ID! }`);
  const query = known.has('Query') ? '' : 'type Query { some: Int }';
  const link = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", '
    + 'import: ["@key", "@external", "@requires", "@provides", "@shareable"])';
  return [link, text, query, ...stubs].join('\n');
}

it.each(named('graphql'))('%s is composed, and its directives are read', (_, { text }) => {
  const isSchema = parse(text).definitions.every(({ kind }) => kind !== Kind.OPERATION_DEFINITION);
  if (!isSchema) return;
  const sdl = text.includes('extend schema') ? text : completed(text);
  const supergraph = composeSupergraph([{ name: 'some', url: 'http://localhost/graphql', sdl }]);
  expect(new SchemaPolicy(parse(supergraph.sdl))).toBeDefined();
});

describe('programs', () => {
  const directory = temporaryDirectory('snippets');
  const files = new Map(named('ts').map(([, block], at) => [block, `${at}-${slug(block)}.ts`]));
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await startRedis();
    symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const [block, file] of files) writeFileSync(join(directory, file), programOf(block));
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      exports: Record<string, { default: string }>;
    };
    const paths = Object.fromEntries(Object.entries(exports).map(([path, target]) =>
      [path.replace(/^\./, 'freshet-gateway'), [sourceOf(target.default)]]));
    writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        paths, types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')], module: 'esnext',
        moduleResolution: 'bundler', moduleDetection: 'force', noUnusedLocals: false,
        noUnusedParameters: false, noPropertyAccessFromIndexSignature: false,
      },
      include: ['*.ts'], exclude: [],
    }));
  });
  afterAll(() => redis.stop());

  function programOf(block: Block): string {
    const given = SURROUNDINGS.find(({ page, holds }) =>
      page === block.page && block.text.includes(holds));
    return `${given?.declares ?? ''}\nexport {};\n${block.text}`;
  }

  it('have surroundings that a page still needs', () => {
    for (const { page, holds } of [...SURROUNDINGS, ...RUN]) {
      const found = own.filter((block) => block.page === page && block.text.includes(holds));
      expect(found, `${page}: ${holds}`).toHaveLength(1);
    }
  });

  it('are right by their types', async () => {
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const checked = run(process.execPath, [compiler, '--noEmit', '-p', directory]);
    const output = await checked.then(() => '', ({ stdout }: { stdout: string }) => stdout);
    // What is wrong in the sources, `npm run types` tells.
    const faults = output.split('\n').filter((line) => line.includes(basename(directory)));
    expect(faults).toEqual([]);
  });

  it.each(RUN)('run: $page, $holds', async ({ page, holds }) => {
    const [block, file] = [...files].find(([one]) =>
      one.page === page && one.text.includes(holds)) ?? [];
    const program = programOf(block as Block)
      .replaceAll(/'freshet-gateway([\w/]*)'/g, (_, path: string) =>
        `'${join(ROOT, `src/${path === '' ? 'gateway' : path.slice(1)}/index.ts`)}'`)
      .replaceAll('redis://localhost:6379', redis.url);
    const path = join(directory, `run-${file?.replace(/\.ts$/, '.mts')}`);
    writeFileSync(path, program);
    const { stderr } = await run(process.execPath, [path], { timeout: 50_000 });
    expect(stderr).toBe('');
  });
});

function sourceOf(built: string): string {
  return join(ROOT, built.replace('./dist/', 'src/').replace(/\.js$/, '.ts'));
}

function slug({ page, line }: Block): string {
  return `${page.replaceAll(/\W+/g, '-')}-${line}`;
}
