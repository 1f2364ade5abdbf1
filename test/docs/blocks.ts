/** The pages of the documentation, and the fenced blocks in them. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pagesOf, ROOT } from '../../docs/site/build.ts';

export { ROOT };

export interface Block {
  readonly page: string;
  /** Of its first line within the page, from 1. */
  readonly line: number;
  /** `sh`, `yaml` and so on; empty where none is named. */
  readonly language: string;
  /** The file that it is a part of, where it says so. */
  readonly title: string | undefined;
  readonly text: string;
}

/** README.md, CONTRIBUTING.md, docs/ and the pages in src: paths from the root. */
export const PAGES: readonly string[] = [
  ...pagesOf(ROOT),
  ...readdirSync(join(ROOT, 'src')).map((folder) => `src/${folder}/README.md`)
    .filter((page) => existsSync(join(ROOT, page))),
];

export function textOf(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

export function nameOf({ page, line }: Block): string {
  return `${page}:${line}`;
}

/** Recipes are run by tests of their own: test/examples has one for each. */
export const RECIPES: readonly string[] = PAGES.filter((page) => page.startsWith('docs/recipes/'));

export const BLOCKS: readonly Block[] = PAGES.filter((page) => !RECIPES.includes(page))
  .flatMap(blocksOf);

function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const fences = textOf(page).matchAll(/^( *)```([^\n`]*)\n([^]*?)^\1``` *$/gm);
  for (const { index, 2: info = '', 3: text = '' } of fences) {
    const line = textOf(page).slice(0, index).split('\n').length + 1;
    const [, title] = /title="([^"]+)"/.exec(info) ?? [];
    blocks.push({ page, line, language: info.split(/\s/)[0] ?? '', title, text });
  }
  return blocks;
}
