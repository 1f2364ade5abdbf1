/** Taste, as far as a program can see it. What needs a parser is the linter's: .oxlintrc.json. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const LINE_COLUMNS_MAX = 100;
const FILE_LINES_MAX = 350;

/** What a folder of src may import from, besides itself. */
const ALLOWED_IMPORTS: Record<string, readonly string[]> = {
  invalidation: [],
  cache: ['invalidation'],
  policy: ['invalidation'],
  gateway: ['invalidation', 'cache', 'policy'],
  ops: ['invalidation', 'cache', 'policy', 'gateway'],
  demo: ['invalidation'],
};

/** What policy may know of invalidation: the words of it, nothing that does I/O or keeps state. */
const VOCABULARY = ['errors', 'pattern', 'purge', 'tag'];

/** The one door into the demo, which nothing else imports: the command that runs it. */
const DEMO_DOOR = 'src/ops/cli/';

/** Folders are concepts; these are names for having none. */
const FOLDERS_WITHOUT_CONCEPT = ['utils', 'util', 'helpers', 'services', 'types', 'common', 'misc'];

/** Of the system, and of the dashboard's page, which runs in a browser. */
const CLOCK_FILES = ['src/invalidation/clock.ts', 'src/ops/dashboard/browser-clock.ts'];
const TIME_AND_CHANCE = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bperformance\.now\b/,
  /\bMath\.random\b/,
  /\bset(Timeout|Interval)\b/,
  /\bAbortSignal\.timeout\b/,
  /['"](node:)?timers(\/promises)?['"]/,
];

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = filesIn('src', /\.tsx?$/).filter(isWritten);
const code = [
  ...sources,
  ...['test', 'bench', 'docs'].flatMap((folder) => filesIn(folder, /\.ts$/)),
];
const schemas = filesIn('schema', /\.graphql$/);
const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'src', 'test', 'bench', 'schema'].flatMap((folder) => filesIn(folder, /\.md$/)),
];

test('the checks see the files that they are about', () => {
  expect(sources.length).toBeGreaterThan(20);
  expect(code).toContain('test/tidy.test.ts');
  expect(schemas).toContain('schema/freshet.graphql');
});

describe('shape', () => {
  test(`no line is wider than ${LINE_COLUMNS_MAX} columns`, () => {
    const wide = (line: string): boolean => line.length > LINE_COLUMNS_MAX;
    expect([...code, ...schemas].flatMap((file) => linesWith(file, wide))).toEqual([]);
  });

  test(`no source file is longer than ${FILE_LINES_MAX} lines`, () => {
    const long = sources.filter((file) => linesOf(file).length > FILE_LINES_MAX);
    expect(long).toEqual([]);
  });

  test('no function is longer, or takes more parameters, than the linter is told', () => {
    const rules = ['max-lines-per-function', 'max-params', 'max-lines', 'no-cycle'];
    const found = lint('src').filter(({ code: rule }) => rules.some((name) => rule.includes(name)));
    expect(found.map(({ filename, message }) => `${filename}: ${message}`)).toEqual([]);
  });

  test('folders are named for a concept', () => {
    const folders = new Set(code.flatMap((file) => dirname(file).split('/')));
    expect(FOLDERS_WITHOUT_CONCEPT.filter((name) => folders.has(name))).toEqual([]);
  });

  test('source files are plain ASCII', () => {
    // oxlint-disable-next-line no-control-regex
    const foreign = (line: string): boolean => /[^\x00-\x7f]/.test(line);
    expect([...sources, ...schemas].flatMap((file) => linesWith(file, foreign))).toEqual([]);
  });

  test('a page of documentation has one title', () => {
    const many = pages.filter((page) => titlesOf(page) !== 1);
    expect(many).toEqual([]);
  });
});

describe('walls', () => {
  test('imports run one way between the folders of src', () => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('src/') && !mayImport(file, target))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('invalidation needs no GraphQL package', () => {
    const wrong = sources
      .filter((file) => conceptOf(file) === 'invalidation')
      .flatMap((file) => importsOf(file).filter((target) => /graphql|envelop/.test(target)));
    expect(wrong).toEqual([]);
  });

  test('no source file imports tests or benchmarks', () => {
    const wrong = sources.filter((file) =>
      importsOf(file).some((target) => /^(test|bench)\//.test(target)),
    );
    expect(wrong).toEqual([]);
  });

  test('every source file is reached from an entry point', () => {
    const live = reachedFrom(entryPoints());
    expect(sources.filter((file) => !live.has(file))).toEqual([]);
  });

  test('time and chance come in through the clock', () => {
    const reads = (line: string): boolean => TIME_AND_CHANCE.some((sign) => sign.test(line));
    const bound = sources
      .filter((file) => !CLOCK_FILES.includes(file) && conceptOf(file) !== 'demo');
    expect(bound.flatMap((file) => linesWith(file, reads, withoutComments(file)))).toEqual([]);
  });
});

describe('honesty', () => {
  test('nothing is left to be done later', () => {
    const later = (line: string): boolean => /\b(TO[D]O|FIX[M]E|X[X]X|HAC[K])\b/.test(line);
    expect([...code, ...schemas].flatMap((file) => linesWith(file, later))).toEqual([]);
  });

  test('no test is skipped, put off or run alone', () => {
    const evasion = (line: string): boolean =>
      /\b(test|it|describe|suite)\.(skip|only|todo|skipIf|runIf)\b|\bx(it|describe)\(/.test(line);
    const tests = code.filter((file) => file.startsWith('test/'));
    expect(tests.flatMap((file) => linesWith(file, evasion, withoutComments(file)))).toEqual([]);
  });
});

function filesIn(folder: string, name: RegExp): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => name.test(file) && !/(^|\/)node_modules\//.test(file))
    .map((file) => join(folder, file))
    .toSorted();
}

function isWritten(file: string): boolean {
  return !file.endsWith('.generated.ts');
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function linesOf(file: string): string[] {
  return read(file).replace(/\n$/, '').split('\n');
}

/** "src/a.ts:12: the line", for each line that `test` holds of. */
function linesWith(
  file: string,
  holds: (line: string) => boolean,
  lines: readonly string[] = linesOf(file),
): string[] {
  return lines.flatMap((line, at) => (holds(line) ? [`${file}:${at + 1}: ${line.trim()}`] : []));
}

/** The lines with their comments blanked, so that a comment may name what the code must not. */
function withoutComments(file: string): string[] {
  return read(file)
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .split('\n')
    .map((line) => line.replace(/(^|\s)\/\/.*$/, ''));
}

/** The titles of a page outside its blocks of code, where # begins a comment. */
function titlesOf(page: string): number {
  const prose = read(page).replaceAll(/^( *)(```+|~~~+)[\s\S]*?^\1\2/gm, '');
  return prose.split('\n').filter((line) => line.startsWith('# ')).length;
}

/** What a file imports, loads later or starts: paths from the root, or names of packages. */
function importsOf(file: string): string[] {
  const text = withoutComments(file).join('\n');
  const forms = [
    /\bfrom\s+['"]([^'"]+)['"]/g,
    /\bimport\s+['"]([^'"]+)['"]/g,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
    /\bnew URL\(\s*['"](\.[^'"]+\.ts)['"]/g,
  ];
  return forms
    .flatMap((form) => [...text.matchAll(form)].map((match) => match[1] ?? ''))
    .map((target) => (target.startsWith('.') ? join(dirname(file), target) : target));
}

/** The folder of src that a file belongs to. */
function conceptOf(file: string): string {
  return relative('src', file).split('/')[0] ?? '';
}

function mayImport(file: string, target: string): boolean {
  const [from, to] = [conceptOf(file), conceptOf(target)];
  if (from === to) return true;
  if (to === 'demo') return file.startsWith(DEMO_DOOR);
  if (from === 'policy' && !VOCABULARY.some((name) => target.endsWith(`/${name}.ts`))) return false;
  return ALLOWED_IMPORTS[from]?.includes(to) ?? false;
}

/**
 * What package.json exports and runs, the sample services, which containers run, and the page of
 * the dashboard.
 */
function entryPoints(): string[] {
  const manifest = JSON.parse(read('package.json')) as {
    bin: Record<string, string>;
    exports: Record<string, { default: string }>;
    scripts: Record<string, string>;
  };
  const built = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).map((target) => target.default),
  ];
  const entries = built.map((path) =>
    path.replace(/^(\.\/)?dist\//, 'src/').replace(/\.js$/, '.ts'),
  );
  const scripts = Object.values(manifest.scripts).flatMap(
    (script) => script.match(/\bsrc\/\S+\.ts\b/g) ?? [],
  );
  return [...entries, ...scripts, 'src/demo/main.ts', 'src/ops/dashboard/main.tsx'];
}

function reachedFrom(entries: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    expect(existsSync(join(root, file)), `${file} is imported and is not there`).toBe(true);
    reached.add(file);
    waiting.push(...importsOf(file).filter((target) => target.startsWith('src/')));
  }
  return reached;
}

interface Finding {
  code: string;
  filename: string;
  message: string;
}

/** What the linter says of a folder by rules that need no types, which takes no time. */
function lint(folder: string): Finding[] {
  const linter = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 } as const;
  let output: string;
  try {
    output = execFileSync(process.execPath, [linter, '--format', 'json', folder], options);
  } catch (error) {
    // It ends with 1 where it found something, and what it found is its output all the same.
    output = (error as { stdout: string }).stdout;
  }
  return (JSON.parse(output) as { diagnostics: Finding[] }).diagnostics;
}
