/**
 * The documentation as a static site: `npm run docs:site` makes `site/` of README.md,
 * CONTRIBUTING.md and docs/. It needs nothing but the files: no network, no other page's request.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPage, type Page } from './page.ts';
import { layout, type Section } from './layout.ts';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where the files of the repository are that a page names and the site does not have. */
const SOURCES = 'files';

/** Builds the site into `directory`, which is emptied, and says which pages it has. */
export function buildSite(directory: string): string[] {
  const sources = pagesOf(ROOT);
  const pages = sources.map((source) => readPage(source, readFileSync(join(ROOT, source), 'utf8')));
  const sections = sectionsOf(pages);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  cpSync(join(ROOT, 'docs/site/style.css'), join(directory, 'style.css'));
  cpSync(join(ROOT, 'docs/images'), join(directory, 'docs/images'), { recursive: true });
  const written = pages.map((page) => {
    const place = placeOf(page.source);
    const html = page.html.replaceAll(/(href|src)="([^"]+)"/g, (_, attribute: string, to: string) =>
      `${attribute}="${linkFrom(page.source, to, { sources, directory })}"`);
    write(join(directory, place), layout({ ...page, html }, { place, sections, placeOf }));
    return place;
  });
  return written;
}

/** The Markdown that becomes pages, by path. */
export function pagesOf(root: string): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const pages = docs.filter((file) => file.endsWith('.md')).map((file) => `docs/${file}`);
  return ['README.md', 'CONTRIBUTING.md', ...pages.toSorted()];
}

/** `docs/README.md`, the map, is the first page; the README of the repository stands beside it. */
function placeOf(source: string): string {
  if (source === 'docs/README.md') return 'index.html';
  return source.replace(/^README\.md$/, 'readme.html').replace(/\.md$/, '.html');
}

/** The map's own headings and lists are the navigation, so that there is one of them. */
function sectionsOf(pages: readonly Page[]): Section[] {
  const map = pages.find(({ source }) => source === 'docs/README.md');
  if (map === undefined) throw new Error('A page docs/README.md was required, got none.');
  const named = new Set<string>(['docs/README.md']);
  const sections = map.sections.map(({ title, links }) => ({
    title,
    entries: links.flatMap(({ to, text }) => {
      const source = join('docs', to.replace(/#.*$/, ''));
      if (named.has(source) || !pages.some((page) => page.source === source)) return [];
      named.add(source);
      return [{ source, text }];
    }),
  }));
  const others = pages.filter(({ source }) => !named.has(source));
  const entries = others.map(({ source, title }) => ({ source, text: title }));
  return [...sections, { title: 'More', entries }].filter((section) => section.entries.length > 0);
}

interface LinkPlaces {
  readonly sources: readonly string[];
  readonly directory: string;
}

/** A link of a page, as it must be in the site. A file that is no page goes along as it is. */
function linkFrom(source: string, to: string, { sources, directory }: LinkPlaces): string {
  if (/^([a-z]+:|#)/.test(to)) return to;
  const [path = '', anchor] = to.split('#');
  const target = relative(ROOT, resolve(ROOT, dirname(source), path));
  const from = dirname(placeOf(source));
  const suffix = anchor === undefined ? '' : `#${anchor}`;
  if (sources.includes(target)) return `${relative(from, placeOf(target))}${suffix}`;
  if (target.startsWith('docs/images/')) return relative(from, target);
  const copy = join(SOURCES, `${target === '' ? 'root' : target}.txt`);
  write(join(directory, copy), contentOf(target));
  return relative(from, copy);
}

/** The text of a file; of a folder, what is in it. */
function contentOf(target: string): string {
  const path = join(ROOT, target);
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return readdirSync(path).toSorted().join('\n');
  }
}

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = resolve(process.argv[2] ?? join(ROOT, 'site'));
  const pages = buildSite(directory);
  const place = join(relative(process.cwd(), directory), 'index.html');
  process.stdout.write(`${pages.length} pages: open ${place}\n`);
}
